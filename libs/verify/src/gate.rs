//! The checks `policy.signature` and `policy.decision`: the policy in the bundle is one of this mesh,
//! and it releases this evidence here as it did at the signer.

use evidence::{Checks, KeyUse, TrustRoot, VerifiedEvidence};
use ids::Timestamp;
use policy::{Decision, Hold, SignedPolicy};

/// Violations of a held bundle that are named.
const SHOWN_MAX: usize = 3;

pub(crate) fn check(
    bytes: &[u8],
    root: &TrustRoot,
    evidence: Option<&VerifiedEvidence>,
    signed_at: Option<Timestamp>,
    logged_at: Option<Timestamp>,
    checks: &mut Checks,
) -> Option<Decision> {
    // Whether the time is proved is one thing; what the policy says can be looked at either way.
    let opened = match signed_at {
        Some(at) => SignedPolicy::open(bytes, root, |entry| entry.may_sign(at))
            .map(|signed| (signed, at))
            .map_err(|error| error.to_string()),
        None => Err("not checked: there is no signing time".to_owned()),
    };
    let counts = opened.as_ref().map_err(String::clone).and_then(|(signed, at)| {
        let named = root.signing_key(KeyUse::Policy, signed.key());
        let (_, entry) = named.ok_or("the trust root does not name its key")?;
        entry.counts(*at, logged_at).map_err(|error| error.to_string())?;
        let (name, version) = (&signed.policy().name, signed.policy().version);
        Ok(((), format!("{name} version {version}, by key {}", signed.key())))
    });
    checks.record("policy.signature", counts);
    let signed = opened.ok().map(|(signed, _)| signed);
    let decided = match (signed, evidence, signed_at) {
        (Some(signed), Some(evidence), Some(at)) => {
            policy::decide(evidence, &signed, at).map_err(|hold| held(&hold))
        }
        (None, ..) => Err("not checked: there is no policy to ask".to_owned()),
        _ => Err("not checked: the evidence does not hold".to_owned()),
    };
    checks.record(
        "policy.decision",
        decided.map(|decision| {
            let detail = match decision.accepted().len() {
                0 => "the policy releases it".to_owned(),
                count => {
                    let approver = evidence.and_then(VerifiedEvidence::approver);
                    let approver = approver.unwrap_or("an approver");
                    format!("{approver} released it in spite of {count} findings")
                }
            };
            (decision, detail)
        }),
    )
}

fn held(hold: &Hold) -> String {
    let shown = hold.violations.iter().take(SHOWN_MAX).map(policy::Violation::key);
    let shown: Vec<String> = shown.collect();
    let count = hold.violations.len() as u64 + hold.more;
    format!("the policy holds it for {count} findings: {}", shown.join("; "))
}
