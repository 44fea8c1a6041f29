//! Bounds of the specification: the good one passes, each field outside its bound is named.

use ids::Sha256Digest;

use super::*;

fn file(name: &str) -> InputFile {
    InputFile { name: name.into(), sha256: Sha256Digest::of(name.as_bytes()), size: 100 }
}

fn spec() -> JobSpec {
    JobSpec {
        task: Task::Classification,
        trainer: Trainer {
            name: "keras".into(),
            image: format!("sha256:{}", Sha256Digest::of(b"image")).parse().unwrap(),
        },
        inputs: Inputs {
            model: file("m.keras"),
            dataset: file("d.csv"),
            definition: file("d.yaml"),
        },
        parameters: Parameters {
            epochs: 20,
            initial_epoch: 0,
            batch_size: Some(16),
            validation_split: 0.2,
            steps_per_epoch: None,
            validation_steps: None,
            validation_freq: 1,
            seed: 7,
        },
        model: ModelInfo { name: "wine".into(), version: "1".into(), ..ModelInfo::default() },
        dataset: DatasetInfo { name: "wine".into(), ..DatasetInfo::default() },
        resources: Resources::default(),
        aibom: BomOptions::default(),
    }
}

#[test]
fn the_good_specification_passes() {
    assert_eq!(validate(&spec()), Ok(()));
}

#[test]
fn each_field_outside_its_bound_is_named() {
    type Change = fn(&mut JobSpec);
    let cases: [(&str, Change); 18] = [
        ("inputs.model.name", |s| s.inputs.model.name = "../m.keras".into()),
        ("inputs.model.name", |s| s.inputs.model.name = ".keras".into()),
        ("inputs.dataset.name", |s| s.inputs.dataset.name = s.inputs.model.name.clone()),
        ("parameters.epochs", |s| s.parameters.epochs = 0),
        ("parameters.epochs", |s| s.parameters.epochs = 100_001),
        ("parameters.initialEpoch", |s| s.parameters.initial_epoch = 20),
        ("parameters.batchSize", |s| s.parameters.batch_size = Some(0)),
        ("parameters.validationSplit", |s| s.parameters.validation_split = 1.0),
        ("parameters.validationSplit", |s| s.parameters.validation_split = f64::NAN),
        ("parameters.validationSplit", |s| s.parameters.validation_split = -0.1),
        ("parameters.validationFreq", |s| s.parameters.validation_freq = 0),
        ("inputs.model.name", |s| s.inputs.model.name = String::new()),
        ("inputs.dataset.name", |s| s.inputs.dataset.name = "a\u{1b}[2J".into()),
        ("inputs.definition.size", |s| s.inputs.definition.size = 65 * 1024),
        ("model.name", |s| s.model.name = "n".repeat(129)),
        ("model.misuse", |s| s.model.misuse = Some("x".repeat(4097))),
        ("resources.memoryMib", |s| s.resources.memory_mib = 31),
        ("resources.pids", |s| s.resources.pids = 7),
    ];
    for (field, change) in cases {
        let mut spec = spec();
        change(&mut spec);
        assert_eq!(validate(&spec).map_err(|e| e.field), Err(field));
    }
}

#[test]
fn images_are_named_by_digest_only() {
    let digest = Sha256Digest::of(b"image");
    for good in [format!("sha256:{digest}"), format!("registry.example:5000/a/b@sha256:{digest}")] {
        assert_eq!(good.parse::<Image>().map(|i| i.to_string()), Ok(good));
    }
    let bad = ["keras:latest", "keras", "sha256:12", "a b@sha256:00", "", "@", "x@sha512:00"];
    for bad in bad.map(str::to_owned).into_iter().chain([format!("@sha256:{digest}")]) {
        assert!(bad.parse::<Image>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn an_unknown_field_is_refused() {
    let mut value = serde_json::to_value(spec()).unwrap();
    assert!(serde_json::from_value::<JobSpec>(value.clone()).is_ok());
    value["surprise"] = 1.into();
    assert!(serde_json::from_value::<JobSpec>(value).is_err());
}

#[test]
fn reasons_have_one_text_each() {
    for reason in Reason::ALL {
        assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
