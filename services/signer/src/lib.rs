//! The signer service.
