//! The evidence that a training of an example of the repository would leave: job file, model, dataset
//! and definition are the real ones, read as an executor reads them; machine, trainer and scan are the
//! fixture's.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

use dataset::{ColumnKind, Definition, Division, Leaves, Limits, Statistics};
use evidence::{Dataset, Layer, Model, Split, Tensor, Trained};
use ids::Digests;
use job::{InputFile, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use testkit::evidence::Fixture;

/// The fixture of the example in that folder.
pub(crate) fn fixture(example: &str) -> Fixture {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples")).join(example);
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let job = job_file(&String::from_utf8(file("job.yaml")).unwrap());
    let inputs = ["model", "dataset", "definition"].map(|role| {
        let name: String = read(&job["inputs"][role]);
        let bytes = file(&name);
        (role, name, bytes)
    });
    let definition = Definition::parse(&inputs[2].2).unwrap();
    let limits = Limits { max_rows: 10_000, max_columns: 64, max_line_bytes: 4_096 };
    let csv = inputs[1].2.as_slice();
    let (measured, leaves) = dataset::measure(csv, &definition, &limits).unwrap();
    let facts = model::inspect(Cursor::new(&inputs[0].2), &model::Limits::default()).unwrap();
    let model = model_of(&facts);
    let data = Dataset {
        merkle_root: Some(leaves.root()),
        splits: splits(&leaves, &job["parameters"]),
        ..dataset_of(&definition, &measured, job["task"] == "classification")
    };
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
        details.observed.dataset = data.clone();
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

/// A job file in the form that a request has: names in camel case, and a list where one is taken.
fn job_file(text: &str) -> Value {
    let mut job = camel(serde_norway::from_str(text).unwrap());
    for name in ["sensitiveData", "owners", "custodians", "stewards"] {
        let said = &mut job["dataset"][name];
        if said.is_string() {
            *said = Value::Array(vec![said.take()]);
        }
    }
    job
}

fn camel(value: Value) -> Value {
    let name = |name: String| {
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |all, word| {
            let (head, rest) = word.split_at(1);
            all + &head.to_uppercase() + rest
        })
    };
    match value {
        Value::Object(members) => {
            members.into_iter().map(|(key, member)| (name(key), camel(member))).collect()
        }
        Value::Array(items) => items.into_iter().map(camel).collect(),
        other => other,
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn ask(request: &mut Request, job: &Value, files: &[InputFile; 3]) {
    let spec = &mut request.spec;
    let asked = &job["parameters"];
    let [model, dataset, definition] = files.clone();
    (spec.inputs.model, spec.inputs.dataset, spec.inputs.definition) = (model, dataset, definition);
    spec.task = read(&job["task"]);
    spec.trainer.name = read(&job["trainer"]);
    spec.parameters.epochs = read(&asked["epochs"]);
    spec.parameters.batch_size = read(&asked["batchSize"]);
    spec.parameters.seed = read(&asked["seed"]);
    spec.parameters.validation_split = read(&asked["validationSplit"]);
    spec.model = read(&job["model"]);
    spec.dataset = read(&job["dataset"]);
    spec.aibom.licence = read(&job["aibom"]["licence"]);
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

/// As an executor computes them.
fn splits(leaves: &Leaves, asked: &Value) -> Vec<Split> {
    let (share, seed) = (read(&asked["validationSplit"]), read(&asked["seed"]));
    let division = Division::new(leaves.len(), share, seed).unwrap();
    [("train", division.train()), ("validation", division.validation())]
        .map(|(name, rows)| Split {
            name: name.to_owned(),
            records: rows.len().try_into().unwrap(),
            merkle_root: leaves.root_of(rows).unwrap(),
        })
        .into()
}

fn dataset_of(definition: &Definition, measured: &Statistics, classes: bool) -> Dataset {
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
    for class in measured.label_histogram.iter().flatten().filter(|_| classes) {
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
        split_agrees: Some(true),
    }
}
