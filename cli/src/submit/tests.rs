//! Job files: the good ones, and what is said of each bad one.

use std::path::Path;

use super::{file, inputs, request};

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
        out_of_scope: o, misuse: m, users: [u, v], limitations: l, trade_offs: [t],
        base_model: {name: ResNet50, source: https://example.org/r, version: 50, derivation: lora,
                     sha256: 0000000000000000000000000000000000000000000000000000000000000000},
        ethical_risks: [{name: r, mitigation: m}, {name: s}], fairness: [{group: g, harms: h}],
        compliance: [{standard: s, statement: t}], security_policy: https://example.org/s}
dataset: {name: n, description: d, licence: CC-BY-4.0, source: https://example.org/d, version: '1.0',
          provenance: p, classification: public, sensitive_data: none, owners: [o, p],
          custodians: c, stewards: [s]}
resources: {cpus: 0.5, memory_mib: 64, pids: 32, wall_clock_s: 60, output_mib: 8, gpus: 1}
aibom: {cyclonedx: 1.7, licence: CC0-1.0, tlp: amber+strict}
"
    );
    let job = file::parse(&text).unwrap();
    assert_eq!(job.parameters.initial_epoch, 3);
    assert_eq!(job.model.licence.as_deref(), Some("MIT"));
    assert!(matches!(job.trainer, file::TrainerChoice::Pinned(_)));

    let spec = specified(job).unwrap();
    let (model, dataset) = (&spec.model, &spec.dataset);
    assert_eq!((model.version.as_str(), &model.users), ("2", &vec!["u".into(), "v".into()]));
    assert_eq!((&model.limitations, &model.trade_offs), (&vec!["l".into()], &vec!["t".into()]));
    let base = model.base_model.as_ref().unwrap();
    assert_eq!((base.version.as_deref(), base.derivation.as_deref()), (Some("50"), Some("lora")));
    assert_eq!(base.sha256, Some(ids::Sha256Digest::from_bytes([0; 32])));
    assert_eq!(model.ethical_risks.len(), 2);
    assert_eq!(
        (model.ethical_risks[0].mitigation.as_deref(), model.fairness.len()),
        (Some("m"), 1)
    );
    assert_eq!(model.fairness[0].harms.as_deref(), Some("h"));
    assert_eq!(model.compliance[0].statement, "t");
    assert_eq!(model.security_policy.as_deref(), Some("https://example.org/s"));
    assert_eq!(
        (dataset.version.as_deref(), dataset.provenance.as_deref()),
        (Some("1.0"), Some("p"))
    );
    assert_eq!(dataset.classification.as_deref(), Some("public"));
    assert_eq!(dataset.sensitive_data, ["none"]);
    assert_eq!((dataset.owners.len(), &dataset.custodians), (2, &vec!["c".into()]));
    assert_eq!(dataset.stewards, ["s"]);
    let expected = job::BomOptions {
        cyclone_dx: job::CycloneDx::V1_7,
        licence: Some("CC0-1.0".into()),
        tlp: Some(job::Tlp::AmberAndStrict),
        ..job::BomOptions::default()
    };
    assert_eq!(spec.aibom, expected);
    assert_eq!(job::validate(&spec), Ok(()));
}

/// The specification that a job file gives with the inputs of the wine example.
fn specified(job: file::JobFile) -> Result<job::JobSpec, crate::failure::Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/wine/job.yaml");
    let example = file::read(&path).unwrap();
    let image = format!("sha256:{}", ids::Sha256Digest::of(b"image")).parse().unwrap();
    let trainer = job::Trainer { name: "keras".into(), image };
    request::specification(job, trainer, &inputs::prepare(&path, &example.inputs).unwrap())
}

#[test]
fn the_version_of_cyclonedx_may_be_written_in_two_ways() {
    let aibom = |text: &str| {
        let job = file::parse(&format!("{GOOD}aibom: {{{text}}}\n")).unwrap();
        specified(job).map(|spec| spec.aibom.cyclone_dx)
    };
    for (text, version) in [
        ("", job::CycloneDx::V1_6),
        ("cyclonedx: 1.6", job::CycloneDx::V1_6),
        ("cyclonedx: '1.6'", job::CycloneDx::V1_6),
        ("cyclonedx: 1.7", job::CycloneDx::V1_7),
        ("cyclonedx: \"1.7\", tlp: red", job::CycloneDx::V1_7),
    ] {
        assert_eq!(aibom(text).unwrap(), version, "{text}");
    }
    let refused = aibom("tlp: red").unwrap_err().to_string();
    assert!(refused.contains("aibom.tlp") && refused.contains("cyclonedx: 1.7"), "{refused}");
}

#[test]
fn the_examples_say_all_that_is_true_of_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for example in ["wine", "wine-regression"] {
        let spec = specified(file::read(&root.join(example).join("job.yaml")).unwrap()).unwrap();
        assert_eq!(job::validate(&spec), Ok(()));
        let said = serde_json::to_value(&spec).unwrap();
        // All but a base model and a security policy, which they have not.
        for (part, members) in [("model", 15), ("dataset", 11), ("aibom", 3)] {
            let part = &said[part];
            let there = part.as_object().unwrap().values().filter(|v| !v.is_null()).count();
            assert_eq!(there, members, "{example}: {part}");
        }
    }
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
        (with("model:\n  user: me\n"), ", line 5", "user", "write `users` instead"),
        (with("model: {users: {a: b}}\n"), "", "a list of texts", "--help"),
        (with("model: {fairness: [{harm: h}]}\n"), ", line 4", "harm", "write `harms` instead"),
        (
            with("model: {base_model: {name: n, sha256: 00}}\n"),
            ", line 4",
            "SHA-256 digest",
            "--help",
        ),
        (with("dataset: {owner: me}\n"), ", line 4", "owner", "write `owners` instead"),
        (with("aibom: {cyclonedx: 1.5}\n"), ", line 4", "1.6 or 1.7, not 1.5", "--help"),
        (with("aibom: {cyclonedx: [1]}\n"), "", "1.6 or 1.7", "--help"),
        (with("aibom: {tlp: amber-strict}\n"), ", line 4", "amber+strict", "--help"),
        (with("aibom: {profile: 2}\n"), ", line 4", "profile", "remove `profile`"),
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
