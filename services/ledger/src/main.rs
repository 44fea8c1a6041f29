//! Entry point of the ledger service.
fn main() {}
