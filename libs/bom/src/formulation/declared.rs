//! What the user asked for, as it was asked.

use evidence::VerifiedEvidence;
use job::{Parameters, Resources};

use crate::claims::{Claims, Source};
use crate::cyclonedx::formulation::{
    Formula, Input, Output, OutputKind, Parameter, Resource, Task, TaskType, Trigger, Workflow,
};
use crate::cyclonedx::{Property, property};
use crate::{model, refs, text};

const FORMULA: &str = "formula/declared";
const WORKFLOW: &str = "workflow/declared";
const TASK: &str = "task/declared/train";
const TRIGGER: &str = "trigger/request";

pub(super) fn formula(evidence: &VerifiedEvidence, claims: &mut Claims) -> Formula {
    let request = evidence.request();
    claim(claims);
    let mut inputs = super::materials();
    inputs.push(Input::Parameters(parameters(&request.spec.parameters)));
    let task = Task {
        bom_ref: TASK.to_owned(),
        uid: "train".to_owned(),
        name: format!("train: {}", model::task(request.spec.task)),
        task_types: vec![TaskType::Build],
        steps: Vec::new(),
        inputs,
        outputs: vec![Output {
            kind: OutputKind::Artifact,
            resource: Resource::Ref(refs::MODEL.to_owned()),
        }],
        time_start: None,
        time_end: None,
        properties: resources(&request.spec.resources),
    };
    let workflow = Workflow {
        bom_ref: WORKFLOW.to_owned(),
        uid: evidence.grant().job.to_string(),
        name: "training as requested".to_owned(),
        tasks: vec![task],
        task_dependencies: Vec::new(),
        task_types: vec![TaskType::Build],
        trigger: Some(Trigger {
            bom_ref: TRIGGER.to_owned(),
            uid: request.idempotency_key.to_string(),
            name: "signed request".to_owned(),
            kind: "api",
            time_activated: request.requested_at.to_string(),
            properties: vec![
                property("request:user", &request.user),
                property("request:sha256", evidence.grant().request),
                property("request:schema", &request.schema),
            ],
        }),
        time_start: None,
        time_end: None,
        workspaces: Vec::new(),
        runtime_topology: Vec::new(),
        properties: Vec::new(),
    };
    Formula {
        bom_ref: FORMULA.to_owned(),
        workflows: vec![workflow],
        properties: vec![property("formula", "declared")],
    }
}

/// The submitter says all of it, but for the job's id and what this profile adds.
fn claim(claims: &mut Claims) {
    claims.add(Source::Asserted, FORMULA, &["everything"]);
    claims.add(Source::Granted, WORKFLOW, &["/uid"]);
    let derived: [(&str, &[&'static str]); 4] = [
        (FORMULA, &["/bom-ref", "/properties"]),
        (WORKFLOW, &["/bom-ref", "/name", "/taskTypes"]),
        (TASK, &["/bom-ref", "/outputs", "/taskTypes", "/uid"]),
        (TRIGGER, &["/bom-ref", "/name", "/properties/aibom:request:sha256", "/type"]),
    ];
    for (subject, fields) in derived {
        claims.add(Source::Derived, subject, fields);
    }
}

fn parameters(p: &Parameters) -> Vec<Parameter> {
    let number = |name: &str, value: Option<u32>| Parameter {
        name: name.to_owned(),
        value: value.map_or_else(|| "left to the trainer".to_owned(), |value| value.to_string()),
        data_type: if value.is_some() { "integer" } else { "null" },
    };
    vec![
        number("epochs", Some(p.epochs)),
        number("initial_epoch", Some(p.initial_epoch)),
        number("batch_size", p.batch_size),
        Parameter {
            name: "validation_split".to_owned(),
            value: text::number(p.validation_split),
            data_type: "number",
        },
        number("steps_per_epoch", p.steps_per_epoch),
        number("validation_steps", p.validation_steps),
        number("validation_freq", Some(p.validation_freq)),
        number("seed", Some(p.seed)),
    ]
}

fn resources(r: &Resources) -> Vec<Property> {
    [
        ("cpuMillis", r.cpu_millis),
        ("memoryMib", r.memory_mib),
        ("pids", r.pids),
        ("wallClockS", r.wall_clock_s),
        ("outputMib", r.output_mib),
        ("gpus", r.gpus),
    ]
    .into_iter()
    .map(|(name, value)| property(&format!("requested:{name}"), value))
    .collect()
}
