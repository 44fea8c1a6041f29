//! What is read out of an AIBoM: score, difference, SPDX, pages for people.
//!
//! Everything here begins with [`Aibom::parse`], which takes bytes that nobody vouches for, and is a
//! pure function of it. What stands where is docs/formats/aibom.md.

mod aibom;
pub mod annex_iv;
pub mod bsi;
pub mod card;
pub mod diff;
pub mod html;
pub mod records;
pub mod score;
mod sources;
pub mod spdx;

pub use aibom::{Aibom, MAX_AIBOM_BYTES, ReadError};
pub use sources::{Attribution, Source, Sources};
