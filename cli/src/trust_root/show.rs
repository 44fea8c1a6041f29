//! What a trust root says, for people and for programs.

use ::keys::{Algorithm, KeyId};
use evidence::{Environment, KeyUse, Revocation, RevokedIdentity, TrustRoot};
use ids::{Sha256Digest, Timestamp};
use merkle::LogPolicy;
use serde::Serialize;

use super::changes::{mesh_ca, root_keys, witnesses};
use crate::{
    failure::Failure,
    keys::short,
    terminal::{Style, Terminal, clean},
};

/// A trust root with every key by its id.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    version: u64,
    issued_at: Timestamp,
    trust_domain: String,
    environment: Environment,
    /// Whether a root key that it names has signed it.
    signed: bool,
    /// SHA-256 of the file.
    fingerprint: Sha256Digest,
    /// Key ids.
    root_keys: Vec<String>,
    /// SHA-256 of each certificate.
    mesh_ca: Vec<String>,
    ledger_key: String,
    witnesses: Vec<String>,
    witness_quorum: u32,
    /// How many of them are not retired.
    witnesses_counting: usize,
    /// Whether two checkpoints that count share a witness.
    excludes_split_view: bool,
    signing_keys: Vec<Key>,
    revoked_identities: Vec<RevokedIdentity>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key_id: KeyId,
    #[serde(rename = "use")]
    usage: KeyUse,
    algorithm: Algorithm,
    valid_from: Timestamp,
    valid_until: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<Revocation>,
}

impl Shown {
    pub(super) fn of(root: &TrustRoot, signed: bool, fingerprint: Sha256Digest) -> Self {
        let keys = KeyUse::ALL.into_iter().flat_map(|usage| root.keys(usage));
        let signing_keys = keys.map(|(key, entry)| Key {
            key_id: key.key_id(),
            usage: entry.usage,
            algorithm: key.algorithm(),
            valid_from: entry.valid_from,
            valid_until: entry.valid_until,
            revoked: entry.revoked.clone(),
        });
        let policy = root.log_policy().ok();
        Self {
            version: root.version,
            issued_at: root.issued_at,
            trust_domain: root.trust_domain.clone(),
            environment: root.environment,
            signed,
            fingerprint,
            root_keys: root_keys(root),
            mesh_ca: mesh_ca(root),
            ledger_key: root.ledger_key.clone(),
            witnesses: witnesses(root),
            witness_quorum: root.witness_quorum,
            witnesses_counting: policy.as_ref().map_or(0, LogPolicy::counting),
            excludes_split_view: policy.is_some_and(|policy| policy.excludes_split_view()),
            signing_keys: signing_keys.collect(),
            revoked_identities: root.revoked_identities.clone(),
        }
    }

    pub(super) fn print(&self, terminal: &Terminal) -> Result<(), Failure> {
        if terminal.is_json() {
            return terminal.json(self);
        }
        let environment = format!("{:?}", self.environment).to_lowercase();
        let title = format!("trust root of {}, version {}", self.trust_domain, self.version);
        terminal.line(terminal.paint(Style::Bold, clean(&title)))?;
        terminal.line(format_args!("environment  {environment}"))?;
        terminal.line(format_args!("issued       {}", self.issued_at))?;
        let signed = if self.signed { "yes, by a root key that it names" } else { "no" };
        terminal.line(format_args!("signed       {signed}"))?;
        terminal.line(format_args!("fingerprint  {}", self.fingerprint))?;
        for key in &self.root_keys {
            terminal.line(format_args!("root key     {key}"))?;
        }
        for certificate in &self.mesh_ca {
            terminal.line(format_args!("mesh CA      {certificate}"))?;
        }
        terminal.line(format_args!("ledger key   {}", clean(&self.ledger_key)))?;
        let (quorum, counting) = (self.witness_quorum, self.witnesses_counting);
        terminal.line(format_args!("witnesses    {quorum} of {counting} must cosign"))?;
        for witness in &self.witnesses {
            terminal.line(format_args!("             {}", clean(witness)))?;
        }
        terminal.line("")?;
        let rows: Vec<_> = self.signing_keys.iter().map(Key::row).collect();
        terminal.table(&["KEY", "USE", "FROM", "UNTIL", "REVOKED"], &rows)?;
        if !self.revoked_identities.is_empty() {
            terminal.line("")?;
            let rows = self.revoked_identities.iter();
            let rows: Vec<_> =
                rows.map(|entry| vec![entry.key.to_string(), revocation(&entry.revoked)]).collect();
            terminal.table(&["IDENTITY'S KEY", "REVOKED"], &rows)?;
        }
        Ok(())
    }
}

impl Key {
    fn row(&self) -> Vec<String> {
        vec![
            short(self.key_id),
            self.usage.to_string(),
            self.valid_from.to_string(),
            self.valid_until.to_string(),
            self.revoked.as_ref().map_or_else(|| "-".to_owned(), revocation),
        ]
    }
}

fn revocation(revoked: &Revocation) -> String {
    format!("since {}: {}", revoked.since, revoked.reason)
}
