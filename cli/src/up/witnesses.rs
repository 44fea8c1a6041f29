//! The witnesses that others run and the ledger asks beside the mesh's own.

use evidence::{TrustRoot, WitnessEntry};
use merkle::CosignerKey;

use crate::failure::Failure;

/// A witness, and where it answers.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    /// What its cosignatures are checked with.
    pub(super) key: CosignerKey,
    /// Where it is asked.
    pub(super) url: String,
}

/// Reads `KEY=URL`.
pub(super) fn parse(text: &str) -> Result<Witness, String> {
    let form = || format!("a witness is <name>+<key id>+<base64>=<URL>, got {text:?}");
    // A name may have an equals sign; what follows it is no address.
    let at = text.find("=https://").or_else(|| text.find("=http://")).ok_or_else(form)?;
    let (key, url) = text.split_at(at);
    let key = key.parse().map_err(|error| format!("{}: {error}", form()))?;
    Ok(Witness { key, url: url.trim_start_matches('=').to_owned() })
}

/// Refuses what the ledger or every reader would refuse: a witness that does not count by the trust
/// root, and a quorum that these witnesses cannot make.
pub(super) fn check(root: &TrustRoot, others: &[Witness]) -> Result<(), Failure> {
    for Witness { key, .. } in others {
        let text = key.to_string();
        let counts = |entry: &WitnessEntry| entry.key == text && entry.retired_at.is_none();
        if !root.witnesses.iter().any(counts) {
            return Err(Failure::cannot(format_args!("the trust root names no witness {text}"))
                .because("bundles with its cosignature would be refused")
                .remedy(
                    "start without it, and name it with 'aibom trust-root add-witness' first",
                ));
        }
    }
    let (quorum, known) = (root.witness_quorum, others.len().saturating_add(1));
    if usize::try_from(quorum).is_ok_and(|quorum| quorum <= known) {
        return Ok(());
    }
    Err(Failure::cannot(format_args!("{known} witnesses make no quorum of {quorum}"))
        .because("the trust root wants so many, and the mesh's own is one")
        .remedy("name the others with --witness KEY=URL"))
}
