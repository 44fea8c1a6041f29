//! The scheduler's decisions as a synchronous state machine
