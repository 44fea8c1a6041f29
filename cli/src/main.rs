//! Entry point of the aibom command.
fn main() {}
