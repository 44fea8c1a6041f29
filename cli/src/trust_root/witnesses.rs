//! What becomes of a trust root when a witness is added or retired, or the quorum set: values in, a
//! value out.

use evidence::{LogPinError, TrustRoot, WitnessEntry};
use ids::Timestamp;
use merkle::{CosignerKey, LogPolicy, checkpoint::PolicyError};

use crate::failure::Failure;

/// Names another witness; it counts from then on.
pub(super) fn add(root: &TrustRoot, key: &CosignerKey) -> Result<TrustRoot, Failure> {
    let mut next = root.clone();
    let known = next.witnesses.iter_mut().find(|entry| entry.key == key.to_string());
    match known {
        Some(entry) if entry.retired_at.is_none() => {
            return Err(Failure::refused(format_args!("{} is a witness already", key.name())));
        }
        Some(entry) => entry.retired_at = None,
        None => next.witnesses.push(WitnessEntry { key: key.to_string(), retired_at: None }),
    }
    Ok(next)
}

/// Counts what a witness cosigned after `at` no more. It stays named, so that what it cosigned until
/// then goes on counting.
pub(super) fn retire(root: &TrustRoot, name: &str, at: Timestamp) -> Result<TrustRoot, Failure> {
    let mut next = root.clone();
    let named = |entry: &&mut WitnessEntry| {
        let key = entry.key.parse::<CosignerKey>();
        entry.key == name || key.is_ok_and(|key| key.name() == name)
    };
    let mut found: Vec<_> = next.witnesses.iter_mut().filter(named).collect();
    let remedy = "'aibom trust-root show' lists the witnesses";
    match found.as_mut_slice() {
        [entry] => match entry.retired_at {
            Some(since) if since <= at => {
                let what = format!("{name} is retired already, since {since}");
                return Err(Failure::refused(what).remedy("only an earlier --at changes it"));
            }
            Some(_) | None => entry.retired_at = Some(at),
        },
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
    root.log_policy().map_err(|error| match error {
        LogPinError::Policy(PolicyError::Quorum { .. }) => {
            Failure::refused("these witnesses make no policy")
                .caused_by(&error)
                .remedy("name a lower --quorum in the same change")
        }
        LogPinError::Policy(PolicyError::TooMany(_)) => {
            Failure::refused("these witnesses make no policy")
                .caused_by(&error)
                .remedy("retire one first, with 'aibom trust-root retire-witness'")
        }
        LogPinError::Policy(PolicyError::TooManyNamed(_)) => {
            Failure::refused("these witnesses make no policy")
                .caused_by(&error)
                .remedy("let one that was retired count again: 'aibom trust-root add-witness KEY'")
        }
        LogPinError::Policy(PolicyError::Twice(_)) => {
            Failure::refused("these witnesses make no policy")
                .caused_by(&error)
                .remedy("every witness has a key of its own: 'aibom witness init' makes one")
        }
        LogPinError::Ledger(_) | LogPinError::Witness { .. } => {
            Failure::cannot("the trust root pins no usable log").caused_by(&error)
        }
    })
}

/// What people should know of a policy that is changed at `at`, where older bundles may not meet it.
pub(super) fn narrower(old: &TrustRoot, new: &TrustRoot, at: Timestamp) -> Option<&'static str> {
    let earlier = new.witnesses.iter().any(|entry| {
        let was = old.witnesses.iter().find(|was| was.key == entry.key);
        // Of one that is retired now nothing is taken back.
        let until = was.and_then(|was| was.retired_at).unwrap_or(at);
        entry.retired_at.is_some_and(|since| since < until)
    });
    let narrower = new.witness_quorum > old.witness_quorum || earlier;
    (narrower && new.witness_quorum > 0).then_some(
        "bundles whose checkpoint too few of the witnesses that count cosigned do not verify by this \
         root: give them a newer proof with 'aibom ledger prove'",
    )
}

/// A warning where two checkpoints that count need not share a witness.
pub(super) fn split_view(root: &TrustRoot) -> Option<String> {
    let policy = root.log_policy().ok().filter(|policy| !policy.excludes_split_view())?;
    let (quorum, counting) = (policy.quorum(), policy.counting());
    let enough = counting / 2 + 1;
    let remedy = if counting == 0 {
        "name a witness that somebody else runs".to_owned()
    } else {
        format!("{enough} would: aibom trust-root set-quorum {enough}")
    };
    Some(format!(
        "a quorum of {quorum} of {counting} witnesses does not exclude a split view: the ledger could \
         show two histories; {remedy}"
    ))
}
