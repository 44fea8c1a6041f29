//! Which texts are ids, expressions, or only names; and that the list is the schema's.

use super::*;

#[test]
fn the_list_is_the_schemas() {
    let schema = include_str!("../../schema/spdx.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let mut wanted: Vec<&str> =
        schema["enum"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    wanted.sort_unstable();
    assert_eq!(SPDX.lines().collect::<Vec<_>>(), wanted);
}

#[test]
fn expressions_are_told_from_names() {
    let deep = format!("{}MIT{}", "(".repeat(17), ")".repeat(17));
    for good in [
        "MIT",
        "MIT OR Apache-2.0",
        "(MIT AND (Zlib OR 0BSD))",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "LicenseRef-mine",
        "(MIT)",
    ] {
        assert!(is_expression(good), "{good}");
    }
    for bad in [
        "",
        "MIT OR",
        "OR MIT",
        "MIT Zlib",
        "(MIT",
        "MIT)",
        "custom",
        "MIT WITH",
        "LicenseRef-",
        "()",
        &deep,
    ] {
        assert!(!is_expression(bad), "{bad}");
    }
}

#[test]
fn several_licences_are_never_an_expression() {
    let texts = ["MIT OR Zlib", "MIT", "custom", "", "MIT"].map(str::to_owned);
    let got = serde_json::to_value(declared(&texts)).unwrap();
    let kinds: Vec<_> = got.as_array().unwrap().iter().map(|l| &l["license"]).collect();
    assert_eq!(kinds.len(), 3);
    assert_eq!(kinds[0]["name"], "MIT OR Zlib");
    assert_eq!(kinds[1]["id"], "MIT");
    assert_eq!(kinds[2]["name"], "custom");
    let one = serde_json::to_value(declared(&texts[..1])).unwrap();
    assert_eq!(one[0]["expression"], "MIT OR Zlib");
}
