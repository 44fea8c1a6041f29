//! What differs between two AIBoMs.
