//! Cosignatures as other people's software checks them.

#[cfg(test)]
mod sigsum;
