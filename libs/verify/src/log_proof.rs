//! The checks `ledger.*`: each of the three is made and reported, whatever the others say.

use bundle::{Bundle, Logged, LoggedError};
use evidence::{Checks, TrustRoot};

pub(crate) fn check(bundle: &Bundle, root: &TrustRoot, checks: &mut Checks) -> Option<Logged> {
    let inclusion = &bundle.inclusion;
    let pinned = root.ledger();
    let checkpoint = match &pinned {
        Some(key) => inclusion.check_checkpoint(key).map_err(|e| e.detail().to_owned()),
        None => Err("the trust root pins no usable ledger key".to_owned()),
    };
    let checkpoint = checks.record(
        "ledger.checkpoint",
        checkpoint.map(|c| {
            let detail = format!("{} entries, signed by {}", c.size, c.origin);
            (c, detail)
        }),
    );
    let entry = inclusion.check_entry(&bundle.attestation).map(|entry| {
        let detail = format!("commits to this attestation, logged {}", entry.logged_at);
        ((), detail)
    });
    checks.record("ledger.entry", entry.map_err(detail_of));
    let proof = match &checkpoint {
        Some(checkpoint) => inclusion
            .check_proof(checkpoint)
            .map(|()| ((), format!("entry {} of {}", inclusion.index, checkpoint.size)))
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
