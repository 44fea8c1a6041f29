//! The technical documentation of Annex IV of Regulation (EU) 2024/1689.
