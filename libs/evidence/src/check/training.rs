//! The rules over training evidence: it is about this request, under this grant, and isolated.

use envelope::ResourceDescriptor;
use ids::{Role, Sha256Digest};
use job::{InputFile, JobSpec, Request, Resources};
use keys::Identity;

use super::{CLOCK_SKEW_MS, Checker, MAX_EVIDENCE_AGE_MS, MAX_OUTPUTS};
use crate::{
    BUILD_TYPE, BuildDefinition, Environment, EvidenceSet, Grant, Limits,
    PROVENANCE_PREDICATE_TYPE, TrainingStatement, check_isolation,
};

/// OCI runtimes that really run a container, by the names that engines give them. A simulated one
/// has another name, and counts for tests only.
const RUNTIMES: [&str; 8] =
    ["runc", "crun", "youki", "runsc", "kata", "kata-runtime", "nvidia", "io.containerd.runc.v2"];

impl Checker<'_> {
    pub(super) fn training(
        &mut self,
        set: &EvidenceSet,
        request: Option<&(Request, Identity)>,
        grant: Option<&(Grant, Identity)>,
    ) -> Option<(TrainingStatement, Identity)> {
        let (statement, signer): (TrainingStatement, _) =
            self.open("training", &set.training, envelope::IN_TOTO_PAYLOAD_TYPE, Role::Executor)?;
        let (request, grant) = (&request?.0, &grant?.0);
        let definition = &statement.predicate.build_definition;
        let details = &statement.predicate.run_details;
        let external = &definition.external_parameters;
        let internal = &definition.internal_parameters;

        let kinds = (statement.predicate_type.as_str(), definition.build_type.as_str());
        let mut ok = self.same("training.type", &kinds, &(PROVENANCE_PREDICATE_TYPE, BUILD_TYPE));
        ok &= self.same("training.request", &external.request, &set.request.digest());
        ok &= self.same("training.specification", &external.spec, &request.spec);
        ok &= self.same("training.grant", &internal.grant, &set.grant.digest());
        let lease = (internal.job, internal.attempt, internal.nonce, internal.fencing_token);
        let granted = (grant.job, grant.attempt, grant.nonce, grant.fencing_token);
        ok &= self.same("training.lease", &lease, &granted);
        let invocation = format!("{}/{}", grant.job, grant.attempt);
        ok &= self.same("training.invocation", &details.metadata.invocation_id, &invocation);
        let who = (&details.builder.id, signer.public_key().key_id());
        ok &= self.same("training.executor", &who, &(&grant.executor.id, grant.executor.key));
        ok &= self.same("training.signer", signer.spiffe_id(), &grant.executor.id);
        ok &= self.times(&statement, grant);
        ok &= self.inputs(&statement, request);
        ok &= self.outputs(&statement);
        let isolated = check_isolation(&details.observed.container)
            .map(|()| ((), "as the isolation policy asks".to_owned()));
        ok &= self.checks.record("training.isolation", isolated).is_some();
        let container = &details.observed.container;
        let test = self.root.environment == Environment::Test;
        ok &= self.checks.require(
            "training.runtime",
            test || RUNTIMES.contains(&container.runtime.as_str()),
            format_args!("run by {}", container.runtime),
            format_args!(
                "run by {:?}, which is none of {RUNTIMES:?}: only a test root lets it through",
                container.runtime
            ),
        );
        ok &= self.checks.require(
            "training.devices",
            container.devices.is_empty() || request.spec.resources.gpus > 0,
            "no device that was not asked for",
            format_args!("{:?} without a request for GPUs", container.devices),
        );
        let (gpus, asked) = (details.observed.host.gpus.len(), request.spec.resources.gpus);
        ok &= self.checks.require(
            "training.gpus",
            u32::try_from(gpus).is_ok_and(|gpus| gpus <= asked),
            "no more GPUs than were asked for",
            format_args!("{gpus} GPUs, {asked} were asked for"),
        );
        ok &= self.limits(&container.limits, &request.spec.resources);
        ok &= self.bounds(details);
        ok &= self.checks.require(
            "training.exit",
            container.exit_code == 0 && !container.oom_killed,
            "exit status 0",
            format_args!("exit status {}, OOM {}", container.exit_code, container.oom_killed),
        );
        ok.then_some((statement, signer))
    }

    fn times(&mut self, statement: &TrainingStatement, grant: &Grant) -> bool {
        let run = &statement.predicate.run_details.metadata;
        let within = grant.issued_at.plus_ms(-CLOCK_SKEW_MS) <= run.started_on
            && run.started_on <= run.finished_on
            && run.finished_on <= grant.expires_at.plus_ms(CLOCK_SKEW_MS);
        let (started, finished) = (run.started_on, run.finished_on);
        let (from, until) = (grant.issued_at, grant.expires_at);
        let a = self.checks.require(
            "training.time",
            within,
            "within the grant",
            format_args!("ran {started} to {finished}, the grant holds {from} to {until}"),
        );
        let age = self.at.since_ms(run.finished_on);
        let b = self.checks.require(
            "training.freshness",
            (-CLOCK_SKEW_MS..=MAX_EVIDENCE_AGE_MS).contains(&age),
            "finished shortly before it was signed",
            format_args!("finished {finished}, signed {}: {age} ms apart", self.at),
        );
        a && b
    }

    fn limits(&mut self, got: &Limits, asked: &Resources) -> bool {
        self.checks.require(
            "training.limits",
            within_limits(got, asked),
            "no more than was asked for",
            format_args!("{got:?} is more than {asked:?}"),
        )
    }

    fn inputs(&mut self, statement: &TrainingStatement, request: &Request) -> bool {
        let dependencies = &statement.predicate.build_definition.resolved_dependencies;
        let digest_of = |name: &str| digest_of(dependencies, name);
        let mut ok = self.checks.require(
            "training.dependencies",
            dependencies.len() == 4,
            "three inputs and the image",
            format_args!(
                "{} dependencies, expected three inputs and the image",
                dependencies.len()
            ),
        );
        for (name, InputFile { sha256, .. }) in request.spec.inputs.each() {
            ok &= self.same(&format!("training.input.{name}"), &digest_of(name), &Some(*sha256));
        }
        let image = &request.spec.trainer.image;
        ok &= self.same("training.image", &digest_of("trainer"), &Some(image.digest()));
        let container = &statement.predicate.run_details.observed.container;
        let ran = if image.repository().is_some() {
            container.repo_digests.contains(&image.to_string())
        } else {
            container.image_id == image.to_string()
        };
        ok &= self.checks.require(
            "training.image-id",
            ran,
            "the container ran the requested image",
            format_args!("the container ran {}, requested {image}", container.image_id),
        );
        ok
    }

    fn outputs(&mut self, statement: &TrainingStatement) -> bool {
        let mut names: Vec<&str> =
            statement.subject.iter().filter_map(|s| s.name.as_deref()).collect();
        names.sort_unstable();
        let unique = names.windows(2).all(|pair| pair.first() != pair.last());
        let holds = unique
            && names.len() == statement.subject.len()
            && names.len() <= MAX_OUTPUTS
            && names.contains(&"model.keras")
            && names.iter().all(|name| is_file_name(name))
            && statement.subject.iter().all(has_both_digests);
        let outputs = self.checks.require(
            "training.outputs",
            holds,
            format_args!("{} files, each with both digests", names.len()),
            format_args!(
                "outputs must be 1 to {MAX_OUTPUTS} uniquely named files with both digests, \
                 model.keras among them"
            ),
        );
        let byproducts = &statement.predicate.run_details.byproducts;
        let log = matches!(byproducts.as_slice(), [log]
            if log.name.as_deref() == Some("training.log") && has_both_digests(log));
        let log = self.checks.require(
            "training.byproducts",
            log && !names.contains(&"training.log"),
            "the log, with both digests",
            "the one byproduct must be training.log with both digests",
        );
        outputs && log
    }
}

