//! What becomes of a trust root when a witness is added or retired, or the quorum set: values in, a
//! value out.

use evidence::{TrustRoot, WitnessEntry};
use merkle::{
    CosignerKey, LogPolicy,
    checkpoint::{PolicyError, Witness},
};

use crate::failure::Failure;

/// Names another witness; it counts from then on.
pub(super) fn add(root: &TrustRoot, key: &CosignerKey) -> Result<TrustRoot, Failure> {
    let mut next = root.clone();
    let known = next.witnesses.iter_mut().find(|entry| entry.key == key.to_string());
    match known {
        Some(entry) if !entry.retired => {
            return Err(Failure::refused(format_args!("{} is a witness already", key.name())));
        }
        Some(entry) => entry.retired = false,
        None => next.witnesses.push(WitnessEntry { key: key.to_string(), retired: false }),
    }
    Ok(next)
}

/// Counts a witness no more. It stays named, so that what it cosigned can be read.
pub(super) fn retire(root: &TrustRoot, name: &str) -> Result<TrustRoot, Failure> {
    let mut next = root.clone();
    let named = |entry: &&mut WitnessEntry| {
        let key = entry.key.parse::<CosignerKey>();
        entry.key == name || key.is_ok_and(|key| key.name() == name)
    };
    let mut found: Vec<_> = next.witnesses.iter_mut().filter(named).collect();
    let remedy = "'aibom trust-root show' lists the witnesses";
    match found.as_mut_slice() {
        [entry] if entry.retired => {
            return Err(Failure::refused(format_args!("{name} is retired already")));
        }
        [entry] => entry.retired = true,
        [] => {
            let what = format!("the trust root names no witness {name:?}");
            return Err(Failure::refused(what).remedy(remedy));
        }
        [..] => {
            let what = format!("more than one witness is called {name:?}");
            return Err(Failure::refused(what).remedy("give the whole key"));
        }
    }
    Ok(next)
}

/// Sets the quorum where one is named, and refuses what cannot be reached.
pub(super) fn with_quorum(mut root: TrustRoot, quorum: Option<u32>) -> Result<TrustRoot, Failure> {
    root.witness_quorum = quorum.unwrap_or(root.witness_quorum);
    policy(&root)?;
    Ok(root)
}

/// Which checkpoints count by this root.
pub(super) fn policy(root: &TrustRoot) -> Result<LogPolicy, Failure> {
    let unusable = || Failure::cannot("the trust root names no usable ledger key or witness");
    let log = root.ledger().ok_or_else(unusable)?;
    let mut witnesses = Vec::new();
    for entry in &root.witnesses {
        let key = entry.key.parse().map_err(|error| unusable().caused_by(&error))?;
        witnesses.push(Witness { key, counts: !entry.retired });
    }
    let quorum = usize::try_from(root.witness_quorum).unwrap_or(usize::MAX);
    LogPolicy::new(log, witnesses, quorum).map_err(|error| {
        let failure = Failure::refused("these witnesses make no policy").caused_by(&error);
        match error {
            PolicyError::Quorum { .. } => {
                failure.remedy("name a lower --quorum in the same change")
            }
            PolicyError::TooMany(_) | PolicyError::Twice(_) => failure,
        }
    })
}

/// What people should know of a changed policy, where older bundles may not meet it.
pub(super) fn narrower(old: &TrustRoot, new: &TrustRoot) -> Option<&'static str> {
    let retired = |root: &TrustRoot| root.witnesses.iter().filter(|w| w.retired).count();
    let narrower = new.witness_quorum > old.witness_quorum || retired(new) > retired(old);
    (narrower && new.witness_quorum > 0).then_some(
        "bundles whose checkpoint too few of the witnesses that count cosigned do not verify by this \
         root: give them a newer proof with 'aibom ledger prove'",
    )
}
