//! The evidence that a training of an example of the repository would leave: job file, model, dataset
//! and definition are the real ones, read as an executor reads them; machine, trainer and scan are the
//! fixture's.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

use dataset::{ColumnKind, Definition, Limits, Statistics};
use evidence::{Dataset, Layer, Model, Tensor, Trained};
use ids::Digests;
use job::{BaseModel, DatasetInfo, InputFile, ModelInfo, Request, Task};
use testkit::evidence::Fixture;

/// The fixture of the example in that folder.
pub(crate) fn fixture(example: &str) -> Fixture {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples")).join(example);
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let job = job_file(&String::from_utf8(read("job.yaml")).unwrap());
    let inputs = ["model", "dataset", "definition"].map(|role| {
        let name = job[&format!("inputs.{role}")].clone();
        let bytes = read(&name);
        (role, name, bytes)
    });
    let definition = Definition::parse(&inputs[2].2).unwrap();
    let limits = Limits { max_rows: 10_000, max_columns: 64, max_line_bytes: 4_096 };
    let measured = dataset::describe(inputs[1].2.as_slice(), &definition, &limits).unwrap();
    let facts = model::inspect(Cursor::new(&inputs[0].2), &model::Limits::default()).unwrap();
    let (model, data) = (model_of(&facts), dataset_of(&definition, &measured));
    let digests: Vec<Digests> = inputs.iter().map(|(_, _, bytes)| Digests::of(bytes)).collect();
    let files = inputs.map(|(_, name, bytes)| InputFile {
        name,
        sha256: Digests::of(&bytes).sha256,
        size: bytes.len().try_into().unwrap(),
    });
    let regression = job["task"] == "regression";
    Fixture::new().request(move |request| ask(request, &job, &files)).training(move |training| {
        let dependencies = &mut training.predicate.build_definition.resolved_dependencies;
        for (dependency, digests) in dependencies.iter_mut().zip(&digests) {
            let name = dependency.name.clone().unwrap();
            *dependency = envelope::ResourceDescriptor::both(&name, digests);
        }
        let details = &mut training.predicate.run_details;
        let before = &details.observed.dataset;
        details.observed.dataset = Dataset {
            merkle_root: before.merkle_root,
            splits: before.splits.clone(),
            split_agrees: before.split_agrees,
            ..data.clone()
        };
        // Training changes the weights and nothing else that is read here.
        details.observed.trained = Trained::Read(model.clone());
        details.observed.model = model.clone();
        if regression {
            let reported = &mut details.reported;
            reported.data.remove("classes");
            for metrics in [&mut reported.final_metrics, &mut reported.best_metrics] {
                let known = std::mem::take(metrics).into_iter();
                metrics.extend(known.map(|(name, v)| (name.replace("accuracy", "mae"), v)));
            }
        }
    })
}

/// The members of a job file by dotted name: each stands on a line of its own, two deep.
fn job_file(text: &str) -> BTreeMap<String, String> {
    let mut section = String::new();
    let mut out = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once(':').unwrap();
        match name.strip_prefix("  ") {
            Some(name) => out.insert(format!("{section}.{name}"), value.trim().to_owned()),
            None => {
                name.clone_into(&mut section);
                out.insert(name.to_owned(), value.trim().to_owned())
            }
        };
    }
    out
}

fn ask(request: &mut Request, job: &BTreeMap<String, String>, files: &[InputFile; 3]) {
    let given = |name: &str| job.get(name).cloned();
    let number = |name: &str| job[name].parse().unwrap();
    let spec = &mut request.spec;
    let [model, dataset, definition] = files.clone();
    spec.task = if job["task"] == "regression" { Task::Regression } else { Task::Classification };
    (spec.inputs.model, spec.inputs.dataset, spec.inputs.definition) = (model, dataset, definition);
    spec.trainer.name.clone_from(&job["trainer"]);
    spec.parameters.epochs = number("parameters.epochs");
    spec.parameters.batch_size = Some(number("parameters.batch_size"));
    spec.parameters.seed = number("parameters.seed");
    spec.parameters.validation_split = job["parameters.validation_split"].parse().unwrap();
    spec.model = ModelInfo {
        name: job["model.name"].clone(),
        version: job["model.version"].clone(),
        description: given("model.description"),
        author: given("model.author"),
        kind: given("model.type"),
        licence: given("model.licence"),
        base_model: given("model.base_model")
            .map(|name| BaseModel { name, ..BaseModel::default() }),
        intended_use: given("model.intended_use"),
        out_of_scope: given("model.out_of_scope"),
        misuse: given("model.misuse"),
        // The lists of a card are the fixture's.
        ..spec.model.clone()
    };
    spec.dataset = DatasetInfo {
        name: job["dataset.name"].clone(),
        licence: given("dataset.licence"),
        source: given("dataset.source"),
        ..spec.dataset.clone()
    };
}

fn model_of(facts: &model::ModelFacts) -> Model {
    let tensors = |facts: &[model::TensorFact]| {
        let tensor = |fact: &model::TensorFact| Tensor {
            name: fact.name.clone(),
            shape: fact.shape.clone(),
            dtype: fact.dtype.clone(),
        };
        facts.iter().map(tensor).collect()
    };
    let layer = |fact: &model::LayerFact| Layer {
        name: fact.name.clone(),
        class_name: fact.class_name.clone(),
    };
    Model {
        format: "keras-v3".to_owned(),
        framework_version: facts.keras_version.clone(),
        class_name: facts.class_name.clone(),
        layers: facts.layers.iter().map(layer).collect(),
        inputs: tensors(&facts.inputs),
        outputs: tensors(&facts.outputs),
        parameter_count: facts.parameter_count,
        optimizer: facts.optimizer.clone(),
        losses: facts.losses.clone(),
    }
}

fn dataset_of(definition: &Definition, measured: &Statistics) -> Dataset {
    let mut statistics = BTreeMap::from([("bytes".to_owned(), measured.bytes.to_string())]);
    for column in &measured.column {
        let mut put =
            |what: &str, value: String| statistics.insert(format!("{}.{what}", column.name), value);
        let kind = match column.kind {
            ColumnKind::Float => "float",
            ColumnKind::Int => "int",
            ColumnKind::String => "string",
        };
        put("kind", kind.to_owned());
        put("missing", column.missing.to_string());
        if let Some(numbers) = &column.numbers {
            put("min", numbers.min.to_string());
            put("max", numbers.max.to_string());
            put("mean", numbers.mean.to_string());
            put("std", numbers.std.to_string());
        }
    }
    for class in measured.label_histogram.iter().flatten() {
        let name = format!("{}.count.{}", definition.label, class.class);
        statistics.insert(name, class.count.to_string());
    }
    for (index, column) in measured.ignored_columns.iter().enumerate() {
        statistics.insert(format!("ignored.{index}"), column.clone());
    }
    Dataset {
        records: measured.rows,
        columns: measured.columns,
        label: definition.label.clone(),
        statistics,
        merkle_root: None,
        splits: Vec::new(),
        split_agrees: None,
    }
}
