//! The corpus of models that are refused, each by the rule that it breaks.

use super::*;

/// Layers that must be refused: module, class, config, rule.
#[rustfmt::skip]
const LAYERS: &[(&str, &str, &str, &str)] = &[
    ("keras.layers", "Lambda", r#"{"function": "f"}"#, "Hazard Code"),
    ("keras.src.layers.core.lambda_layer", "Lambda", "{}", "Hazard Code"),
    ("keras.layers", "StringLookup", r#"{"vocabulary": "/etc/passwd"}"#, "Hazard VocabularyFile"),
    ("keras.layers", "IntegerLookup", r#"{"vocabulary": "/x"}"#, "Hazard VocabularyFile"),
    ("keras.layers", "TextVectorization", "{}", "Hazard VocabularyFile"),
    ("keras.layers", "Hashing", "{}", "Hazard Hashing"),
    ("keras.layers", "HashedCrossing", "{}", "Hazard Hashing"),
    ("keras.layers", "TorchModuleWrapper", r#"{"module": "AAAA"}"#, "Hazard ForeignRuntime"),
    ("keras.layers", "TFSMLayer", r#"{"filepath": "/x"}"#, "Hazard ForeignRuntime"),
    ("keras.layers", "FlaxLayer", "{}", "Hazard ForeignRuntime"),
    ("keras.layers", "JaxLayer", "{}", "Hazard ForeignRuntime"),
    ("keras.utils", "get_file", r#"{"origin": "http://x"}"#, "Hazard Api"),
    ("keras.models", "load_model", "{}", "Hazard Api"),
    ("keras.config", "enable_unsafe_deserialization", "{}", "Hazard Api"),
    ("keras.layers", "Pipeline", "{}", "NotAllowed"),
    ("keras.layers", "Layer", "{}", "NotAllowed"),
    ("keras.layers", "dense", "{}", "NotAllowed"),
    ("keras", "Model", "{}", "NotAllowed"),
    ("keras.src.models.model", "Model", "{}", "NotAllowed"),
    ("keras.src.ops.nn", "Relu", "{}", "NotAllowed"),
    ("keras.callbacks", "ModelCheckpoint", r#"{"filepath": "/x"}"#, "NotAllowed"),
    ("keras.datasets.mnist", "Dense", "{}", "NotAllowed"),
    ("keras.src.utils.python_utils", "func_load", "{}", "Hazard Api"),
    ("builtins", "eval", r#"{"source": "1"}"#, "Hazard Api"),
    ("builtins", "dict", "{}", "NotAllowed"),
    ("os", "system", r#"{"command": "id"}"#, "Hazard Api"),
    ("subprocess", "Popen", r#"{"args": "id"}"#, "NotAllowed"),
    ("keras_hub.layers", "Dense", "{}", "NotAllowed"),
    ("tensorflow", "Dense", "{}", "NotAllowed"),
    ("", "Dense", "{}", "NotAllowed"),
    ("keras.layers ", "Dense", "{}", "NotAllowed"),
    ("keras.layers", "pkg>Dense", "{}", "Hazard CustomClass"),
    ("keras.layers", "Dense", "[]", "Shape"),
    ("keras.layers", "Dense", "null", "Shape"),
    ("builtins", "function", r#""eval""#, "Hazard Api"),
    ("builtins", "function", r#""my_loss""#, "Hazard Function"),
    ("builtins", "function", "{}", "Hazard Function"),
    ("keras.utils", "function", r#""get_file""#, "Hazard Api"),
    ("keras.losses", "function", r#""mean_squared_error""#, "Hazard Function"),
    ("keras.layers", "__lambda__", r#"{"value": "4wEAAAA="}"#, "Hazard Code"),
    ("keras.layers", "__typespec__", "[]", "Hazard TypeSpec"),
    ("keras.layers", "__bytes__", r#"{"value": "x"}"#, "Marker"),
    ("keras.layers", "__numpy__", r#"{"value": [], "dtype": "float32"}"#, "Marker"),
];

/// What must be refused inside of a harmless layer's config: JSON members, rule.
#[rustfmt::skip]
const MEMBERS: &[(&str, &str)] = &[
    (r#""activation": {"class_name": "__lambda__", "config": {"value": "4wE="}}"#, "Hazard Code"),
    (r#""activation": {"class_name": "__function__", "config": "f"}"#, "Hazard Code"),
    (r#""activation": {"class_name": "Dense", "config": {}}"#, "LegacyForm"),
    (r#""a": {"module": "keras.layers", "class_name": "Dense", "config": {}}"#, "LegacyForm"),
    (r#""a": {"class_name": "Dense", "config": {}, "registered_name": null}"#, "LegacyForm"),
    (r#""a": {"module": null, "class_name": "Dense", "config": {}, "registered_name": null}"#, "LegacyForm"),
    (r#""a": {"class_name": 7, "module": "keras"}"#, "LegacyForm"),
    (r#""a": {"module": "os"}"#, "LegacyForm"),
    (r#""a": {"registered_name": "x"}"#, "LegacyForm"),
    (r#""a": {"spec_name": "TensorSpec"}"#, "LegacyForm"),
    (r#""a": {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": "pkg>Dense"}"#, "Hazard CustomClass"),
    (r#""a": {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": "Evil"}"#, "NotAllowed"),
    (r#""a": {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": {}}"#, "NotAllowed"),
    (r#""a": {"class_name": "__numpy__", "config": {"value": [], "dtype": "object"}}"#, "Marker"),
    (r#""a": {"class_name": "__numpy__", "config": {"value": []}}"#, "Marker"),
    (r#""a": "__import__""#, "Marker"),
    (r#""a": ["__lambda__"]"#, "Marker"),
    (r#""__class__": 1"#, "Marker"),
    (r#""a": {"b": [{"c": [[{"class_name": "__lambda__"}]]}]}"#, "Hazard Code"),
    (r#""a": 1, "a": 2"#, "DuplicateKey"),
    (r#""a": {"b": {"k": 1, "\u006b": 2}}"#, "DuplicateKey"),
    (r#""a": NaN"#, "Json"),
    (r#""a": "\ud800""#, "Json"),
];

#[test]
fn every_bad_layer_and_member_is_refused_by_its_rule() {
    for (module, class, config, expected) in LAYERS {
        let layer = layer(module, class, config);
        let config = sequential(&layer);
        assert_eq!(rule(read(&model(METADATA, &config))), *expected, "{layer}");
        // The same, deep inside of a wrapper and in the compile configuration.
        let wrapped = dense(&format!(r#", "x": [{{"y": {layer}}}]"#));
        assert_eq!(rule(read(&model(METADATA, &sequential(&wrapped)))), *expected, "{wrapped}");
        let compiled = sequential_with(&dense(""), &format!(r#"{{"loss": {layer}}}"#));
        assert_eq!(rule(read(&model(METADATA, &compiled))), *expected, "{compiled}");
    }
    for (members, expected) in MEMBERS {
        let config = sequential(&dense(&format!(", {members}")));
        assert_eq!(rule(read(&model(METADATA, &config))), *expected, "{members}");
    }
}

#[test]
fn every_bad_document_is_refused_by_its_rule() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let good = sequential(&dense(""));
    let table = [
        (String::new(), "Json"),
        ("{".to_owned(), "Json"),
        (format!("{good} {{}}"), "Json"),
        (format!("\u{feff}{good}"), "Json"),
        (nested(65), "JsonTooBig"),
        ("[".repeat(200_000), "JsonTooBig"),
        (sequential(&dense(&format!(r#", "x": {}"#, nested(62)))), "JsonTooBig"),
        (format!("[{}0]", "0,".repeat(1_000_000)), "JsonTooBig"),
        (format!("{good}{}", " ".repeat(9 << 20)), "TooLarge"),
        ("[]".to_owned(), "Shape"),
        ("{}".to_owned(), "Shape"),
        (layer("keras.layers", "Dense", "{}"), "Shape"),
        (layer("keras.layers", "Lambda", "{}"), "Hazard Code"),
        (layer("keras", "Sequential", "{}"), "Shape"),
        (layer("keras", "Sequential", r#"{"layers": {}}"#), "Shape"),
        (layer("keras", "Sequential", r#"{"layers": [1]}"#), "Shape"),
        (layer("evil", "Sequential", r#"{"layers": []}"#), "NotAllowed"),
    ];
    for (config, expected) in table {
        let shown: String = config.chars().take(200).collect();
        assert_eq!(rule(read(&model(METADATA, &config))), expected, "{shown}");
    }
    assert_eq!(rule(read(&model(METADATA, &good))), "accepted");
}

#[test]
fn every_bad_metadata_is_refused_by_its_rule() {
    let table = [
        ("", "Json"),
        ("{}", "KerasVersion"),
        ("[]", "KerasVersion"),
        (r#"{"keras_version": 3}"#, "KerasVersion"),
        (r#"{"keras_version": "2.15.0"}"#, "KerasVersion"),
        (r#"{"keras_version": "3"}"#, "KerasVersion"),
        (r#"{"keras_version": "-3.0"}"#, "KerasVersion"),
        (r#"{"keras_version": "2.1", "keras_version": "3.1"}"#, "DuplicateKey"),
    ];
    for (metadata, expected) in table {
        let bytes = model(metadata, &sequential(&dense("")));
        assert_eq!(rule(read(&bytes)), expected, "{metadata}");
    }
}
