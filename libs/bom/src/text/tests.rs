//! What counts as a web address, a media type, and how values are written.

use super::*;

#[test]
fn only_plain_web_addresses_are_links() {
    for good in ["https://doi.org/10.24432/C5PC7J", "http://a", "https://a.b:8080/x?y=1#z"] {
        assert_eq!(web_url(good), Some(good));
    }
    let bad = [
        "doi:10.24432/C5PC7J",
        "javascript:alert(1)",
        "https://",
        "https://a b",
        "https://a/<x>",
        "https://a:x/",
        "https://a/%zz",
        "https://ü",
        "https://a#b#c",
        "https://u@a",
        "HTTP://a",
        "",
    ];
    for bad in bad {
        assert_eq!(web_url(bad), None, "{bad}");
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
    assert_eq!(json(&"x".into()), ("x".to_owned(), "string"));
    assert_eq!(percent("a b/ü@1"), "a%20b%2F%C3%BC%401");
    assert_eq!(version(&"é".repeat(2000)).chars().count(), 1024);
}
