//! Layouts and links: files of the reference implementation, and every way to break them.

use ids::Timestamp;
use keys::{FileKey, PublicKey, SigningKey as _, generate_ed25519, generate_p256};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{glob, *};

mod chain;

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_200_000);

macro_rules! reference {
    ($name:literal) => {
        Files {
            link: include_bytes!(concat!("../../tests/data/in-toto/", $name, "/run_training.link"))
                .to_vec(),
            layout: include_bytes!(concat!("../../tests/data/in-toto/", $name, "/root.layout"))
                .to_vec(),
            owner: PublicKey::from_pem(include_str!(concat!(
                "../../tests/data/in-toto/",
                $name,
                "/owner.pub"
            )))
            .unwrap(),
        }
    };
}

struct Files {
    link: Vec<u8>,
    layout: Vec<u8>,
    owner: PublicKey,
}

impl Files {
    fn failures(&self) -> Vec<String> {
        failures(&verify_links(&[&self.link], &self.layout, &self.owner, NOW))
    }
}

fn failures(checks: &[LinkCheck]) -> Vec<String> {
    checks.iter().filter(|check| !check.passed).map(|check| check.name.clone()).collect()
}

#[test]
fn files_of_the_reference_implementation_hold() {
    for files in [reference!("ed25519"), reference!("ecdsa")] {
        let checks = verify_links(&[&files.link], &files.layout, &files.owner, NOW);
        assert_eq!(failures(&checks), Vec::<&str>::new(), "{checks:#?}");
        assert_eq!(checks.len(), 12);
    }
}

#[test]
fn files_of_two_signers_do_not_mix() {
    let (one, two) = (reference!("ed25519"), reference!("ecdsa"));
    let mixed = Files { link: two.link, ..one };
    assert_eq!(mixed.failures(), ["link.signature"]);
    let mixed = Files { owner: two.owner, ..mixed };
    assert_eq!(mixed.failures(), ["layout.signature", "link.signature"]);
}

#[test]
fn every_changed_digit_of_reference_files_is_refused() {
    let files = reference!("ed25519");
    let mut changed = 0;
    for position in 0..files.link.len() {
        let mut link = files.link.clone();
        // Hex digits occur in digests, key ids and signatures, and in many words.
        link[position] = match link[position] {
            b'b' => b'c',
            b'0'..=b'8' => link[position] + 1,
            _ => continue,
        };
        changed += 1;
        let broken = Files { link, layout: files.layout.clone(), owner: files.owner.clone() };
        assert!(!broken.failures().is_empty(), "byte {position}");
    }
    assert!(changed > 200, "{changed}");
}

/// An owner, a functionary, and a layout with a link that satisfies it, to be spoiled.
struct Made {
    owner: FileKey,
    functionary: FileKey,
    layout: Value,
    link: Value,
}

fn strings(words: &[&[&str]]) -> Value {
    json!(words)
}

impl Made {
    fn new() -> Self {
        let owner = FileKey::from_pem(&generate_p256(&[1; 32]).unwrap()).unwrap();
        let functionary = FileKey::from_pem(&generate_ed25519(&[2; 32]).unwrap()).unwrap();
        let (keyid, key) = functionary_key(functionary.public_key());
        let layout = json!({
            "_type": "layout", "expires": "2027-01-01T00:00:00Z", "readme": "", "inspect": [],
            "keys": { &keyid: key },
            "steps": [{
                "_type": "step", "name": "train", "pubkeys": [keyid], "threshold": 1,
                "expected_command": ["run"],
                "expected_materials": [["ALLOW", "in"], ["DISALLOW", "*"]],
                "expected_products": [["CREATE", "out"], ["ALLOW", "in"], ["DISALLOW", "*"]],
            }],
        });
        let link = json!({
            "_type": "link", "name": "train", "command": ["run"], "byproducts": {},
            "environment": {}, "materials": { "in": { "sha256": "aa" } },
            "products": { "in": { "sha256": "aa" }, "out": { "sha256": "bb" } },
        });
        Self { owner, functionary, layout, link }
    }