/// Whether a run was held at least as tightly as its request asked.
#[must_use]
pub fn within_limits(got: &Limits, asked: &Resources) -> bool {
    const MIB: u64 = 1024 * 1024;
    let memory = u64::from(asked.memory_mib).saturating_mul(MIB);
    got.memory_bytes <= memory
        && got.memory_swap_bytes <= memory
        && got.cpu_millis <= u64::from(asked.cpu_millis)
        && got.pids <= u64::from(asked.pids)
        && got.wall_clock_s <= u64::from(asked.wall_clock_s)
        && got.output_bytes <= u64::from(asked.output_mib).saturating_mul(MIB)
}

/// Whether the executor hashed every input and the image to what the request names: each is there
/// once, with that digest.
#[must_use]
pub fn inputs_match(definition: &BuildDefinition, spec: &JobSpec) -> bool {
    let digest_of = |name: &str| digest_of(&definition.resolved_dependencies, name);
    let image = spec.trainer.image.digest();
    definition.resolved_dependencies.len() == 4
        && digest_of("trainer") == Some(image)
        && spec.inputs.each().iter().all(|(name, file)| digest_of(name) == Some(file.sha256))
}

/// The digest of the one dependency of that name.
fn digest_of(dependencies: &[ResourceDescriptor], name: &str) -> Option<Sha256Digest> {
    let mut named = dependencies.iter().filter(|d| d.name.as_deref() == Some(name));
    let first = named.next().and_then(ResourceDescriptor::sha256_digest);
    if named.next().is_some() { None } else { first }
}

/// A label that is safe as the name of one file.
fn is_file_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && !name.starts_with('.')
        && name != "aibom.cdx.json"
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn has_both_digests(subject: &ResourceDescriptor) -> bool {
    subject.sha256_digest().is_some() && subject.sha512_digest().is_some()
}
