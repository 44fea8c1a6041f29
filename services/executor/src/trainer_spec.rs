//! `spec.json`: what the trainer is told (contract `aibom.trainer.spec.v1`, trainers/keras/README.md).

use job::{JobSpec, Task};
use serde_json::json;

/// The directory inside the container that holds the inputs.
pub(crate) const IN_DIR: &str = "/aibom/in";
/// The directory inside the container that takes the outputs.
pub(crate) const OUT_DIR: &str = "/aibom/out";
/// File name of each input, by its role.
pub(crate) const INPUT_FILES: [(&str, &str); 3] =
    [("model", "model.keras"), ("dataset", "dataset.csv"), ("definition", "definition.yaml")];

/// The bytes of `spec.json`.
#[must_use]
pub(crate) fn trainer_spec(spec: &JobSpec) -> Vec<u8> {
    let p = &spec.parameters;
    let task = match spec.task {
        Task::Classification => "classification",
        Task::Regression => "regression",
    };
    json!({
        "schema": "aibom.trainer.spec.v1",
        "task": task,
        "inputs": {
            "model": format!("{IN_DIR}/model.keras"),
            "dataset": format!("{IN_DIR}/dataset.csv"),
            "definition": format!("{IN_DIR}/definition.yaml"),
        },
        "output_dir": OUT_DIR,
        "parameters": {
            "epochs": p.epochs,
            "batch_size": p.batch_size,
            "validation_split": p.validation_split,
            "initial_epoch": p.initial_epoch,
            "steps_per_epoch": p.steps_per_epoch,
            "validation_steps": p.validation_steps,
            "validation_freq": p.validation_freq,
            "seed": p.seed,
        },
    })
    .to_string()
    .into_bytes()
}
