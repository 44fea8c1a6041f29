//! Links and layouts in the classic in-toto format.

use std::sync::LazyLock;

use envelope::link::{sign_metadata, verify_exact, verify_links};
use ids::Sha256Digest;
use keys::SigningKey;
use serde_json::Value;
use testkit::evidence::Fixture;

use crate::fixture::signed;

#[derive(Clone, Copy)]
enum Kind {
    Submit,
    Training,
    Layout,
}

/// Whether the two links, `file` in the place of one of them or of the layout, satisfy the layout.
fn holds(kind: Kind, file: &[u8]) -> bool {
    let wine = signed();
    let (submit, link) = (&wine.bundle.evidence.submission.envelope, &wine.bundle.signatures.link);
    let layout = wine.bundle.signatures.layout.as_slice();
    let (links, layout) = match kind {
        Kind::Submit => ([file, link], layout),
        Kind::Training => ([submit, file], layout),
        Kind::Layout => ([submit.as_slice(), link], file),
    };
    let (owner, _) = wine.root.keys(evidence::KeyUse::Layout).next().expect("a layout key");
    let checks = verify_links(&links, layout, &owner, wine.at);
    assert!(!checks.is_empty() && checks.len() < 64, "checks are bounded");
    checks.iter().all(|check| check.passed)
}

fn key(kind: Kind) -> &'static dyn SigningKey {
    static FIXTURE: LazyLock<Fixture> = LazyLock::new(Fixture::new);
    static PLATFORM: LazyLock<[keys::FileKey; 2]> =
        LazyLock::new(|| [FIXTURE.mesh().platform_key(), FIXTURE.mesh().layout_key()]);
    let [platform, layout] = &*PLATFORM;
    match kind {
        Kind::Submit => &FIXTURE.mesh().scheduler.key,
        Kind::Training => platform,
        Kind::Layout => layout,
    }
}

fn original(kind: Kind) -> &'static [u8] {
    let bundle = &signed().bundle;
    match kind {
        Kind::Submit => &bundle.evidence.submission.envelope,
        Kind::Training => &bundle.signatures.link,
        Kind::Layout => &bundle.signatures.layout,
    }
}

/// A file, as it is and signed again by who signs such files: as it is, it holds only with the
/// content that was signed; signed again, it must get past the rules.
pub fn in_toto(data: &[u8]) -> bool {
    let file: Option<Value> = serde_json::from_slice(data).ok();
    let content = file.as_ref().map_or(&Value::Null, |file| &file["signed"]);
    let kind = match (content["_type"].as_str(), content["name"].as_str()) {
        (Some("layout"), _) => Kind::Layout,
        (_, Some("submit")) => Kind::Submit,
        _ => Kind::Training,
    };
    let made = original(kind);
    let made_file: Value = serde_json::from_slice(made).expect("a file");
    let made_content = &made_file["signed"];
    // Checking signatures takes most of the time, so only one in 8 is checked as it is.
    let chosen = Sha256Digest::of(data).as_bytes().first().is_some_and(|byte| byte % 8 == 0);
    if chosen && holds(kind, data) {
        assert!(content == made_content, "content that nobody signed");
    }
    let public_key = key(kind).public_key();
    let exact = verify_exact(data, made_content, public_key).is_ok();
    assert!(exact == (data == made), "one file is the one");

    let Ok(again) = sign_metadata(content, key(kind)) else { return false };
    assert!(verify_exact(&again, content, public_key).is_ok(), "what is written is what is read");
    let accepted = holds(kind, &again);
    if accepted && matches!(kind, Kind::Layout) {
        let steps = content["steps"].as_array().map_or(0, Vec::len);
        assert!(content["inspect"] == Value::Array(Vec::new()), "no commands");
        assert!(steps == 2, "as many steps as links");
    }
    accepted
}