    fn rules(mut self, which: &str, rules: &[&[&str]]) -> Self {
        self.layout["steps"][0][which] = strings(rules);
        self
    }

    fn checks(&self) -> Vec<LinkCheck> {
        let layout = sign_metadata(&self.layout, &self.owner).unwrap();
        let link = sign_metadata(&self.link, &self.functionary).unwrap();
        verify_links(&[&link], &layout, self.owner.public_key(), NOW)
    }

    fn failures(&self) -> Vec<String> {
        failures(&self.checks())
    }
}

type Spoil = fn(&mut Made);

#[test]
fn what_is_made_here_holds() {
    assert_eq!(Made::new().failures(), Vec::<&str>::new());
}

#[test]
fn each_broken_rule_is_named() {
    let cases: [(&str, Spoil, &[&str]); 16] = [
        ("expired", |m| m.layout["expires"] = json!("2026-01-01T00:00:00Z"), &["layout.expiry"]),
        ("bad time", |m| m.layout["expires"] = json!("tomorrow"), &["layout.expiry"]),
        (
            "inspection",
            |m| m.layout["inspect"] = json!([{ "run": ["rm", "-rf", "/"] }]),
            &["layout.inspections"],
        ),
        ("no steps", |m| m.layout["steps"] = json!([]), &["layout.steps", "link.step"]),
        (
            "two steps of one name",
            |m| {
                let step = m.layout["steps"][0].clone();
                m.layout["steps"] = json!([step, step]);
            },
            &["layout.steps", "link.step"],
        ),
        ("other step", |m| m.link["name"] = json!("other"), &["link.step"]),
        ("command", |m| m.link["command"] = json!(["run", "--evil"]), &["link.command"]),
        ("new material", |m| m.link["materials"]["x"] = json!({}), &["link.materials"]),
        ("new product", |m| m.link["products"]["x"] = json!({}), &["link.products"]),
        ("threshold", |m| m.layout["steps"][0]["threshold"] = json!(2), &["link.signature"]),
        (
            "not a functionary",
            |m| m.layout["steps"][0]["pubkeys"] = json!(["00"]),
            &["link.signature"],
        ),
        ("no keys", |m| m.layout["keys"] = json!({}), &["link.signature"]),
        (
            "other key under the id",
            |m| {
                let (_, key) = functionary_key(m.owner.public_key());
                let (keyid, _) = functionary_key(m.functionary.public_key());
                m.layout["keys"][keyid] = key;
            },
            &["link.signature"],
        ),
        ("wrong type", |m| m.link["_type"] = json!("layout"), &["link.format"]),
        ("unknown member", |m| m.layout["extra"] = json!(1), &["layout.format"]),
        (
            "missing member",
            |m| drop(m.link.as_object_mut().unwrap().remove("name")),
            &["link.format"],
        ),
    ];
    for (what, spoil, expected) in cases {
        let mut made = Made::new();
        spoil(&mut made);
        assert_eq!(made.failures(), expected, "{what}: {:#?}", made.checks());
    }
}

#[test]
fn rules_without_a_closing_disallow_are_a_failure() {
    for open in [&[&["ALLOW", "*"][..]][..], &[], &[&["DISALLOW", "*"], &["ALLOW", "*"]]] {
        let made = Made::new().rules("expected_materials", open);
        assert!(made.failures().contains(&"layout.closed".to_owned()), "{open:?}");
    }
}

