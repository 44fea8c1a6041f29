//! Entry point of the signer service.
fn main() {}
