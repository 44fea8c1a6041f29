//! Entry point of the project tasks.
fn main() {}
