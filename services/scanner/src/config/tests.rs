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
        ("# max_record_age_h = 24", "max_record_age_h = 0", "scan.max_record_age_h = 0"),
        ("max_concurrent = 2", "max_concurrent = 65", "scan.max_concurrent = 65"),
        ("# timeout_ms = 240000", "timeout_ms = 0 #", "tool.timeout_ms = 0"),
        ("# max_memory_bytes = 2147483648", "max_memory_bytes = 1", "tool.max_memory_bytes = 1"),
        ("# sandbox = \"process\"", "sandbox = \"container\"", "tool.image = \"\""),
        ("# image = \"sha256:…\"", "image = \"trivy:latest\"", "tool.image = \"trivy:latest\""),
        ("path = \".tools/bin/trivy\"", "", "tool.path = \"\""),
        ("max_age_days = 7", "max_age_days = 0", "database.max_age_days = 0"),
        ("max_age_days = 7", "update = { every_h = 0 }", "database.update.every_h = 0"),
        ("max_age_days = 7", "update = { every_h = 169 }", "database.update.every_h = 169"),
        ("label = \"trivy-db\"", "label = \"Not/ok\"", "database.label = \"Not/ok\""),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        let error = Config::parse(&EXAMPLE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    }
}

#[test]
fn updates_are_off_unless_they_are_asked_for() {
    assert_eq!(Config::parse(EXAMPLE).unwrap().database.update, None);
    let commented = "# update = { repository = \"registry.example.org/trivy-db:2\", every_h = 6 }";
    assert!(EXAMPLE.contains(commented));
    let text = EXAMPLE.replacen(commented, &commented[2..], 1);
    let update = Config::parse(&text).unwrap().database.update.unwrap();
    assert_eq!(update.repository.unwrap().to_string(), "registry.example.org/trivy-db:2");
    assert_eq!(update.every_h, 6);
    let text = EXAMPLE.replacen(commented, "update = { repository = \"--insecure\" }", 1);
    assert!(Config::parse(&text).unwrap_err().to_string().contains("names no repository"));
}

#[test]
fn updates_need_a_trivy_of_this_machine_also_when_scans_run_in_a_container() {
    let image = format!("sandbox = \"container\"\nimage = \"sha256:{}\"", "0a".repeat(32));
    let contained = EXAMPLE.replacen("path = \".tools/bin/trivy\"", &image, 1);
    assert!(Config::parse(&contained).is_ok());
    let updated = contained.replacen("max_age_days = 7", "update = { every_h = 6 }", 1);
    let error = Config::parse(&updated).unwrap_err().to_string();
    assert!(error.starts_with("tool.path = \"\"") && error.contains("database.update"), "{error}");
    let with_path = updated.replacen("[tool]", "[tool]\npath = \"/usr/bin/trivy\"", 1);
    assert!(Config::parse(&with_path).is_ok());
}
