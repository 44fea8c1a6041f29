//! Fuzz targets: one function per parser of untrusted bytes.
//!
//! Each takes any bytes, says whether they were accepted, and panics when an invariant breaks.

mod aiboms;
mod bundles;
mod certificates;
mod datasets;
mod documents;
mod evidence_set;
mod fixture;
mod in_toto;
mod inspections;
mod log;
mod model_signature;
mod models;
pub mod mutate;
mod policies;
mod proto;
mod records;
mod scan_db;
mod states;
mod tiles;
mod tokens;
mod witnesses;

pub use aiboms::{aibom, exports};
pub use bundles::bundle;
pub use certificates::{certificate, certificate_chain, trust_root};
pub use datasets::{dataset_csv, dataset_definition, split_record};
pub use documents::{dsse_envelope, grant, record, request, scan, statement, training};
pub use evidence_set::evidence_set;
pub use in_toto::in_toto;
pub use inspections::inspect;
pub use log::{checkpoint_note, inclusion_proof, ledger_inclusion, log_policy, tlog_proof};
pub use model_signature::model_signature;
pub use models::keras_model;
pub use policies::{policy, release};
pub use proto::{attest_message, attest_request};
pub use records::{advisory_file, record_file};
pub use scan_db::scan_db;
pub use states::{monitor_state, witness_state};
pub use tiles::{entry_bundle, tile_path, tile_proof};
pub use tokens::{agent_frame, pkcs11_uri};
pub use witnesses::witness_request;

/// A target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus' folder.
    pub name: &'static str,
    /// Whether it accepts an input.
    pub accepts: fn(&[u8]) -> bool,
    /// It is run on one of so many inputs, because one takes as much longer.
    pub one_of: u64,
}

const fn target(name: &'static str, accepts: fn(&[u8]) -> bool) -> Target {
    Target { name, accepts, one_of: 1 }
}

/// Every target, for the smoke runner.
pub const TARGETS: &[Target] = &[
    target("advisory_file", advisory_file),
    target("aibom", aibom),
    target("exports", exports),
    target("attest_request", attest_request),
    target("bundle", bundle),
    target("certificate", certificate),
    target("certificate_chain", certificate_chain),
    target("checkpoint_note", checkpoint_note),
    target("dataset_csv", dataset_csv),
    target("dataset_definition", dataset_definition),
    target("dsse_envelope", dsse_envelope),
    Target { name: "evidence_set", accepts: evidence_set, one_of: 20 },
    target("grant", grant),
    target("in_toto", in_toto),
    target("inclusion_proof", inclusion_proof),
    target("inspect", inspect),
    target("keras_model", keras_model),
    target("ledger_inclusion", ledger_inclusion),
    target("log_policy", log_policy),
    target("model_signature", model_signature),
    target("monitor_state", monitor_state),
    target("pkcs11_uri", pkcs11_uri),
    target("agent_frame", agent_frame),
    target("policy", policy),
    target("record", record),
    target("record_file", record_file),
    Target { name: "release", accepts: release, one_of: 20 },
    target("request", request),
    target("scan", scan),
    target("scan_db", scan_db),
    target("split_record", split_record),
    target("statement", statement),
    target("tlog_proof", tlog_proof),
    target("training", training),
    target("tile_path", tile_path),
    Target { name: "tile_proof", accepts: tile_proof, one_of: 20 },
    target("entry_bundle", entry_bundle),
    target("trust_root", trust_root),
    target("witness_request", witness_request),
    target("witness_state", witness_state),
];
