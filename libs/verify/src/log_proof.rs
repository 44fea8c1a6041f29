//! The checks `ledger.*`: each of the four is made and reported, whatever the others say.

use bundle::{Bundle, Logged, LoggedError};
use evidence::{Checks, TrustRoot};

pub(crate) fn check(bundle: &Bundle, root: &TrustRoot, checks: &mut Checks) -> Option<Logged> {
    let inclusion = &bundle.inclusion;
    let pinned = root.log_policy();
    let policy =
        || pinned.as_ref().ok_or_else(|| "the trust root pins no usable ledger key".to_owned());
    let checkpoint = policy()
        .and_then(|policy| inclusion.check_checkpoint(policy).map_err(detail_of))
        .map(|c| {
            let detail = format!("{} entries, signed by {}", c.size, c.origin);
            (c, detail)
        });
    let checkpoint = checks.record("ledger.checkpoint", checkpoint);
    let witnesses = policy().and_then(|policy| {
        let cosigned = inclusion.check_witnesses(policy).map_err(detail_of)?;
        let names: Vec<&str> = cosigned.iter().map(|c| c.witness.as_str()).collect();
        let by = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        Ok(((), format!("cosigned by {by}; asked for: {}", policy.quorum())))
    });
    checks.record("ledger.witnesses", witnesses);
    let entry = inclusion.check_entry(&bundle.attestation).map(|entry| {
        let detail = format!("commits to this attestation, logged {}", entry.logged_at);
        ((), detail)
    });
    checks.record("ledger.entry", entry.map_err(detail_of));
    let proof = match &checkpoint {
        Some(checkpoint) => inclusion
            .check_proof(checkpoint)
            .map(|index| ((), format!("entry {index} of {}", checkpoint.size)))
            .map_err(detail_of),
        None => Err("not checked: there is no checkpoint to lead to".to_owned()),
    };
    checks.record("ledger.inclusion", proof);
    inclusion.check(&bundle.attestation, &pinned?).ok()
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err asks for")]
fn detail_of(error: LoggedError) -> String {
    error.detail().to_owned()
}
