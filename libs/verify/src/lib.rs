//! Offline verification: re-derive, compare, and report every check
