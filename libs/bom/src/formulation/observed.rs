//! What ran: as the executor saw it, with the parameters that the trainer reported.

use std::collections::BTreeSet;

use evidence::{RunDetails, ScanStatement, Usage, VerifiedEvidence};

use super::isolation;
use crate::claims::{Claims, Source, not_scanned};
use crate::cyclonedx::component::Component;
use crate::cyclonedx::formulation::{
    Command, Formula, Input, Output, OutputKind, Parameter, Reference, Resource, Step, Task,
    TaskType, Workflow,
};
use crate::cyclonedx::{Dependency, ExternalReference, Property, ReferenceKind, property};
use crate::findings::Findings;
use crate::{files, graph, refs, text};

const FORMULA: &str = "formula/observed";
const WORKFLOW: &str = "workflow/observed";
/// The output that holds the metrics.
const METRICS: &str = "metrics.json";

pub(super) fn formula(
    evidence: &VerifiedEvidence,
    components: &[Component],
    findings: &Findings<'_>,
    claims: &mut Claims,
) -> Formula {
    let details = &evidence.training().predicate.run_details;
    let run = &details.metadata;
    claim(claims);
    let mut tasks = vec![train(evidence, claims)];
    for (index, scan) in evidence.scans().iter().enumerate() {
        let task = scan_task(index, scan, evidence, findings);
        claims.add(Source::Scanned, &task.bom_ref, &["everything"]);
        claims.add(Source::Derived, &task.bom_ref, &SCAN_CONSTANTS);
        tasks.push(task);
    }
    // No task waits for another: an image can be scanned before or after it is trained with.
    let alone =
        |task: &Task| Dependency { reference: task.bom_ref.clone(), depends_on: Vec::new() };
    let task_dependencies = tasks.iter().map(alone).collect();
    let workflow = Workflow {
        bom_ref: WORKFLOW.to_owned(),
        uid: run.invocation_id.clone(),
        name: "training as observed".to_owned(),
        tasks,
        task_dependencies,
        task_types: vec![TaskType::Build, TaskType::Scan],
        trigger: None,
        time_start: Some(run.started_on.to_string()),
        time_end: Some(run.finished_on.to_string()),
        workspaces: isolation::workspaces(&details.observed.container, claims),
        runtime_topology: vec![Dependency {
            reference: refs::IMAGE.to_owned(),
            depends_on: graph::host_parts(components),
        }],
        properties: properties(evidence),
    };
    Formula {
        bom_ref: FORMULA.to_owned(),
        workflows: vec![workflow],
        properties: vec![property("formula", "observed")],
    }
}

/// What the profile itself says of a scan.
const SCAN_CONSTANTS: [&str; 6] =
    ["/bom-ref", "/inputs", "/name", "/outputs", "/taskTypes", "/uid"];

