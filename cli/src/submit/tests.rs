//! Job files: the good ones, and what is said of each bad one.

use std::path::Path;

use super::{file, inputs};

const GOOD: &str = "\
trainer: keras
task: classification
inputs: {model: m.keras, dataset: d.csv, definition: d.yaml}
";

#[test]
fn the_examples_are_good_and_what_is_left_out_has_the_documented_value() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for example in ["wine", "wine-regression"] {
        let path = root.join("examples").join(example).join("job.yaml");
        let job = file::read(&path).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(job.resources.cpus.to_bits(), 2.0_f64.to_bits());
    }
    let job = file::parse(GOOD).unwrap();
    assert_eq!((job.parameters.epochs, job.parameters.seed), (50, 0));
    assert_eq!((job.resources.memory_mib, job.resources.gpus), (2_048, 0));
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let text = format!(
        "{}{}",
        GOOD.replace(
            "trainer: keras",
            &format!("trainer: {{name: keras, image: \"sha256:{}\"}}", "0".repeat(64))
        ),
        "\
parameters: {epochs: 9, initial_epoch: 3, batch_size: 4, validation_split: 0.1, steps_per_epoch: 5,
             validation_steps: 2, validation_freq: 2, seed: 7}
model: {name: n, version: 2, description: d, author: a, type: t, license: MIT, intended_use: i,
        out_of_scope: o, misuse: m, base_model: {name: ResNet50, source: https://example.org/r}}
dataset: {name: n, description: d, licence: CC-BY-4.0, source: https://example.org/d}
resources: {cpus: 0.5, memory_mib: 64, pids: 32, wall_clock_s: 60, output_mib: 8, gpus: 1}
"
    );
    let job = file::parse(&text).unwrap();
    assert_eq!(job.parameters.initial_epoch, 3);
    assert_eq!(job.model.version, Some(file::Version::Whole(2)));
    assert_eq!(job.model.licence.as_deref(), Some("MIT"));
    assert!(matches!(job.trainer, file::TrainerChoice::Pinned(_)));
}

#[test]
fn a_bad_file_is_named_by_line_key_and_remedy() {
    let with = |more: &str| format!("{GOOD}{more}");
    let cases = [
        (with("parameters:\n  epoch: 3\n"), ", line 5", "epoch", "write `epochs` instead"),
        (with("colour: red\n"), ", line 4", "colour", "remove `colour`"),
        (with("task: regression\n"), "", "duplicate", "keep one"),
        (GOOD.replace("task: classification", ""), "", "task", "add `task`"),
        (with("parameters: {epochs: -1}\n"), ", line 4", "-1", "--help"),
        (with("parameters: {epochs: many}\n"), ", line 4", "many", "--help"),
        (GOOD.replace("classification", "clustering"), ", line 2", "clustering", "--help"),
        (GOOD.replace("keras\n", "[1]\n"), "", "trainer", "--help"),
        (with("model: {version: 1.0}\n"), "", "quotes", "--help"),
        ("a: &a [*a]\n".to_owned(), "", "", "--help"),
        ("\u{0}".to_owned(), "", "", "--help"),
        (String::new(), "", "", ""),
    ];
    for (text, place, why, remedy) in cases {
        let (got_place, got_why, got_remedy) = file::parse(&text).unwrap_err();
        assert!(got_place.starts_with(place), "{text:?}: {got_place:?}");
        assert!(got_why.contains(why), "{text:?}: {got_why:?}");
        assert!(got_remedy.contains(remedy), "{text:?}: {got_remedy:?}");
    }
}

#[test]
fn a_file_that_is_too_long_or_not_there_cannot_be_used() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("job.yaml");
    assert_eq!(file::read(&path).unwrap_err().exit().code(), 2);
    std::fs::write(&path, " ".repeat(70_000)).unwrap();
    assert!(file::read(&path).unwrap_err().to_string().contains("longer than"));
}

#[test]
fn inputs_are_checked_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let job = root.join("job.yaml");
    let paths = file::parse(GOOD).unwrap().inputs;
    let missing = inputs::prepare(&job, &paths).unwrap_err();
    assert!(missing.to_string().contains("\"model\""), "{missing}");
    for name in ["m.keras", "d.csv", "d.yaml", "a b.csv"] {
        std::fs::write(root.join(name), name).unwrap();
    }
    let refused = inputs::prepare(&job, &paths).unwrap_err();
    assert_eq!(refused.exit().code(), 1, "{refused}");
    assert!(refused.to_string().contains("m.keras is refused"), "{refused}");
    let mut odd = paths.clone();
    odd.dataset = "a b.csv".into();
    assert!(inputs::prepare(&job, &odd).unwrap_err().to_string().contains("rename"));
    let mut twice = paths;
    twice.dataset = "m.keras".into();
    assert!(inputs::prepare(&job, &twice).unwrap_err().to_string().contains("both called"));
}

#[test]
fn the_example_is_prepared() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/wine");
    let job = file::read(&root.join("job.yaml")).unwrap();
    let prepared = inputs::prepare(&root.join("job.yaml"), &job.inputs).unwrap();
    assert_eq!(prepared.named().dataset.name, "wine.csv");
}
