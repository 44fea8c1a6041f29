//! Tokens in real SoftHSM, each test with its own: keys, PINs, lost tokens and wrong signatures.

#[cfg(test)]
mod administration;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod pins;
#[cfg(test)]
mod signing;
