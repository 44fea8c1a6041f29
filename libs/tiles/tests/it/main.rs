//! The published log as other people's software reads it.

#[cfg(test)]
mod other_readers;
