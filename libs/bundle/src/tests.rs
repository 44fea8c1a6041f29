//! Tests of the bundle file.
