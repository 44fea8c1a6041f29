//! Tokens in real SoftHSM, each test with its own: keys, PINs, lost tokens and wrong signatures.

mod administration;
mod bench;
mod faults;
mod pins;
mod signing;
