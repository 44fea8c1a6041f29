//! `aibom bundle show`: the parts of a bundle, and where the ledger has it. Nothing is verified.

use std::path::PathBuf;

use ::bundle::{Bundle, LedgerEntry};
use clap::Args;
use ids::{Sha256Digest, Timestamp};
use merkle::SignedCheckpoint;
use serde::Serialize;

use super::read;
use crate::{
    bom::read::tell_unverified,
    failure::{Exit, Failure},
    terminal::{Terminal, clean},
};

/// Arguments of `bundle show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The bundle, or a directory that `aibom fetch` made.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    schema: String,
    bytes: usize,
    sha256: Sha256Digest,
    parts: Vec<Part>,
    ledger: Ledger,
}

#[derive(Debug, Serialize)]
struct Part {
    name: String,
    bytes: usize,
    sha256: Sha256Digest,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ledger {
    origin: String,
    index: u64,
    tree_size: u64,
    logged_at: Timestamp,
    commitment: Sha256Digest,
    /// Who signed the checkpoint: the ledger, then witnesses.
    signed_by: Vec<String>,
    proof_bytes: usize,
}

/// Runs `aibom bundle show`.
pub(super) fn show(terminal: &Terminal, arguments: &ShowArguments) -> Result<Exit, Failure> {
    let (bundle, bytes) = read(&arguments.bundle)?;
    let shown = Shown {
        schema: bundle.schema.clone(),
        bytes: bytes.len(),
        sha256: Sha256Digest::of(&bytes),
        parts: parts(&bundle),
        ledger: ledger(&bundle)?,
    };
    if terminal.is_json() {
        terminal.json(&shown)?;
        return Ok(Exit::Done);
    }
    for Part { name, bytes, sha256 } in &shown.parts {
        terminal.line(format_args!("{name:<20} {bytes:>9}  {sha256}"))?;
    }
    let Ledger { origin, index, tree_size, logged_at, signed_by, .. } = &shown.ledger;
    let (origin, signers) = (clean(origin), clean(&signed_by.join(", ")));
    terminal.line(format_args!("entry {index} of {tree_size} in {origin}, logged {logged_at}"))?;
    terminal.line(format_args!("checkpoint signed by {signers}"))?;
    tell_unverified(terminal, &[&arguments.bundle]);
    Ok(Exit::Done)
}

fn parts(bundle: &Bundle) -> Vec<Part> {
    let set = &bundle.evidence;
    let part = |name: String, bytes: &[u8]| Part {
        name,
        bytes: bytes.len(),
        sha256: Sha256Digest::of(bytes),
    };
    let named = [
        ("aibom", &bundle.aibom),
        ("attestation", &bundle.attestation),
        ("signatures.model", &bundle.signatures.model),
        ("signatures.link", &bundle.signatures.link),
        ("signatures.layout", &bundle.signatures.layout),
        ("policy", &bundle.policy),
        ("evidence.request", &set.request.envelope),
        ("evidence.grant", &set.grant.envelope),
        ("evidence.training", &set.training.envelope),
        ("evidence.submission", &set.submission.envelope),
    ];
    let named = named.into_iter().map(|(name, bytes)| part(name.to_owned(), bytes));
    let scans = set.scans.iter().enumerate();
    let scans = scans.map(|(n, scan)| part(format!("evidence.scans.{n}"), &scan.envelope));
    let release = set.release.iter().map(|r| part("evidence.release".to_owned(), &r.envelope));
    named.chain(scans).chain(release).collect()
}

fn ledger(bundle: &Bundle) -> Result<Ledger, Failure> {
    let inclusion = &bundle.inclusion;
    let refused = |why: String| Failure::refused("the ledger's proof is none").because(why);
    let proof = inclusion.tlog_proof().map_err(|error| refused(error.to_string()))?;
    let note =
        SignedCheckpoint::parse(&proof.checkpoint).map_err(|error| refused(error.to_string()))?;
    let entry = LedgerEntry::parse(&inclusion.entry).map_err(refused)?;
    Ok(Ledger {
        origin: note.unverified().origin.clone(),
        index: proof.index,
        tree_size: note.unverified().size,
        logged_at: entry.logged_at,
        commitment: entry.commitment,
        signed_by: note.signatures().iter().map(|line| line.name.clone()).collect(),
        proof_bytes: inclusion.proof.len(),
    })
}
