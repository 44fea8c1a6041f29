//! Keys in PKCS#11 tokens, and the process of their own in which the module runs.

pub mod agent;
