//! A bundle that verifies, made in this process.

pub(crate) use testkit::bundle::bundle;
