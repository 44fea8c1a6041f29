//! The record joins what is alike and escapes what would be read as something else.

use super::{Claims, Source, name, plain_name};

#[test]
fn subjects_that_share_source_and_fields_are_joined() {
    let mut claims = Claims::default();
    claims.add(Source::Scanned, "b", &["/name", "/version"]);
    claims.add(Source::Scanned, "a", &["/version"]);
    claims.add(Source::Scanned, "a", &[String::from("/name"), "/version".to_owned()]);
    claims.add(Source::Derived, "a", &["/type"]);
    let groups = claims.groups();
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0].source, Source::Scanned);
    assert_eq!(groups[0].fields, ["/name", "/version"]);
    assert_eq!(groups[0].subjects, ["a", "b"]);
    assert_eq!(groups[1].subjects, ["a"]);
}

#[test]
fn names_are_escaped() {
    assert_eq!(name("plain:name"), "plain:name");
    assert_eq!(name("a~b/c,d*"), "a~0b~1c~2d~4");
    for text in ["plain", "a~b/c,d*", "~4", "~04", "~~2,*"] {
        assert_eq!(plain_name(&name(text)), text);
    }
}
