//! Entry point of the executor service.
fn main() {}
