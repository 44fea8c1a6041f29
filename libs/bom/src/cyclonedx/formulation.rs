//! Formulas: how something was to be made, and how it was made.

use serde::Serialize;

use super::{Dependency, Property};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Formula {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) workflows: Vec<Workflow>,
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaskType {
    Build,
    Scan,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workflow {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) tasks: Vec<Task>,
    pub(crate) task_dependencies: Vec<Dependency>,
    pub(crate) task_types: Vec<TaskType>,
    pub(crate) trigger: Option<Trigger>,
    pub(crate) time_start: Option<String>,
    pub(crate) time_end: Option<String>,
    pub(crate) workspaces: Vec<Workspace>,
    pub(crate) runtime_topology: Vec<Dependency>,
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Task {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) task_types: Vec<TaskType>,
    pub(crate) steps: Vec<Step>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) time_start: Option<String>,
    pub(crate) time_end: Option<String>,
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) commands: Vec<Command>,
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Command {
    pub(crate) executed: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trigger {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) uid: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) time_activated: String,
    pub(crate) properties: Vec<Property>,
}

/// What goes in; the schema wants exactly one of the members.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Input {
    Resource(Reference),
    Parameters(Vec<Parameter>),
    EnvironmentVars(Vec<String>),
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Reference {
    #[serde(rename = "ref")]
    pub(crate) reference: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) data_type: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Output {
    #[serde(rename = "type")]
    pub(crate) kind: OutputKind,
    pub(crate) resource: Resource,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OutputKind {
    Artifact,
    Attestation,
    Log,
    Metrics,
}

/// Something in this document, or a file beside it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Resource {
    Ref(String),
    ExternalReference(super::ExternalReference),
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workspace {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) access_mode: &'static str,
    pub(crate) mount_path: String,
    pub(crate) volume: Volume,
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Volume {
    pub(crate) mode: &'static str,
    pub(crate) persistent: bool,
}
