//! What is read out of an AIBoM: score, difference, SPDX, pages for people.
//!
//! Everything here begins with [`Aibom::parse`], which takes bytes that nobody vouches for, and is a
//! pure function of it. What stands where is docs/formats/aibom.md.

mod aibom;
pub mod annex_iv;
pub mod bsi;
pub mod card;
mod conformance;
mod decision;
pub mod diff;
pub mod html;
pub mod records;
mod scans;
pub mod score;
pub mod severity;
mod sources;
pub mod spdx;
mod vdr;

pub use aibom::{Aibom, MAX_AIBOM_BYTES, ReadError};
pub use decision::Decision;
pub use scans::Scans;
pub use sources::{Attribution, Source, Sources};
pub use vdr::{VdrError, vdr};
