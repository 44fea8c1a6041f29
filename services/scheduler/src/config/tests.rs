//! The example is a configuration; an operator outside its bounds is named by key and value.

use super::*;

const EXAMPLE: &str = include_str!("../../config.example.toml");

#[test]
fn the_example_is_a_configuration_with_and_without_an_operator() {
    let operator = Config::parse(EXAMPLE).unwrap().operator.unwrap();
    assert_eq!(operator.name, "Example Research Institute");
    assert_eq!(operator.email.as_deref(), Some("aibom@example.org"));
    assert_eq!(
        operator.security_policy.as_deref(),
        Some("https://example.org/.well-known/security.txt")
    );
    let mut without: toml::Table = EXAMPLE.parse().unwrap();
    without.remove("operator");
    let without = Config::parse(&without.to_string()).unwrap();
    assert_eq!(without.operator, None);
}

#[test]
fn a_bad_operator_is_refused_by_key_and_value() {
    for (from, to, key) in [
        ("name = \"Example Research Institute\"", "name = \"\"", "operator.name is \"\""),
        ("name = \"Example Research Institute\"", "", "missing field `name`"),
        (
            "url = \"https://example.org\"",
            "url = \"example.org\"",
            "operator.url is \"example.org\"",
        ),
        ("\"aibom@example.org\"", "\"the office\"", "operator.email is \"the office\""),
        ("/.well-known/", "/.well known/", "operator.security_policy is \"https"),
        ("security_policy =", "securityPolicy =", "unknown field `securityPolicy`"),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        let refused = Config::parse(&EXAMPLE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(refused.contains(key), "{key}: {refused}");
        assert!(refused.contains("line "), "{refused}");
    }
}

#[test]
fn rescans_have_defaults_and_bounds() {
    let with = |text: &str| {
        let mut table: toml::Table = EXAMPLE.parse().unwrap();
        table.insert("rescan".to_owned(), toml::Value::Table(text.parse().unwrap()));
        Config::parse(&table.to_string())
    };
    assert_eq!(Config::parse(EXAMPLE).unwrap().rescan, RescanConfig::default());
    assert_eq!(with("every_s = 2").unwrap().rescan.every_s, 2);
    for (text, says) in [
        ("every_s = 0", "rescan.every_s is 0: use 1 to 604800"),
        ("max_images = 100001", "rescan.max_images is 100001"),
        ("keep_days = 0", "rescan.keep_days is 0"),
        ("every = 1", "unknown field `every`"),
    ] {
        let refused = with(text).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
}
