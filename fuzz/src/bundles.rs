//! The bundle file, which carries everything.

use bundle::Bundle;

use crate::fixture::{one_spelling, signed};

/// A bundle: one spelling; its attestation is logged only if it is the one that was.
pub fn bundle(data: &[u8]) -> bool {
    let Ok(bundle) = Bundle::parse(data) else { return false };
    assert!(one_spelling(&bundle, data), "a bundle has one spelling");
    let wine = signed();
    let policy = wine.root.log_policy().expect("the root names the ledger and its witnesses");
    let logged = bundle.inclusion.check(&bundle.attestation, &policy).is_ok();
    let same =
        bundle.attestation == wine.small.attestation && bundle.inclusion == wine.small.inclusion;
    assert!(logged == same, "only the logged attestation is logged");
    true
}
