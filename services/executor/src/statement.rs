//! Training evidence from a plain value: what was run, how it ran, what came out. Pure.

use std::collections::BTreeMap;

use envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE, ResourceDescriptor, SealError, StatementType};
use evidence::{
    BUILD_TYPE, BuildDefinition, Builder, CLOCK_SKEW_MS, ExternalParameters, InternalParameters,
    IsolationBreach, MAX_DOCUMENT_BYTES, Observed, PROVENANCE_PREDICATE_TYPE, Provenance, Reported,
    RunDetails, RunMetadata, TrainingStatement, check_isolation,
};
use ids::{Digests, SpiffeId, Timestamp, canonical};
use keys::SigningKey;

use crate::order::{HeldGrant, Order};

/// The byproduct's name.
pub const LOG_NAME: &str = "training.log";
/// The longest envelope that is sent, in bytes: base64 in a message of the policy table's size.
const MAX_ENVELOPE_BYTES: usize = 7 * 1024 * 1024;

/// A file by name, digests and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// The name in the evidence.
    pub name: String,
    /// Both digests.
    pub digests: Digests,
    /// Length in bytes.
    pub size: u64,
}

impl NamedFile {
    fn descriptor(&self) -> ResourceDescriptor {
        let mut descriptor = ResourceDescriptor::both(&self.name, &self.digests);
        descriptor.annotations.insert("size".to_owned(), self.size.to_string());
        descriptor
    }
}

/// One finished training.
#[derive(Debug, Clone)]
pub struct Run {
    /// What was ordered.
    pub order: Order,
    /// The newest grant.
    pub grant: HeldGrant,
    /// This executor.
    pub executor: SpiffeId,
    /// Its program.
    pub binary: Digests,
    /// The three inputs as they were hashed, named by role.
    pub inputs: Vec<NamedFile>,
    /// What was seen.
    pub observed: Observed,
    /// What the trainer said.
    pub reported: Reported,
    /// The outputs.
    pub outputs: Vec<NamedFile>,
    /// The log.
    pub log: NamedFile,
    /// Just before the container was started.
    pub started_on: Timestamp,
    /// Just after it was gone.
    pub finished_on: Timestamp,
}

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The container was less isolated than it should have been.
    #[error(transparent)]
    Isolation(#[from] IsolationBreach),
    /// The newest grant ends before the training did.
    #[error("the training finished {finished}, the grant ended {until}")]
    Grant {
        /// When it finished.
        finished: Timestamp,
        /// When the grant ended.
        until: Timestamp,
    },
    /// The clock stepped back during the training.
    #[error("the training started {started} and finished {finished}: the clock was set back")]
    Clock {
        /// When it started.
        started: Timestamp,
        /// When it finished.
        finished: Timestamp,
    },
    /// Something cannot be written so that it reads back the same.
    #[error("the evidence cannot be written: {0}")]
    Write(#[from] canonical::Error),
    /// More evidence than a message holds.
    #[error("the evidence has {0} bytes, at most {MAX_ENVELOPE_BYTES} can be sent")]
    TooLong(usize),
    /// The key failed.
    #[error("the evidence cannot be signed: {0}")]
    Seal(#[from] SealError),
}

fn definition(run: &Run) -> BuildDefinition {
    let grant = &run.grant.grant;
    let image = &run.order.request().spec.trainer.image;
    let trainer = ResourceDescriptor {
        uri: Some(image.to_string()),
        ..ResourceDescriptor::sha256("trainer", image.digest())
    };
    let mut resolved: Vec<_> = run.inputs.iter().map(NamedFile::descriptor).collect();
    resolved.push(trainer);
    BuildDefinition {
        build_type: BUILD_TYPE.to_owned(),
        external_parameters: ExternalParameters {
            request: run.order.request_digest(),
            spec: run.order.request().spec.clone(),
        },
        internal_parameters: InternalParameters {
            job: grant.job,
            attempt: grant.attempt,
            grant: run.grant.digest,
            nonce: grant.nonce,
            fencing_token: grant.fencing_token,
        },
        resolved_dependencies: resolved,
    }
}

fn details(run: &Run) -> RunDetails {
    let grant = &run.grant.grant;
    let version =
        BTreeMap::from([("aibom-executor".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    RunDetails {
        builder: Builder {
            id: run.executor.clone(),
            version,
            builder_dependencies: vec![ResourceDescriptor::both("aibom-executor", &run.binary)],
        },
        metadata: RunMetadata {
            invocation_id: format!("{}/{}", grant.job, grant.attempt),
            started_on: run.started_on,
            finished_on: run.finished_on,
        },
        byproducts: vec![run.log.descriptor()],
        observed: run.observed.clone(),
        reported: run.reported.clone(),
    }
}

/// The statement of a run that its grant covers, over outputs sorted by name.
///
/// # Errors
/// When the container was not isolated, the grant does not cover the end, or a value does not
/// survive canonical JSON.
pub fn statement(run: &Run) -> Result<TrainingStatement, StatementError> {
    check_isolation(&run.observed.container)?;
    let (started, finished) = (run.started_on, run.finished_on);
    if started > finished {
        return Err(StatementError::Clock { started, finished });
    }
    let until = run.grant.grant.expires_at;
    if finished > until.plus_ms(CLOCK_SKEW_MS) {
        return Err(StatementError::Grant { finished, until });
    }
    let mut outputs = run.outputs.clone();
    outputs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(TrainingStatement {
        kind: StatementType::V1,
        subject: outputs.iter().map(NamedFile::descriptor).collect(),
        predicate_type: PROVENANCE_PREDICATE_TYPE.to_owned(),
        predicate: Provenance { build_definition: definition(run), run_details: details(run) },
    })
}

/// Signs `statement` after reading its own bytes back as a stranger would.
///
/// # Errors
/// When the bytes do not read back, are too many, or the key cannot sign.
pub fn seal(
    statement: &TrainingStatement,
    key: &dyn SigningKey,
) -> Result<Envelope, StatementError> {
    let payload = canonical::to_vec(statement)?;
    canonical::from_slice::<TrainingStatement>(&payload, MAX_DOCUMENT_BYTES)?;
    let envelope = Envelope::seal(IN_TOTO_PAYLOAD_TYPE, payload, key)?;
    let length = envelope.as_bytes().len();
    if length > MAX_ENVELOPE_BYTES {
        return Err(StatementError::TooLong(length));
    }
    Ok(envelope)
}

#[cfg(test)]
mod tests;
