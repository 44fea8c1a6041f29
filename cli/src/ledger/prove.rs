//! `aibom ledger prove`: a fresh proof of an entry, and whether the log kept its word to a bundle.

use std::path::{Path, PathBuf};

use bundle::{Bundle, MAX_BUNDLE_BYTES};
use clap::Args;
use ids::Sha256Digest;
use merkle::{Checkpoint, TlogProof, leaf_hash, verify_inclusion};
use serde::Serialize;

use super::{
    source::{self, Log, newest},
    tail::extends,
    trust::Counts,
};
use crate::{
    certs::write_public,
    failure::{Exit, Failure},
    profile::read_bounded,
    runtime::block_on,
    terminal::Terminal,
    verify::BUNDLE_FILE,
};

/// Arguments of `ledger prove`.
#[derive(Debug, Args)]
pub(crate) struct ProveArguments {
    #[command(flatten)]
    log: Log,
    #[command(flatten)]
    what: What,
    /// Where the proof goes, usually <name>.tlog-proof; standard output otherwise.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Which entry.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A bundle, or a directory that `aibom fetch` made: the entry that it says it is.
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// The entry's place in the log, from 0.
    #[arg(long, value_name = "N")]
    index: Option<u64>,
}

/// What a bundle says of the log.
struct Claim {
    index: u64,
    leaf: Sha256Digest,
    checkpoint: Checkpoint,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    index: u64,
    size: u64,
    root: Sha256Digest,
    /// The size of the bundle's checkpoint, which the log went through.
    #[serde(skip_serializing_if = "Option::is_none")]
    consistent_with: Option<u64>,
    proof: String,
}

/// Runs `aibom ledger prove`.
pub(super) fn prove(terminal: &Terminal, arguments: &ProveArguments) -> Result<Exit, Failure> {
    let (reader, trust) = (arguments.log.reader()?, arguments.log.trust.read()?);
    let claim = arguments.what.bundle.as_deref().map(|path| claim(path, &trust)).transpose()?;
    let index = claim.as_ref().map(|claim| claim.index).or(arguments.what.index);
    let index = index.ok_or_else(|| Failure::cannot("neither --bundle nor --index"))?;
    let work = async {
        let newest = newest(&reader, &trust).await?;
        let mut view = newest.view;
        if let Some(claim) = &claim {
            extends(&mut view, &claim.checkpoint).await?;
        }
        let leaf = leaf_hash(&view.entry(index).await.map_err(source::refused)?.bytes);
        if claim.as_ref().is_some_and(|claim| claim.leaf != leaf) {
            return Err(Failure::refused(format_args!("entry {index} of the log is another one"))
                .because("its hash is not that of the entry in the bundle"));
        }
        let hashes = view.inclusion(index).await.map_err(source::refused)?;
        let Checkpoint { size, root, .. } = view.checkpoint().clone();
        verify_inclusion(&leaf, index, size, &hashes, &root)
            .map_err(|error| Failure::refused("the proof does not hold").because(error))?;
        let proof = TlogProof { extra: None, index, hashes, checkpoint: trust.known(&newest.note) };
        let consistent_with = claim.as_ref().map(|claim| claim.checkpoint.size);
        let proof = proof.to_string();
        answer(
            terminal,
            arguments.out.as_deref(),
            &Answer { index, size, root, consistent_with, proof },
        )
    };
    block_on(work, || "nothing was written".to_owned())
}

/// Reads a bundle: its entry, and a checkpoint that counts. The rest of it is 'aibom verify's.
fn claim(path: &Path, trust: &Counts) -> Result<Claim, Failure> {
    let file = if path.is_dir() { path.join(BUNDLE_FILE) } else { path.to_owned() };
    let refused = |error: &dyn std::error::Error| {
        Failure::refused(format_args!("{} is refused", file.display())).caused_by(error)
    };
    let bytes = read_bounded(&file, MAX_BUNDLE_BYTES as u64 + 1)?;
    let inclusion = Bundle::parse(&bytes).map_err(|error| refused(&error))?.inclusion;
    let proof = inclusion.tlog_proof().map_err(|error| refused(&error))?;
    let checkpoint =
        trust.bundled(&proof.checkpoint).map_err(|failure| failure.about(file.display()))?;
    let at = inclusion.check_proof(&checkpoint).map_err(|error| refused(&error))?;
    Ok(Claim { index: at, leaf: leaf_hash(&inclusion.entry), checkpoint })
}

fn answer(terminal: &Terminal, out: Option<&Path>, answer: &Answer) -> Result<Exit, Failure> {
    let Answer { index, size, consistent_with, proof, .. } = answer;
    if let Some(out) = out {
        write_public(out, proof.as_bytes())?;
    }
    if terminal.is_json() {
        terminal.json(answer)?;
    } else if out.is_none() {
        terminal.bytes(proof.as_bytes())?;
    }
    let kept = consistent_with.map_or_else(String::new, |old| {
        format!("; the log of {old} entries that the bundle knows is the beginning of it")
    });
    terminal.say(format_args!("entry {index} is in the log of {size} entries{kept}"));
    Ok(Exit::Done)
}
