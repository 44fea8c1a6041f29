//! Entry point of the verifier service.
fn main() {}