/// The executor saw all of it, but for what was granted, reported, or added by this profile.
fn claim(claims: &mut Claims) {
    claims.add(Source::Observed, WORKFLOW, &["everything"]);
    claims.add(Source::Granted, WORKFLOW, &["/uid", "/properties/aibom:grant:*"]);
    claims.add(Source::Granted, refs::TRAIN_TASK, &["/uid"]);
    let derived: [(&str, &[&'static str]); 3] = [
        (FORMULA, &["everything"]),
        (WORKFLOW, &["/bom-ref", "/name", "/runtimeTopology", "/taskDependencies", "/taskTypes"]),
        (
            refs::TRAIN_TASK,
            &["/bom-ref", "/name", "/outputs", "/steps/run the container/name", "/taskTypes"],
        ),
    ];
    for (subject, fields) in derived {
        claims.add(Source::Derived, subject, fields);
    }
}

fn properties(evidence: &VerifiedEvidence) -> Vec<Property> {
    let details = &evidence.training().predicate.run_details;
    let (grant, container) = (evidence.grant(), &details.observed.container);
    let mut out = isolation::properties(container);
    out.extend([
        property("run:exitCode", container.exit_code),
        property("run:oomKilled", container.oom_killed),
    ]);
    out.extend(usage(&details.observed.usage));
    out.extend([
        property("grant:attempt", grant.attempt),
        property("grant:nonce", grant.nonce),
        property("grant:fencingToken", grant.fencing_token),
        property("grant:executor", &grant.executor.id),
        property("grant:executorKey", grant.executor.key),
        property("grant:issuedAt", grant.issued_at),
        property("grant:expiresAt", grant.expires_at),
        property(
            "grant:sha256",
            evidence.training().predicate.build_definition.internal_parameters.grant,
        ),
    ]);
    out
}

/// What the run used, in the units of the counters.
fn usage(usage: &Usage) -> Vec<Property> {
    let cpu = usage.cpu_ms.map(|ms| property("run:cpuMs", ms));
    let memory = usage.peak_memory_bytes.map(|bytes| property("run:peakMemoryBytes", bytes));
    let kind = usage.peak_memory_kind.filter(|_| usage.peak_memory_bytes.is_some());
    let kind = kind.map(|kind| property("run:peakMemoryKind", kind.as_str()));
    let energy = usage.energy.iter().map(|energy| {
        property(&format!("run:energyMillijoules:{}", energy.counter), energy.millijoules)
    });
    cpu.into_iter().chain(memory).chain(kind).chain(energy).collect()
}

fn train(evidence: &VerifiedEvidence, claims: &mut Claims) -> Task {
    let details = &evidence.training().predicate.run_details;
    let container = &details.observed.container;
    let names: BTreeSet<&String> = container.environment_names.iter().collect();
    let mut inputs = super::materials();
    // Only what says something: what is left out later would move the places that are claimed here.
    if !details.reported.effective.is_empty() {
        claims.add(Source::Reported, refs::TRAIN_TASK, &[format!("/inputs/{}", inputs.len())]);
        inputs.push(Input::Parameters(effective(details)));
    }
    if !names.is_empty() {
        inputs.push(Input::EnvironmentVars(names.into_iter().cloned().collect()));
    }
    Task {
        bom_ref: refs::TRAIN_TASK.to_owned(),
        uid: details.metadata.invocation_id.clone(),
        name: "train".to_owned(),
        task_types: vec![TaskType::Build],
        steps: vec![Step {
            name: "run the container".to_owned(),
            commands: vec![Command { executed: shell(&container.command) }],
            properties: vec![property("argv", text::list(&container.command))],
        }],
        inputs,
        outputs: outputs(evidence),
        time_start: Some(details.metadata.started_on.to_string()),
        time_end: Some(details.metadata.finished_on.to_string()),
        properties: Vec::new(),
    }
}

fn effective(details: &RunDetails) -> Vec<Parameter> {
    details
        .reported
        .effective
        .iter()
        .map(|(name, value)| {
            let (value, data_type) = text::json(value);
            Parameter { name: name.clone(), value, data_type }
        })
        .collect()
}

fn outputs(evidence: &VerifiedEvidence) -> Vec<Output> {
    let names = evidence.training().subject.iter().filter_map(|file| file.name.as_deref());
    let artifacts = names.map(|name| Output {
        kind: if name == METRICS { OutputKind::Metrics } else { OutputKind::Artifact },
        resource: Resource::Ref(refs::output(name)),
    });
    let logs = files::by_products(evidence)
        .into_iter()
        .map(|reference| Output { kind: OutputKind::Log, resource: Resource::Ref(reference) });
    artifacts.chain(logs).chain(attestation(evidence, 2)).collect()
}

/// The n-th envelope as an output.
fn attestation(evidence: &VerifiedEvidence, index: usize) -> Option<Output> {
    let (name, digest) = evidence.digests().get(index)?;
    Some(Output {
        kind: OutputKind::Attestation,
        resource: Resource::ExternalReference(ExternalReference {
            kind: ReferenceKind::Attestation,
            url: format!("evidence/{name}"),
            comment: None,
            hashes: vec![text::sha256(*digest)],
        }),
    })
}

fn scan_task(
    index: usize,
    scan: &ScanStatement,
    evidence: &VerifiedEvidence,
    findings: &Findings<'_>,
) -> Task {
    let (metadata, extension) = (&scan.predicate.metadata, &scan.predicate.aibom);
    let status = match extension.completeness {
        evidence::Completeness::Complete => "complete".to_owned(),
        evidence::Completeness::Incomplete => not_scanned(&extension.reason),
    };
    let tool = std::iter::once(format!("tool/scanner/{index}"));
    let inputs = findings.of_scan(index).chain(tool);
    let hazards: usize = extension.files.iter().map(|file| file.hazards.len()).sum();
    Task {
        bom_ref: format!("task/observed/scan/{index}"),
        uid: format!("scan/{index}"),
        name: format!("scan: {}", extension.target),
        task_types: vec![TaskType::Scan],
        steps: Vec::new(),
        inputs: inputs.map(|reference| Input::Resource(Reference { reference })).collect(),
        outputs: attestation(evidence, index.saturating_add(3)).into_iter().collect(),
        time_start: Some(metadata.scan_started_on.to_string()),
        time_end: Some(metadata.scan_finished_on.to_string()),
        properties: vec![
            property("scan:target", extension.target),
            property("scan:status", status),
            property("scan:packages", extension.packages.len()),
            property("scan:vulnerabilities", scan.predicate.scanner.result.len()),
            property("scan:secrets", extension.secrets.len()),
            property("scan:misconfigurations", extension.misconfigurations.len()),
            property("scan:hazards", hazards),
        ],
    }
}

/// The command as a POSIX shell would read it.
fn shell(command: &[String]) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&b);
    let quoted = command.iter().map(|word| {
        if !word.is_empty() && word.bytes().all(safe) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}
