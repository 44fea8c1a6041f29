//! A policy from a file: as TOML, as JSON, or signed.

use std::path::Path;

use bundle::Bundle;
use envelope::Envelope;
use evidence::ScanTarget;
use ids::{Timestamp, canonical};
use policy::{
    Ignore, LicenceRule, MAX_POLICY_BYTES, POLICY_SCHEMA, Policy, Rule, VulnerabilityRule,
};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{certs::now, failure::Failure, profile::read_bounded};

/// A policy, and its envelope when it is signed: nobody has checked by whom.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) policy: Policy,
    pub(super) signed: Option<Vec<u8>>,
}

/// What people write: without what the program fills in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Draft {
    name: String,
    version: u64,
    vulnerabilities: VulnerabilityRule,
    secrets: Rule,
    misconfigurations: Rule,
    files: Rule,
    licences: LicenceRule,
    complete: Vec<ScanTarget>,
    max_database_age_days: Option<u32>,
    max_scan_age_days: Option<u32>,
    #[serde(default)]
    ignore: Vec<DraftIgnore>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftIgnore {
    id: String,
    subject: Option<String>,
    reason: String,
    #[serde(deserialize_with = "last_instant")]
    expires: Timestamp,
}

/// A day means its end; an instant means itself. With quotes or without.
fn last_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        toml::Value::Datetime(time) => time.to_string(),
        _ => return Err(D::Error::custom("a day such as 2027-01-31 is expected")),
    };
    let whole = match text.len() {
        10 => format!("{text}T23:59:59.999Z"),
        20 => format!("{}.000Z", text.trim_end_matches('Z')),
        _ => text.clone(),
    };
    whole.parse().map_err(|_| {
        D::Error::custom(format!("{text:?} is neither a day (2027-01-31) nor an instant in UTC"))
    })
}

impl From<Draft> for Policy {
    fn from(draft: Draft) -> Self {
        let mut complete = draft.complete;
        complete.sort_unstable();
        let ignore = |entry: DraftIgnore| Ignore {
            id: entry.id,
            subject: entry.subject,
            reason: entry.reason,
            expires: entry.expires,
        };
        Self {
            schema: POLICY_SCHEMA.to_owned(),
            name: draft.name,
            version: draft.version,
            issued_at: now(),
            vulnerabilities: draft.vulnerabilities,
            secrets: draft.secrets,
            misconfigurations: draft.misconfigurations,
            files: draft.files,
            licences: draft.licences,
            complete,
            max_database_age_days: draft.max_database_age_days,
            max_scan_age_days: draft.max_scan_age_days,
            ignore: draft.ignore.into_iter().map(ignore).collect(),
        }
    }
}

/// Reads the policy at `path`, and checks its bounds.
pub(super) fn read(path: &Path) -> Result<Read, Failure> {
    let bytes = read_bounded(path, MAX_POLICY_BYTES as u64 + 1)?;
    parse(&bytes).map_err(|failure| failure.about(path.display()))
}

/// Reads a policy from a file, a bundle or a fetched directory.
pub(super) fn read_any(path: &Path) -> Result<Read, Failure> {
    let file = if path.is_dir() { path.join(crate::verify::BUNDLE_FILE) } else { path.to_owned() };
    let bytes = read_bounded(&file, bundle::MAX_BUNDLE_BYTES as u64 + 1)?;
    let policy = Bundle::parse(&bytes).map(|bundle| bundle.policy);
    parse(policy.as_deref().unwrap_or(&bytes)).map_err(|failure| failure.about(file.display()))
}

/// Reads any form of a policy.
pub(super) fn parse(bytes: &[u8]) -> Result<Read, Failure> {
    let refused = |error: &dyn std::error::Error| {
        Failure::refused("not a policy").caused_by(error).remedy(
            "'aibom policy new' writes one that explains itself; docs/formats/policy.md has it all",
        )
    };
    if bytes.len() > MAX_POLICY_BYTES {
        return Err(Failure::refused(format_args!("longer than {MAX_POLICY_BYTES} bytes")));
    }
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let (policy, signed) = if let Ok(envelope) = Envelope::parse(bytes, MAX_POLICY_BYTES) {
        let payload = envelope.unverified_payload();
        let policy: Policy =
            canonical::from_slice(payload, MAX_POLICY_BYTES).map_err(|error| refused(&error))?;
        (policy, Some(bytes.to_vec()))
    } else if bytes.trim_ascii_start().starts_with(b"{") {
        (serde_json::from_slice(bytes).map_err(|error| refused(&error))?, None)
    } else {
        let text = std::str::from_utf8(bytes).map_err(|error| refused(&error))?;
        let draft: Draft = toml::from_str(text).map_err(|error| refused(&error))?;
        (draft.into(), None)
    };
    policy.validate().map_err(|error| refused(&error))?;
    Ok(Read { policy, signed })
}
