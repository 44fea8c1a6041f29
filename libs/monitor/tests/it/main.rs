//! The monitor beside the others who watch the log.

mod lies;
