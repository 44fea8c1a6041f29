//! What is mine: monitor keys, bundles, and commitments that I know.

use std::{
    path::{Path, PathBuf},
    str::FromStr as _,
};

use ids::Sha256Digest;
use merkle::LogPolicy;
use monitor::{MAX_MADE, MAX_MONITOR_KEYS, Own, OwnError};

use crate::{bundle::read, failure::Failure, profile::read_bounded};

/// The most bytes of a line: 64 digits and its newline.
const LINE_BYTES: u64 = 65;

/// The monitor keys in a file.
pub(super) fn keys(path: Option<&Path>) -> Result<Vec<[u8; 32]>, Failure> {
    let keys = lines(path, MAX_MONITOR_KEYS)?;
    Ok(keys.iter().map(|key| *key.as_bytes()).collect())
}

/// By these keys, and the commitments in the file.
pub(super) fn own(keys: Vec<[u8; 32]>, known: Option<&Path>) -> Result<Own, Failure> {
    let mut own = Own::new(keys).map_err(too_many)?;
    for commitment in lines(known, MAX_MADE)? {
        own.made(commitment).map_err(too_many)?;
    }
    Ok(own)
}

/// Adds bundles whose proofs hold.
pub(super) fn bundles(own: &mut Own, paths: &[PathBuf], policy: &LogPolicy) -> Result<(), Failure> {
    for path in paths {
        let (bundle, _) = read(path)?;
        let proved = own.proved(&bundle.attestation, &bundle.inclusion, policy);
        proved
            .map_err(|error| {
                let what = format!("{} proves nothing", path.display());
                Failure::refused(what).caused_by(&error)
            })?
            .map_err(too_many)?;
    }
    Ok(())
}

/// Values of 32 bytes, each a line of 64 lower-case hex digits.
fn lines(path: Option<&Path>, most: usize) -> Result<Vec<Sha256Digest>, Failure> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let bound = LINE_BYTES.saturating_mul(u64::try_from(most).unwrap_or(u64::MAX));
    let bytes = read_bounded(path, bound)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(Sha256Digest::from_str);
    // The line itself is not shown: it may be a key.
    lines.collect::<Result<_, _>>().map_err(|_| {
        Failure::cannot(format_args!("{} is not lines of 64 hex digits", path.display()))
    })
}

fn too_many(error: OwnError) -> Failure {
    Failure::cannot("too much to watch for").because(error)
}
