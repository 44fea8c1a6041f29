//! The mesh over real sockets, containers and tools: what the tests in `tests/` stand on.
//!
//! `place` finds the programs, images and tools, and says what to run when one is missing; `mesh`
//! is a running mesh, which `keeper` starts once and always stops, with its signing keys in a `token`
//! where that is asked for; `run` runs programs; `probe`
//! writes jobs that misbehave, `direct` submits what a careful client would not; `forge` signs what nobody should; `grpc` makes calls that the
//! `aibom` command never would; `entries` counts what the ledger has of the user's own jobs.

pub mod direct;
pub mod engine;
pub mod entries;
pub mod forge;
pub mod grpc;
pub mod javascript;
pub mod keeper;
pub mod mesh;
pub mod place;
pub mod probe;
pub mod python;
pub mod run;
pub mod token;
pub mod wait;

pub use mesh::Mesh;
