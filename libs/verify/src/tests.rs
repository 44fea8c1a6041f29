//! Tests of offline verification.
