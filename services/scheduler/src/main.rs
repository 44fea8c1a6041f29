//! Entry point of the scheduler service.
fn main() {}
