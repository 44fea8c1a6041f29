//! Reads every file under a checkpoint of a published log and holds each against the others and the checkpoint.
//!
//! Hashes flow upward: entries give the hashes of level 0, full tiles those of the level above, the
//! tiles at the right edge the root. Where a file differs from what is below it, the file above both
//! says which of them is at fault; at the edge the root does. Memory: one tile of each level and 16
//! bundles under way; and the commitments of all entries, to find one that is there twice, about 50
//! bytes each (500 MB for ten million). Files of earlier or later sizes are not looked at.

mod entry;
mod levels;
mod report;

use futures::{StreamExt as _, stream};
use ids::Sha256Digest;
use merkle::{
    Checkpoint, leaf_hash,
    tile::{EntryBundle, bundles_between},
};

use crate::{ReadError, Reader, SourceError};
use entry::Entries;
use levels::Levels;
pub use report::{FAULTS_MAX, Fault, FaultKind, Report};

/// The most bundles that are fetched ahead.
const FETCHED_AHEAD: usize = 16;

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries that were read.
    pub entries: u64,
    /// Entries under the checkpoint.
    pub size: u64,
}

/// Checks everything under a checkpoint that the caller verified. What is wrong is in the report,
/// which ends early where [`FAULTS_MAX`] files are missing or malformed.
///
/// # Errors
/// When a file cannot be read, so that nothing can be said; one that is missing is a fault.
pub async fn fsck(
    reader: &Reader,
    checkpoint: &Checkpoint,
    mut progress: impl FnMut(Progress),
) -> Result<Report, SourceError> {
    let size = checkpoint.size;
    let mut report = Report::new(checkpoint);
    let mut levels = Levels::new(reader, size);
    let mut entries = Entries::default();
    let mut fetched = stream::iter(bundles_between(0, size))
        .map(|bundle| async move {
            let (entries, hashes) =
                futures::join!(reader.bundle(bundle), reader.tile(bundle.tile()));
            (bundle, entries, hashes)
        })
        .buffered(FETCHED_AHEAD);
    while let Some((bundle, bytes, hashes)) = fetched.next().await {
        let published = levels.found(bundle.tile(), hashes, &mut report)?;
        let read = match bytes {
            Ok(Some(bytes)) => Some(bytes),
            Ok(None) => report.missing(&bundle),
            Err(ReadError::Source(error)) => report.too_long(&bundle, error)?,
            Err(error) => report.spoilt(&bundle, &error),
        };
        let computed = read.map(|bytes| {
            report.bundles += 1;
            bytes
                .iter()
                .zip(bundle.first_entry()..)
                .map(|(bytes, index)| {
                    report.entries += 1;
                    entries.check(bundle, index, bytes, &mut report);
                    leaf_hash(bytes)
                })
                .collect::<Vec<Sha256Digest>>()
        });
        levels.bundle(bundle, computed, published, &mut report).await?;
        let read = bundle.first_entry().saturating_add(u64::from(bundle.width()));
        progress(Progress { entries: read, size });
        if report.stops() {
            return Ok(report);
        }
    }
    levels.finish(checkpoint, &mut report).await?;
    Ok(report)
}

/// Where entry `offset` of a bundle is, for people.
pub(crate) fn entry_place(bundle: EntryBundle, offset: usize) -> u64 {
    bundle.first_entry().saturating_add(offset as u64)
}
