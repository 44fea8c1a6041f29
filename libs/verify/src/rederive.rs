//! The checks `aibom.rederive` and `attestation.statement`: the same evidence must give the same
//! bytes here as it gave the signer.

use bom::Aibom;
use evidence::{Checks, VerifiedEvidence};
use policy::Decision;

use crate::attestation::Attestation;
use crate::difference::first_difference;

const NO_EVIDENCE: &str = "not checked: the evidence does not hold";
const NO_BASIS: &str = "not checked: the evidence does not hold, or no policy releases it";

/// Assembles the AIBoM again and compares; the assembled one comes back either way.
pub(crate) fn aibom(
    claimed: &[u8],
    basis: Option<(&VerifiedEvidence, &Decision)>,
    checks: &mut Checks,
) -> Option<Aibom> {
    let Some((evidence, decision)) = basis else {
        checks.require("aibom.rederive", false, "", NO_BASIS);
        return None;
    };
    match bom::assemble(evidence, decision) {
        Ok(aibom) => {
            checks.require(
                "aibom.rederive",
                aibom.as_bytes() == claimed,
                format_args!("{} bytes, as the evidence gives them", claimed.len()),
                format_args!(
                    "the AIBoM is not what its evidence gives: {}",
                    first_difference(claimed, aibom.as_bytes())
                ),
            );
            Some(aibom)
        }
        Err(error) => {
            checks.require(
                "aibom.rederive",
                false,
                "",
                format_args!("the evidence gives no AIBoM: {error}"),
            );
            None
        }
    }
}

/// Makes the statement again and compares it with the signed payload.
pub(crate) fn statement(
    attestation: Option<&Attestation>,
    evidence: Option<&VerifiedEvidence>,
    aibom: Option<&Aibom>,
    checks: &mut Checks,
) {
    let outcome = match (attestation, evidence, aibom) {
        (None, ..) => Err("not checked: the attestation cannot be read".to_owned()),
        (_, None, _) => Err(NO_EVIDENCE.to_owned()),
        (_, _, None) => Err("not checked: there is no AIBoM to attest".to_owned()),
        (Some(attestation), Some(evidence), Some(aibom)) => compare(attestation, evidence, aibom),
    };
    checks.record("attestation.statement", outcome.map(|detail| ((), detail)));
}

fn compare(
    attestation: &Attestation,
    evidence: &VerifiedEvidence,
    aibom: &Aibom,
) -> Result<String, String> {
    let at = attestation.signed_at().ok_or("not checked: there is no signing time")?;
    let expected = bom::statement(aibom, evidence, at).map_err(|e| e.to_string())?;
    if expected == attestation.payload() {
        return Ok("says exactly what the evidence gives".to_owned());
    }
    let difference = first_difference(attestation.payload(), &expected);
    Err(format!("the signed statement is not what the evidence gives: {difference}"))
}
