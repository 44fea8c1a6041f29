//! The rules over a record: a scheduler of the mesh signed it, about what it names, before it was
//! logged.

use ids::{Role, Timestamp};
use keys::Identity;

use super::{CLOCK_SKEW_MS, Checker};
use crate::{
    Checks, Document, MAX_RECORD_BYTES, RECORD_PAYLOAD_TYPE, RECORD_SCHEMA, Record, TrustRoot,
};

/// A record whose every rule held; only [`check_record`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedRecord {
    record: Record,
    signer: Identity,
}

impl VerifiedRecord {
    /// What it says.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Which scheduler says so.
    #[must_use]
    pub const fn signer(&self) -> &Identity {
        &self.signer
    }
}

/// Checks every rule over a record at the instant `logged_at`, which the ledger proves, and records
/// each under a name that begins with `record`. `None` when a rule did not hold.
pub fn check_record(
    document: &Document,
    root: &TrustRoot,
    logged_at: Timestamp,
    checks: &mut Checks,
) -> Option<VerifiedRecord> {
    let mut checker = Checker { root, at: logged_at, checks };
    let length = document.envelope.len();
    let fits = checker.checks.require(
        "record.size",
        length <= MAX_RECORD_BYTES,
        format_args!("{length} bytes"),
        format_args!("{length} bytes, more than the limit of {MAX_RECORD_BYTES}"),
    );
    if !fits {
        return None;
    }
    let (record, signer): (Record, _) =
        checker.open("record", document, RECORD_PAYLOAD_TYPE, Role::Scheduler)?;
    let mut ok = checker.same("record.schema", &record.schema.as_str(), &RECORD_SCHEMA);
    ok &= checker.checks.require(
        "record.bounds",
        record.is_bounded(),
        "its members fit together",
        "a member is out of bounds, or does not fit the outcome",
    );
    ok &= checker.checks.require(
        "record.time",
        record.at <= logged_at.plus_ms(CLOCK_SKEW_MS),
        "of before it was logged",
        format_args!("of {}, logged {logged_at}", record.at),
    );
    let idle = keys::carries_idle(&document.certificates, &root.mesh_ca, logged_at);
    ok &= checker.checks.require(
        "record.certificates",
        !idle,
        "every certificate is part of its path",
        "a certificate that its path does not need",
    );
    ok.then_some(VerifiedRecord { record, signer })
}
