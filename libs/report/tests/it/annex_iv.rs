//! The Annex IV pack.
