//! Tests of the stores: what is acknowledged stays, what is damaged is refused, and said.

mod cache;
mod disk;
mod durable;
mod model;
