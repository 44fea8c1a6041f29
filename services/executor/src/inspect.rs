//! Model and dataset read without running anything, before a container starts.

mod statistics;

use std::{fs::File, io::BufReader, path::Path};

use dataset::{Definition, Division, Leaves, Statistics};
use evidence::{Dataset, Layer, Model, Split, Tensor};
use job::{JobSpec, Reason, Task};
use model::ModelFacts;

use crate::{
    events::MAX_SAFE_INTEGER,
    failure::{Failure, clean},
};

/// The longest name that is kept, in bytes.
const MAX_NAME_BYTES: usize = 256;

fn name(text: &str) -> String {
    clean(text, MAX_NAME_BYTES)
}

fn safe(count: u64) -> Option<u64> {
    (count <= MAX_SAFE_INTEGER).then_some(count)
}

fn tensors(facts: &[model::TensorFact]) -> Vec<Tensor> {
    let tensor = |fact: &model::TensorFact| Tensor {
        name: name(&fact.name),
        shape: fact.shape.iter().map(|size| size.and_then(safe)).collect(),
        dtype: name(&fact.dtype),
    };
    facts.iter().map(tensor).collect()
}

/// What goes into the evidence.
pub(crate) fn model_of(facts: &ModelFacts) -> Model {
    let layer = |fact: &model::LayerFact| Layer {
        name: name(&fact.name),
        class_name: name(&fact.class_name),
    };
    Model {
        format: "keras-v3".to_owned(),
        framework_version: name(&facts.keras_version),
        class_name: name(&facts.class_name),
        layers: facts.layers.iter().map(layer).collect(),
        inputs: tensors(&facts.inputs),
        outputs: tensors(&facts.outputs),
        parameter_count: facts.parameter_count.and_then(safe),
        optimizer: facts.optimizer.as_deref().map(name),
        losses: facts.losses.iter().map(|loss| name(loss)).collect(),
    }
}

/// Each split that has records.
fn splits(leaves: &Leaves, division: &Division) -> Vec<Split> {
    let split = |(name, rows): (&str, &[u32])| {
        let merkle_root = leaves.root_of(rows).filter(|_| !rows.is_empty())?;
        Some(Split { name: name.to_owned(), records: u64::try_from(rows.len()).ok()?, merkle_root })
    };
    let both = [("train", division.train()), ("validation", division.validation())];
    both.into_iter().filter_map(split).collect()
}

fn dataset_of(definition: &Definition, measured: &Statistics, task: Task) -> Dataset {
    Dataset {
        records: measured.rows,
        columns: measured.columns,
        label: name(&definition.label),
        statistics: statistics::of(definition, measured, task),
        merkle_root: None,
        splits: Vec::new(),
        split_agrees: None,
    }
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::infrastructure(&format!("an input cannot be read back: {error}"))
}

/// Refuses a file that runs code or reaches other files, with every reason; `name` is what the
/// trainer takes it for.
fn harmless(path: &Path, name: &str, reason: Reason) -> Result<(), Failure> {
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let found = ::inspect::inspect(name, file, &::inspect::Limits::default())
        .map_err(|::inspect::InspectError::Read(error)| unreadable(&error))?;
    match found.refusal() {
        None => Ok(()),
        Some(reasons) => Err(Failure::refused(reason, &format!("{name}: {reasons}"))),
    }
}

/// Reads the model at `path`; blocks.
///
/// # Errors
/// A refusal (`MODEL_REFUSED`), or a disk that fails.
pub(crate) fn model(path: &Path) -> Result<Model, Failure> {
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let facts =
        model::inspect(file, &model::Limits::default()).map_err(|refusal| match refusal {
            model::Refusal::Read(error) => unreadable(&error),
            refusal => Failure::refused(Reason::ModelRefused, &refusal.to_string()),
        })?;
    harmless(path, "model.keras", Reason::ModelRefused)?;
    Ok(model_of(&facts))
}

/// Reads the definition, measures the dataset and computes its splits, which are none for more rows
/// than are split; blocks.
///
/// # Errors
/// A refusal (`DATASET_REFUSED`), or a disk that fails.
pub(crate) fn dataset(
    definition_path: &Path,
    csv: &Path,
    spec: &JobSpec,
) -> Result<(Dataset, Option<Division>), Failure> {
    let refused = |text: String| Failure::refused(Reason::DatasetRefused, &text);
    let text = std::fs::read(definition_path).map_err(|e| unreadable(&e))?;
    let definition =
        Definition::parse(&text).map_err(|e| refused(format!("the definition: {e}")))?;
    let file = BufReader::new(File::open(csv).map_err(|e| unreadable(&e))?);
    let (measured, leaves) = dataset::measure(file, &definition, &dataset::Limits::default())
        .map_err(|error| match error {
            dataset::DatasetError::Read(error) => unreadable(&error),
            error => refused(format!("the dataset: {error}")),
        })?;
    let parameters = &spec.parameters;
    harmless(definition_path, "definition.yaml", Reason::DatasetRefused)?;
    harmless(csv, "dataset.csv", Reason::DatasetRefused)?;
    let division = Division::new(leaves.len(), parameters.validation_split, parameters.seed);
    let told = Dataset {
        merkle_root: Some(leaves.root()),
        splits: division.as_ref().map(|division| splits(&leaves, division)).unwrap_or_default(),
        ..dataset_of(&definition, &measured, spec.task)
    };
    Ok((told, division))
}
