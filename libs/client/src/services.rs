//! The calls to verifier, signer and ledger that anybody of the mesh may make, and health.

use bytes::Bytes;
use proto::{
    ledger::v1::{GetCheckpointRequest, ledger_service_client::LedgerServiceClient},
    signer::v1::{
        GetPolicyRequest, GetTrustRootRequest, signer_service_client::SignerServiceClient,
    },
    verifier::v1::{VerifyBundleRequest, verifier_service_client::VerifierServiceClient},
};
use rpc::Channel;
use serde::Serialize;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{CallError, call::retry, job_view::malformed};

/// One check that the verifier made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteCheck {
    /// Stable dotted name.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// Why, for people.
    pub detail: String,
}

/// What the verifier says of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteVerdict {
    /// Whether every check held.
    pub verified: bool,
    /// In the order they were made.
    pub checks: Vec<RemoteCheck>,
    /// The job that the bundle is about; empty when it could not be read.
    pub job_id: String,
}

/// Asks the verifier about a bundle.
///
/// # Errors
/// When the verifier refuses the call or stays unreachable.
pub async fn verify_bundle(channel: Channel, bundle: Vec<u8>) -> Result<RemoteVerdict, CallError> {
    let what = "cannot have the bundle verified";
    let client =
        VerifierServiceClient::new(channel).max_decoding_message_size(rpc::MAX_RESPONSE_BYTES);
    let bundle = Bytes::from(bundle);
    let answer = retry(what, || {
        let mut client = client.clone();
        let message = VerifyBundleRequest { bundle: bundle.clone().into() };
        async move { client.verify_bundle(message).await }
    });
    let verdict = answer.await?.into_inner().verdict;
    let verdict =
        verdict.ok_or_else(|| CallError::malformed(what, malformed("verdict", &"nothing")))?;
    let checks = verdict.checks.into_iter();
    Ok(RemoteVerdict {
        verified: verdict.verified,
        checks: checks
            .map(|c| RemoteCheck { name: c.name, passed: c.passed, detail: c.detail })
            .collect(),
        job_id: verdict.job_id,
    })
}

/// The trust root that the signer serves; pin one that came another way.
///
/// # Errors
/// When the signer stays unreachable.
pub async fn trust_root(channel: Channel) -> Result<Vec<u8>, CallError> {
    let client = SignerServiceClient::new(channel);
    let answer = retry("cannot get the trust root", || {
        let mut client = client.clone();
        async move { client.get_trust_root(GetTrustRootRequest {}).await }
    });
    Ok(answer.await?.into_inner().trust_root)
}

/// The release policy in force: the exact bytes of its envelope, which nobody has checked here.
///
/// # Errors
/// When the signer stays unreachable, or has no policy that counts.
pub async fn policy(channel: Channel) -> Result<Vec<u8>, CallError> {
    let client = SignerServiceClient::new(channel);
    let answer = retry("cannot get the policy", || {
        let mut client = client.clone();
        async move { client.get_policy(GetPolicyRequest {}).await }
    });
    Ok(answer.await?.into_inner().policy)
}

/// The ledger's newest checkpoint, a signed note.
///
/// # Errors
/// When the ledger stays unreachable.
pub async fn checkpoint(channel: Channel) -> Result<String, CallError> {
    let client = LedgerServiceClient::new(channel);
    let answer = retry("cannot get the checkpoint", || {
        let mut client = client.clone();
        async move { client.get_checkpoint(GetCheckpointRequest {}).await }
    });
    Ok(answer.await?.into_inner().checkpoint)
}

/// Asks once whether a server takes work (grpc.health.v1); never tries again by itself.
///
/// # Errors
/// When the server does not answer.
pub async fn is_serving(channel: Channel) -> Result<bool, CallError> {
    let request = HealthCheckRequest { service: String::new() };
    let answer = HealthClient::new(channel).check(request).await;
    let answer = answer.map_err(|status| CallError::new("cannot ask for its health", status))?;
    Ok(answer.into_inner().status() == ServingStatus::Serving)
}
