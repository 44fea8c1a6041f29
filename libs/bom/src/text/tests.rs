//! What counts as a purl, a media type, and how values are written.

use super::*;

#[test]
fn only_purls_of_models_and_data_are_taken_from_a_submitter() {
    let good = [
        "pkg:huggingface/distilbert/base@043235d6088ecd3dd5fb5ca3592b6913fd516027",
        "pkg:oci/data@sha256%3Aab?repository_url=registry.example/a&tag=1",
        "pkg:generic/wine",
        "pkg:github/a/b@1#c/d",
        "pkg:mlflow/m@3?repository_url=https%3A%2F%2Fmlflow.example",
        "pkg:doi/10.24432/C5PC7J",
    ];
    for good in good {
        assert!(is_data_purl(good), "{good}");
    }
    let long = format!("pkg:generic/{}", "a".repeat(501));
    assert!(is_data_purl(&long[..MAX_PURL_BYTES]));
    let bad = [
        "pkg:deb/debian/openssl@1",
        "pkg:Generic/a",
        "pkg:generic",
        "pkg:generic/",
        "pkg:generic/a b",
        "pkg:generic/a\n",
        "pkg:generic/a%zz",
        "pkg:generic/a@",
        "pkg:generic/a@1@2",
        "pkg:generic//a",
        "pkg:generic/a?",
        "pkg:generic/a?B=1",
        "pkg:generic/a?b",
        "pkg:generic/ü",
        "https://a",
        &long,
    ];
    for bad in bad {
        assert!(!is_data_purl(bad), "{bad}");
    }
}

#[test]
fn media_types_follow_the_schemas_pattern() {
    assert_eq!(media_type("application/vnd.x+json"), Some("application/vnd.x+json"));
    for bad in ["", "a", "/", "a/", "A/b", "a/b/c", "a/b;c=d"] {
        assert_eq!(media_type(bad), None, "{bad}");
    }
}

#[test]
fn values_are_written_once() {
    assert_eq!(number(1.0), "1");
    assert_eq!(number(0.971_428_57), "0.97142857");
    assert_eq!(json(&serde_json::json!({"b": 1, "a": null})).0, r#"{"a":null,"b":1}"#);
    for (value, kind) in
        [("1", "integer"), ("-3", "integer"), ("0.5", "number"), ("1e30", "number")]
    {
        assert_eq!(json(&serde_json::from_str(value).unwrap()).1, kind, "{value}");
    }
    assert_eq!(json(&"x".into()), ("x".to_owned(), "string"));
    assert_eq!(percent("a b/ü@1"), "a%20b%2F%C3%BC%401");
    assert_eq!(version(&"é".repeat(2000)).chars().count(), 1024);
}
