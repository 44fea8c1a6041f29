//! Entry point of the scanner service.
fn main() {}
