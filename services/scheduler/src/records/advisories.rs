//! The newest scan of each image that was looked at again, and how many said something new.

use evidence::{Completeness, Document, ScanStatement};
use ids::{Sha256Digest, Timestamp, canonical};
use serde::{Deserialize, Serialize};
use store::{Batch, Span};

use super::{ADVISORIES, DOCUMENTS, RecordError, Records, as_document, parse};

/// What is kept of an image's newest scan, beside the scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdvisoryRecord {
    /// Counts the scans that said something new, from 1.
    pub(crate) revision: u32,
    /// The signed scan, among the documents.
    pub(crate) document: Sha256Digest,
    /// What it says, without when and by which program: see [`said`].
    pub(crate) said: Sha256Digest,
    /// Whether it is complete.
    pub(crate) complete: bool,
    /// When it ended.
    pub(crate) scanned_at: Timestamp,
    /// When its database was updated; absent when it had none.
    pub(crate) database_updated_at: Option<Timestamp>,
}

/// A digest over what a reader could act on: the database, how much was scanned, what was found.
pub(crate) fn said(scan: &ScanStatement) -> Result<Sha256Digest, canonical::Error> {
    let (scanner, extension) = (&scan.predicate.scanner, &scan.predicate.aibom);
    let all =
        (&extension.database_sha256, extension.completeness, &extension.reason, &scanner.result);
    Ok(Sha256Digest::of(&canonical::rewrite(&all)?))
}

impl AdvisoryRecord {
    /// The record of `scan` after `before`; `None` when it says what is known already, or less: an
    /// incomplete scan or an older database takes nothing back that a complete scan has found.
    pub(crate) fn after(
        before: Option<&Self>,
        scan: &ScanStatement,
        document: Sha256Digest,
    ) -> Result<Option<Self>, canonical::Error> {
        let said = said(scan)?;
        let complete = scan.predicate.aibom.completeness == Completeness::Complete;
        let database_updated_at = scan.predicate.scanner.db.as_ref().map(|db| db.last_update);
        let says_less = |before: &Self| {
            before.complete && (!complete || database_updated_at < before.database_updated_at)
        };
        if before.is_some_and(|before| before.said == said || says_less(before)) {
            return Ok(None);
        }
        Ok(Some(Self {
            revision: before.map_or(0, |before| before.revision).saturating_add(1),
            document,
            said,
            complete,
            scanned_at: scan.predicate.metadata.scan_finished_on,
            database_updated_at,
        }))
    }
}

impl Records {
    /// What is kept of an image's newest scan.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn advisory(
        &self,
        image: &Sha256Digest,
    ) -> Result<Option<AdvisoryRecord>, RecordError> {
        let bytes = self.durable.get(ADVISORIES, image.as_bytes())?;
        bytes.map(|bytes| parse(ADVISORIES, image.as_bytes(), &bytes)).transpose()
    }

    /// The same with the scan, both of one moment.
    ///
    /// # Errors
    /// When the store cannot be read, or the scan is not there.
    pub(crate) fn advisory_scan(
        &self,
        image: &Sha256Digest,
    ) -> Result<Option<(AdvisoryRecord, Document)>, RecordError> {
        let snapshot = self.durable.snapshot()?;
        let Some(bytes) = snapshot.get(ADVISORIES, image.as_bytes())? else { return Ok(None) };
        let record: AdvisoryRecord = parse(ADVISORIES, image.as_bytes(), &bytes)?;
        let key = record.document;
        let missing = || RecordError::Missing { table: DOCUMENTS, key: key.to_hex() };
        let scan = snapshot.get(DOCUMENTS, key.as_bytes())?.ok_or_else(missing)?;
        let scan = parse(DOCUMENTS, key.as_bytes(), &scan)?;
        Ok(Some((record, scan)))
    }

    /// The images after `after`, in the order of their digests, at most `count`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn advisories(
        &self,
        after: Option<&Sha256Digest>,
        count: usize,
    ) -> Result<Vec<(Sha256Digest, AdvisoryRecord)>, RecordError> {
        let span = match after {
            Some(after) => Span::all().after(after.as_bytes().to_vec()),
            None => Span::all(),
        };
        let page = self.durable.scan(ADVISORIES, &span, count)?;
        let image = |key: &[u8]| -> Result<Sha256Digest, RecordError> {
            let bytes = <[u8; 32]>::try_from(key);
            let hex = || key.iter().map(|byte| format!("{byte:02x}")).collect();
            let bytes =
                bytes.map_err(|_| RecordError::Missing { table: ADVISORIES, key: hex() })?;
            Ok(Sha256Digest::from_bytes(bytes))
        };
        page.iter().map(|(key, value)| Ok((image(key)?, parse(ADVISORIES, key, value)?))).collect()
    }

    /// Keeps `scan` as the newest of `image`, in place of the one that `before` names.
    ///
    /// # Errors
    /// When the store does not take it; then nothing was written.
    pub(crate) async fn put_advisory(
        &self,
        image: &Sha256Digest,
        before: Option<&AdvisoryRecord>,
        record: &AdvisoryRecord,
        scan: &Document,
    ) -> Result<(), RecordError> {
        let unwritten =
            |source| RecordError::Parse { table: ADVISORIES, key: image.to_hex(), source };
        let (_, bytes) = as_document(scan).map_err(unwritten)?;
        let value = serde_json::to_vec(record).map_err(unwritten)?;
        let mut batch = Batch::new();
        // No job names a scan of no run: nobody else needs the old one.
        if let Some(before) = before {
            batch = batch.delete(DOCUMENTS, before.document.as_bytes().to_vec());
        }
        batch = batch.put(DOCUMENTS, record.document.as_bytes().to_vec(), bytes);
        batch = batch.put(ADVISORIES, image.as_bytes().to_vec(), value);
        Ok(self.durable.commit(batch).await?)
    }
}

#[cfg(test)]
mod tests;
