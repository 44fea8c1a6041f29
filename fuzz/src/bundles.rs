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
    if let Ok(lines) = bundle.to_sigstore_lines(&wine.root) {
        let lines = lines.split_inclusive(|byte| *byte == b'\n');
        let mut each = lines.map(serde_json::from_slice::<serde_json::Value>);
        assert!(each.all(|line| line.is_ok_and(|line| line.is_object())), "a document a line");
    }
    true
}
