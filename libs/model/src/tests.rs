//! Tests of whole models: real ones are described, bad configurations are refused by rule.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

mod refused;

pub(crate) const METADATA: &str =
    r#"{"keras_version": "3.15.1", "date_saved": "2026-11-20@18:19:41"}"#;
pub(crate) const WEIGHTS: &[u8] = include_bytes!("../fixtures/plain.h5");
const WINE: &[u8] = include_bytes!("../../../examples/wine/model.keras");

/// A zip of these entries, stored.
pub(crate) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn read(bytes: &[u8]) -> Result<ModelFacts, Refusal> {
    inspect(Cursor::new(bytes), &Limits::default())
}

/// The name of the rule, such as `Hazard Code`.
pub(crate) fn rule(result: Result<ModelFacts, Refusal>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(Refusal::Hazard { hazard, .. }) => format!("Hazard {hazard:?}"),
        Err(refusal) => {
            let text = format!("{refusal:?}");
            text.split(['(', ' ']).next().unwrap().to_owned()
        }
    }
}

fn model(metadata: &str, config: &str) -> Vec<u8> {
    archive(&[
        ("metadata.json", metadata.as_bytes()),
        ("config.json", config.as_bytes()),
        ("model.weights.h5", WEIGHTS),
    ])
}

fn layer(module: &str, class: &str, config: &str) -> String {
    format!(
        r#"{{"module": "{module}", "class_name": "{class}", "config": {config}, "registered_name": null}}"#
    )
}

/// A sequential model whose second layer is `layer`, and which is compiled with `compile`.
fn sequential_with(layer: &str, compile: &str) -> String {
    format!(
        r#"{{"module": "keras", "class_name": "Sequential", "config": {{"name": "m", "layers": [
        {{"module": "keras.layers", "class_name": "InputLayer", "config": {{"batch_shape": [null, 3],
        "dtype": "float32", "name": "x"}}, "registered_name": null}}, {layer}]}},
        "registered_name": null, "build_config": {{"input_shape": [null, 3]}},
        "compile_config": {compile}}}"#
    )
}

fn sequential(layer: &str) -> String {
    sequential_with(layer, "{}")
}

fn dense(extra: &str) -> String {
    layer("keras.layers", "Dense", &format!(r#"{{"name": "d", "units": 1{extra}}}"#))
}

#[test]
fn the_examples_of_the_project_are_described() {
    let facts = read(WINE).unwrap();
    assert_eq!((facts.class_name.as_str(), facts.name.as_str()), ("Sequential", "wine_cultivar"));
    let layers: Vec<_> = facts.layers.iter().map(|layer| layer.class_name.as_str()).collect();
    assert_eq!(layers, ["InputLayer", "Dense", "Dense", "Dense"]);
    let shape = |size| vec![None, Some(size)];
    assert_eq!(facts.inputs[0].shape, shape(13));
    assert_eq!(
        (facts.inputs[0].name.as_str(), facts.inputs[0].dtype.as_str()),
        ("measurements", "float32")
    );
    assert_eq!(facts.outputs[0].shape, shape(3));
    assert_eq!(facts.parameter_count, Some(13 * 32 + 32 + 32 * 16 + 16 + 16 * 3 + 3));
    assert!(facts.compiled);
    assert_eq!(facts.losses, ["sparse_categorical_crossentropy"]);
    assert_eq!(facts.optimizer.as_deref(), Some("Adam"));
    assert_eq!(facts.metrics, ["accuracy"]);
    let bytes = ids::canonical::to_vec(&facts).unwrap();
    assert_eq!(ids::canonical::from_slice::<ModelFacts>(&bytes, 100_000).unwrap(), facts);
    let regression = read(include_bytes!("../../../examples/wine-regression/model.keras"));
    assert_eq!(regression.unwrap().outputs[0].shape, shape(1));
}

#[test]
fn real_files_of_each_kind_are_described() {
    let functional = read(include_bytes!("../fixtures/functional.keras")).unwrap();
    assert_eq!(functional.class_name, "Functional");
    assert_eq!(functional.layers.len(), 7);
    assert_eq!(functional.inputs[0].name, "x");
    let outputs: Vec<_> = functional.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["out", "o2"]);
    assert_eq!(functional.losses, ["MeanSquaredError", "mean_squared_error"]);
    assert_eq!(functional.parameter_count, Some(78), "as Keras counts them");
    let conv = read(include_bytes!("../fixtures/sequential.keras")).unwrap();
    assert_eq!(conv.parameter_count, Some(426), "without the seed of Dropout");
    assert!(!conv.compiled);
    let recurrent = read(include_bytes!("../fixtures/recurrent.keras")).unwrap();
    assert_eq!(recurrent.parameter_count, Some(400 + 416 + 9), "bfloat16 counted");
    assert_eq!(recurrent.inputs[0].dtype, "int32");
    assert_eq!(recurrent.outputs[0].dtype, "bfloat16");
    let lambda = read(include_bytes!("../fixtures/lambda.keras")).unwrap_err();
    assert_eq!(
        lambda.to_string(),
        "config.json.config.layers[1]: \"Lambda\" is refused: it carries Python code"
    );
}

#[test]
fn hand_made_models_in_the_form_of_keras_are_accepted() {
    for layer in [
        dense(""),
        dense(
            r#", "activation": "relu", "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null, "shared_object_id": 3}"#,
        ),
        dense(
            r#", "activation": {"module": "keras.layers", "class_name": "ReLU", "config": {}, "registered_name": null}"#,
        ),
        dense(
            r#", "mean": {"class_name": "__numpy__", "config": {"value": [1.5], "dtype": "float32"}}"#,
        ),
        layer("keras.src.models.sequential", "Sequential", r#"{"layers": []}"#),
        layer("keras.layers", "Dense", "{}").replace("null", r#""Dense""#),
    ] {
        assert_eq!(rule(read(&model(METADATA, &sequential(&layer)))), "accepted", "{layer}");
    }
    let compile = r#"{"optimizer": "adam", "loss": [{"module": "builtins", "class_name": "function", "config": "mean_squared_error", "registered_name": "function"}], "metrics": null}"#;
    let facts = read(&model(METADATA, &sequential_with(&dense(""), compile))).unwrap();
    assert_eq!(facts.losses, ["mean_squared_error"]);
    assert_eq!(facts.optimizer.as_deref(), Some("adam"));
}

#[test]
fn no_one_bit_change_goes_unnoticed_where_it_matters() {
    let good = model(METADATA, &sequential(&dense("")));
    let facts = read(&good).unwrap();
    for at in 0..good.len() {
        // Every bit but of the weights' bytes, where one in eight must do.
        let bits = if at % 8 == 0 || at < 1500 || at + 300 > good.len() { 8 } else { 1 };
        for bit in 0..bits {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            if let Ok(read) = read(&changed) {
                assert_eq!(read, facts, "byte {at}, bit {bit}");
            }
        }
    }
    for length in 0..good.len() {
        assert!(read(&good[..length]).is_err(), "cut at {length}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        config in "[\\[\\]{}:,\"a_0-9]{0,80}",
    ) {
        prop_assert!(read(&bytes).is_err());
        prop_assert!(read(&model(METADATA, &config)).is_err());
        let mut tailed = WINE.to_vec();
        tailed.extend(&bytes);
        prop_assert_eq!(read(&tailed).is_ok(), bytes.is_empty());
    }
}
