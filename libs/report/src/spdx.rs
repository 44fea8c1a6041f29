//! The AIBoM as SPDX 3.0.1 in JSON-LD: core, software, ai, dataset, build, security, simpleLicensing.
//!
//! The id of an element that the AIBoM has too is its BOM-Link (`urn:cdx:<serial>/<version>#<bom-ref>`);
//! the ids of what only SPDX has begin with `spdx:`, which no escaped bom-ref contains. Who says
//! what survives as annotations, one for each element and source. What SPDX has no place for
//! (cryptographic assets, declarations, the asked-for formula) stays in the AIBoM, which the document
//! names.

mod agents;
mod build;
mod cvss;
mod data;
mod document;
mod element;
mod graph;
mod licence;
mod model;
mod profiles;
mod software;
mod vulnerability;

use ids::canonical;

use crate::Aibom;
pub(crate) use element::{Located, escaped};
use graph::Graph;

/// The context that every document names.
pub const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";

/// The most bytes that ids in relationships and names in annotations may take together: a short
/// AIBoM can name one long thing often.
pub const MAX_REFERENCE_BYTES: usize = 64 * 1024 * 1024;

/// Why an AIBoM cannot be written as SPDX.
#[derive(Debug, thiserror::Error)]
pub enum SpdxError {
    /// SPDX demands a time of creation, in UTC.
    #[error("metadata.timestamp is no RFC 3339 time in UTC, which SPDX demands")]
    NoTime,
    /// SPDX demands who created it.
    #[error("metadata names neither a manufacturer nor a tool; SPDX demands who created it")]
    NoCreator,
    /// What it refers to again and again would make the document many times as long as it is.
    #[error(
        "its references to one another would take more than {MAX_REFERENCE_BYTES} bytes; it is no AIBoM of ours"
    )]
    TooLarge,
    /// It cannot be written.
    #[error("cannot be written: {0}")]
    Write(#[from] canonical::Error),
}

/// The document's bytes, RFC 8785 canonical: the same AIBoM gives the same bytes.
///
/// # Errors
/// When the AIBoM does not say when or by whom it was made, or refers too much to itself.
pub fn document(aibom: &Aibom) -> Result<Vec<u8>, SpdxError> {
    let mut graph = Graph::new(aibom)?;
    let created = graph.time(aibom.text("/metadata/timestamp")).ok_or(SpdxError::NoTime)?;
    agents::add(&mut graph);
    software::add(&mut graph);
    model::add(&mut graph);
    data::add(&mut graph);
    build::add(&mut graph);
    vulnerability::add(&mut graph);
    graph.fits()?;
    document::write(graph, &created)
}

#[cfg(test)]
mod tests;
