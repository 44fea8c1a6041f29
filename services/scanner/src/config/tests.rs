//! The example holds; unknown keys and bad values are refused with their names.

use super::*;

const EXAMPLE: &str = include_str!("../../config.example.toml");

#[test]
fn the_example_holds() {
    let config = Config::parse(EXAMPLE).unwrap();
    assert_eq!(config.database.label, "trivy-db");
    assert_eq!(config.scan.max_concurrent, default_max_concurrent());
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let text = EXAMPLE.replacen("[database]", "[database]\nmax_age = 3", 1);
    let error = Config::parse(&text).unwrap_err().to_string();
    assert!(error.contains("max_age"), "{error}");
}

#[test]
fn a_value_outside_its_bounds_is_refused_with_key_and_value() {
    for (from, to, key) in [
        ("max_concurrent = 2", "max_concurrent = 0", "scan.max_concurrent = 0"),
        ("max_concurrent = 2", "max_concurrent = 65", "scan.max_concurrent = 65"),
        ("# timeout_ms = 240000", "timeout_ms = 0 #", "tool.timeout_ms = 0"),
        ("# max_memory_bytes = 2147483648", "max_memory_bytes = 1", "tool.max_memory_bytes = 1"),
        ("# sandbox = \"process\"", "sandbox = \"container\"", "tool.image = \"\""),
        ("# image = \"sha256:…\"", "image = \"trivy:latest\"", "tool.image = \"trivy:latest\""),
        ("path = \".tools/bin/trivy\"", "", "tool.path = \"\""),
        ("max_age_days = 7", "max_age_days = 0", "database.max_age_days = 0"),
        ("label = \"trivy-db\"", "label = \"Not/ok\"", "database.label = \"Not/ok\""),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        let error = Config::parse(&EXAMPLE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    }
}
