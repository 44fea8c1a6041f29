//! Whether a document is signed by whoever sends it.

use evidence::Document;
use ids::{SpiffeId, Timestamp};
use keys::PublicKey;
use rpc::Peer;

/// Why a document does not count as its sender's.
#[derive(Debug)]
pub(crate) enum NotSigner {
    /// Its certificates lead nowhere.
    Chain(String),
    /// Somebody else's certificate is on it.
    Other { signer: String, caller: String },
}

/// The caller's id and key, when the document names the caller; its signature is still to be checked.
pub(crate) fn signer(
    document: &Document,
    caller: &Peer,
    roots: &[Vec<u8>],
    at: Timestamp,
) -> Result<(SpiffeId, PublicKey), NotSigner> {
    // The handshake has already checked this very certificate.
    if document.certificates == [caller.leaf_der()] {
        return Ok((caller.spiffe_id().clone(), caller.public_key().clone()));
    }
    let signer = keys::verify_chain(&document.certificates, roots, at)
        .map_err(|error| NotSigner::Chain(error.to_string()))?;
    if keys::carries_idle(&document.certificates, roots, at) {
        let why = "the chain carries a certificate that its path does not need";
        return Err(NotSigner::Chain(why.to_owned()));
    }
    if signer.spiffe_id() != caller.spiffe_id() {
        let (signer, caller) = (signer.spiffe_id().to_string(), caller.spiffe_id().to_string());
        return Err(NotSigner::Other { signer, caller });
    }
    Ok((signer.spiffe_id().clone(), signer.public_key().clone()))
}

/// The time of this machine.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}