#[test]
fn artifact_rules_do_what_the_specification_says() {
    let close: &[&str] = &["DISALLOW", "*"];
    let products: [(&[&[&str]], bool); 17] = [
        (&[&["ALLOW", "*"]], true),
        (&[&["allow", "*"]], true),
        (&[&["CREATE", "*"]], false), // `in` was not created
        (&[&["CREATE", "*"], &["ALLOW", "in"]], true),
        (&[&["MODIFY", "*"], &["CREATE", "*"]], false), // `in` was not modified
        (&[&["DELETE", "*"], &["ALLOW", "*"]], true),
        (&[&["DISALLOW", "out"], &["ALLOW", "*"]], false),
        (&[&["REQUIRE", "out"], &["ALLOW", "*"]], true),
        (&[&["REQUIRE", "o*"], &["ALLOW", "*"]], false), // a name, not a pattern
        (&[&["ALLOW", "*"], &["REQUIRE", "out"]], false), // it left the queue
        (&[&["MATCH", "in", "WITH", "MATERIALS", "FROM", "train"], &["CREATE", "*"]], true),
        (&[&["MATCH", "*", "WITH", "PRODUCTS", "FROM", "train"]], true),
        (&[&["MATCH", "*", "WITH", "PRODUCTS", "FROM", "other"]], false),
        (&[&["MATCH", "*", "IN", "sub", "WITH", "PRODUCTS", "FROM", "train"]], false),
        (&[&["MATCH", "*", "WITH", "NOTHING", "FROM", "train"]], false),
        (&[&["PERMIT", "*"]], false),
        (&[&["ALLOW", "i?", "x"]], false),
    ];
    for (rules, holds) in products {
        let rules: Vec<&[&str]> = rules.iter().copied().chain([close]).collect();
        let made = Made::new().rules("expected_products", &rules);
        assert_eq!(!made.failures().contains(&"link.products".to_owned()), holds, "{rules:?}");
    }
}

#[test]
fn a_duplicate_member_does_not_parse() {
    let made = Made::new();
    let link = sign_metadata(&made.link, &made.functionary).unwrap();
    let layout = sign_metadata(&made.layout, &made.owner).unwrap();
    let text = String::from_utf8(link).unwrap();
    let doubled = text.replacen("\"in\":{", "\"in\":{\"sha256\":\"evil\"},\"in\":{", 1);
    assert_ne!(doubled, text);
    let checks = verify_links(&[doubled.as_bytes()], &layout, made.owner.public_key(), NOW);
    assert_eq!(failures(&checks), ["link.format"]);
}

#[test]
fn a_pattern_that_takes_too_long_is_refused() {
    let pattern = format!("*{}b", "a".repeat(20_000));
    let mut made = Made::new().rules("expected_materials", &[&["ALLOW", &pattern]]);
    let name = "a".repeat(40_000);
    made.link["materials"][name] = json!({});
    let checks = made.checks();
    let failed = checks.iter().find(|c| c.name == "link.materials" && !c.passed).unwrap();
    assert!(failed.detail.contains("too much work"), "{failed:?}");
}

#[test]
fn globs_match_as_pythons_fnmatch() {
    let cases = [
        ("*", "", true),
        ("*", "a/b", true),
        ("a*c", "abbc", true),
        ("a*c", "abbd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("[a-c]x", "bx", true),
        ("[!a-c]x", "bx", false),
        ("[!a-c]x", "dx", true),
        ("[]]", "]", true),
        ("[a", "[a", true),
        ("[a-]", "-", true),
        ("*.ke*s", "model.keras", true),
        ("*a*b*", "xxaxxbxx", true),
        ("A", "a", false),
    ];
    for (pattern, text, expected) in cases {
        let matched = glob::Pattern::new(pattern).matches(text, &mut glob::Budget::new());
        assert_eq!(matched, Ok(expected), "{pattern} {text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_checked_without_panic(
        link in proptest::collection::vec(any::<u8>(), 0..200),
        pattern in "[\\[\\]!*?a-c-]{0,12}",
        text in "[a-c-]{0,12}",
    ) {
        let made = Made::new();
        let layout = sign_metadata(&made.layout, &made.owner).unwrap();
        let _ = verify_links(&[&link], &layout, made.owner.public_key(), NOW);
        let _ = glob::Pattern::new(&pattern).matches(&text, &mut glob::Budget::new());
    }
}
