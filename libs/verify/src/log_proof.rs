//! The checks `ledger.*`: each of the four is made and reported, whatever the others say.

use bundle::{Bundle, Inclusion, Logged, LoggedError};
use evidence::{Checks, TrustRoot};

pub(crate) fn check(bundle: &Bundle, root: &TrustRoot, checks: &mut Checks) -> Option<Logged> {
    check_document(&bundle.inclusion, &bundle.attestation, root, checks)
}

/// The same of any signed document: `document` are the exact bytes of its envelope.
pub(crate) fn check_document(
    inclusion: &Inclusion,
    document: &[u8],
    root: &TrustRoot,
    checks: &mut Checks,
) -> Option<Logged> {
    let policy = match root.log_policy() {
        Ok(policy) => policy,
        Err(error) => {
            for name in ["checkpoint", "witnesses", "entry", "inclusion"] {
                checks.record::<(), _>(format!("ledger.{name}"), Err(&error));
            }
            return None;
        }
    };
    let parts = inclusion.parts(document, &policy);
    let said = |part: Result<String, &LoggedError>| {
        part.map(|it| ((), it)).map_err(|error| error.detail().to_owned())
    };
    let size = parts.checkpoint().map_or(0, |checkpoint| checkpoint.size);
    let checkpoint = parts.checkpoint();
    let checkpoint = checkpoint.map(|c| format!("{} entries, signed by {}", c.size, c.origin));
    checks.record("ledger.checkpoint", said(checkpoint));
    let witnesses = parts.cosigned().map(|cosigned| {
        let names: Vec<&str> = cosigned.iter().map(|c| c.witness.as_str()).collect();
        let by = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        format!("cosigned by {by}; asked for: {}", policy.quorum())
    });
    checks.record("ledger.witnesses", said(witnesses));
    let entry = parts.entry();
    let entry = entry.map(|it| format!("commits to this document, logged {}", it.logged_at));
    checks.record("ledger.entry", said(entry));
    let index = parts.index().map(|index| format!("entry {index} of {size}"));
    checks.record("ledger.inclusion", said(index));
    parts.logged().ok()
}
