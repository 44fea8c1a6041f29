//! Model signatures: what holds in any order, and every change that must be refused.

use ids::{Sha256Digest, Timestamp};
use keys::{FileKey, PublicKey, SigningKey as _, generate_ed25519, generate_p256};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::*;

const NOW: Timestamp = Timestamp::from_unix_ms(1_790_000_000_000);

fn key(seed: u8) -> FileKey {
    FileKey::from_pem(&generate_p256(&[seed; 32]).unwrap()).unwrap()
}

fn resource(name: &str) -> Resource {
    Resource { name: name.to_owned(), sha256: Sha256Digest::of(name.as_bytes()) }
}

fn signed() -> Vec<u8> {
    let statement = statement("m", &[resource("b"), resource("a/x"), resource("a.txt")]).unwrap();
    sign(statement, &key(7), Material::PublicKey).unwrap()
}

/// The signature over a statement that somebody changed before signing.
fn signed_with(change: impl FnOnce(&mut Value)) -> Result<SignedManifest, VerifyError> {
    let bytes = statement("m", &[resource("a/x"), resource("a.txt"), resource("b")]).unwrap();
    let mut value: Value = serde_json::from_slice(&bytes).unwrap();
    change(&mut value);
    let bytes = sign(value.to_string().into_bytes(), &key(7), Material::PublicKey).unwrap();
    Bundle::parse(&bytes).unwrap().verify_key(key(7).public_key())
}

/// A bundle changed in its outer form.
fn outer(change: impl FnOnce(&mut Value)) -> Result<Bundle, BundleError> {
    let mut value: Value = serde_json::from_slice(&signed()).unwrap();
    change(&mut value);
    Bundle::parse(value.to_string().as_bytes())
}

#[test]
fn a_signature_holds_and_lists_the_files_in_code_point_order() {
    let signed = Bundle::parse(&signed()).unwrap().verify_key(key(7).public_key()).unwrap();
    let names: Vec<_> = signed.manifest().resources.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["a.txt", "a/x", "b"]);
    assert_eq!(signed.manifest().model, "m");
    assert_eq!(signed.manifest().serialization, Serialization::Files);
    assert_eq!(signed.signer(), &Signer::Key(key(7).public_key().key_id()));
}

#[test]
fn the_statement_has_the_members_that_the_specification_names() {
    let bytes = statement("m", &[resource("a")]).unwrap();
    let digest = Sha256Digest::of(b"a");
    let root = Sha256Digest::of(digest.as_bytes());
    assert_eq!(
        serde_json::from_slice::<Value>(&bytes).unwrap(),
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "m", "digest": {"sha256": root}}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {
                "serialization": {
                    "method": "files",
                    "hash_type": "sha256",
                    "allow_symlinks": false,
                    "ignore_paths": ["model.sig"],
                },
                "resources": [{"name": "a", "algorithm": "sha256", "digest": digest}],
            },
        })
    );
}

#[test]
fn both_orders_are_taken_and_no_other() {
    let order = |names: [&str; 3]| {
        signed_with(|value| {
            let list = names.map(|name| {
                json!({"name": name, "algorithm": "sha256",
                       "digest": Sha256Digest::of(name.as_bytes())})
            });
            value["predicate"]["resources"] = list.to_vec().into();
            let root: Vec<u8> =
                names.iter().flat_map(|n| *Sha256Digest::of(n.as_bytes()).as_bytes()).collect();
            value["subject"][0]["digest"]["sha256"] = json!(Sha256Digest::of(&root));
        })
    };
    assert!(order(["a.txt", "a/x", "b"]).is_ok(), "code points");
    assert!(order(["a/x", "a.txt", "b"]).is_ok(), "parts of the path, as model_signing");
    let other = order(["b", "a/x", "a.txt"]);
    assert!(matches!(other, Err(VerifyError::Manifest(ManifestError::Order))), "{other:?}");
    let twice = order(["a/x", "a/x", "b"]);
    assert!(matches!(twice, Err(VerifyError::Manifest(ManifestError::Twice(_)))), "{twice:?}");
}

#[test]
fn shards_are_in_the_order_of_their_numbers_or_of_their_names() {
    let kind = Serialization::Shards { size: 5 };
    let shards = ["m:0:5", "m:5:10", "m:10:12"].map(resource);
    let manifest = Manifest { serialization: kind, ..Manifest::of_files("m", shards.to_vec()) };
    let ours = manifest.to_statement().unwrap();
    assert_eq!(Manifest::from_statement(&ours).unwrap().serialization, kind);
    let mut value: Value = serde_json::from_slice(&ours).unwrap();
    value["predicate"]["serialization"]["shard_size"] = json!(5.0);
    let root: Vec<u8> = shards.iter().flat_map(|shard| *shard.sha256.as_bytes()).collect();
    value["subject"][0]["digest"]["sha256"] = json!(Sha256Digest::of(&root));
    value["predicate"]["resources"] = shards
        .map(|shard| {
            let algorithm = "sha256-sharded-5";
            json!({"name": shard.name, "algorithm": algorithm, "digest": shard.sha256})
        })
        .to_vec()
        .into();
    let theirs = Manifest::from_statement(value.to_string().as_bytes()).unwrap();
    assert_eq!(theirs.serialization, kind);
    for bad in [json!(0), json!(2.5), json!(-1), json!("5"), Value::Null] {
        value["predicate"]["serialization"]["shard_size"] = bad;
        assert!(Manifest::from_statement(value.to_string().as_bytes()).is_err());
    }
}

#[test]
fn signed_statements_that_are_no_manifest_are_refused() {
    type Change = fn(&mut Value);
    let changes: &[(&str, Change)] = &[
        ("type", |v| v["_type"] = json!("https://in-toto.io/Statement/v0.1")),
        ("predicate type", |v| v["predicateType"] = json!("https://model_signing/Digests/v0.1")),
        ("no subject", |v| v["subject"] = json!([])),
        ("two subjects", |v| v["subject"] = json!([v["subject"][0], v["subject"][0]])),
        ("no name", |v| v["subject"][0]["name"] = Value::Null),
        ("root", |v| v["subject"][0]["digest"]["sha256"] = json!("00".repeat(32))),
        ("no resources", |v| v["predicate"]["resources"] = json!([])),
        ("hash type", |v| v["predicate"]["serialization"]["hash_type"] = json!("blake2b")),
        ("method", |v| v["predicate"]["serialization"]["method"] = json!("tensors")),
        ("no method", |v| v["predicate"]["serialization"]["method"] = Value::Null),
        ("no shard size", |v| v["predicate"]["serialization"]["method"] = json!("shards")),
        ("algorithm", |v| v["predicate"]["resources"][0]["algorithm"] = json!("md5")),
        ("digest", |v| v["predicate"]["resources"][0]["digest"] = json!("AB".repeat(32))),
        ("upwards", |v| v["predicate"]["resources"][0]["name"] = json!("../x")),
        ("absolute", |v| v["predicate"]["resources"][0]["name"] = json!("/etc/passwd")),
        ("empty", |v| v["predicate"]["resources"][0]["name"] = json!("")),
        ("dot", |v| v["predicate"]["resources"][0]["name"] = json!("./x")),
        ("nul", |v| v["predicate"]["resources"][0]["name"] = json!("a\0b")),
        ("long", |v| v["predicate"]["resources"][0]["name"] = json!("a".repeat(5000))),
    ];
    for (what, change) in changes {
        let refused = signed_with(change);
        assert!(matches!(refused, Err(VerifyError::Manifest(_))), "{what}: {refused:?}");
    }
    assert!(signed_with(|v| v["predicate"]["later"] = json!(1)).is_ok(), "for later versions");
}

#[test]
fn bundles_of_another_shape_are_refused() {
    type Change = fn(&mut Value);
    let changes: &[(&str, Change)] = &[
        ("media type", |v| {
            v["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.3");
        }),
        ("unknown member", |v| v["more"] = json!(1)),
        ("unknown material", |v| v["verificationMaterial"]["more"] = json!(1)),
        ("log entry", |v| v["verificationMaterial"]["tlogEntries"] = json!([{}])),
        ("no material", |v| v["verificationMaterial"] = json!({"tlogEntries": []})),
        ("two materials", |v| {
            v["verificationMaterial"]["certificate"] = json!({"rawBytes": "AAAA"});
        }),
        ("no certificates", |v| {
            v["verificationMaterial"] = json!({"x509CertificateChain": {"certificates": []}});
        }),
        ("many certificates", |v| {
            let chain = vec![json!({"rawBytes": "AAAA"}); keys::MAX_CODE_SIGNING_CHAIN + 1];
            v["verificationMaterial"] = json!({"x509CertificateChain": {"certificates": chain}});
        }),
        ("payload type", |v| v["dsseEnvelope"]["payloadType"] = json!("text/plain")),
        ("no signature", |v| v["dsseEnvelope"]["signatures"] = json!([])),
        ("two signatures", |v| {
            let one = v["dsseEnvelope"]["signatures"][0].clone();
            v["dsseEnvelope"]["signatures"] = json!([one, one]);
        }),
        ("base64", |v| v["dsseEnvelope"]["payload"] = json!("_-_-")),
        ("no envelope", |v| v["dsseEnvelope"] = Value::Null),
    ];
    for (what, change) in changes {
        assert!(outer(change).is_err(), "{what}");
    }
    assert!(Bundle::parse(&vec![b' '; MAX_BUNDLE_BYTES + 1]).is_err());
    assert!(Bundle::parse(b"").is_err());
    let twice = String::from_utf8(signed()).unwrap().replacen('{', "{\"mediaType\":\"x\",", 1);
    assert!(Bundle::parse(twice.as_bytes()).is_err(), "a member twice");
}

#[test]
fn the_key_is_named_by_hint_or_by_itself_or_not_at_all() {
    let ours = key(7);
    let public = ours.public_key();
    let base64 = |bytes: &[u8]| {
        use serde::Serialize as _;
        let mut out = Vec::new();
        struct B<'a>(&'a [u8]);
        impl serde::Serialize for B<'_> {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                envelope::b64::serialize(self.0, s)
            }
        }
        B(bytes).serialize(&mut serde_json::Serializer::new(&mut out)).unwrap();
        serde_json::from_slice::<Value>(&out).unwrap()
    };
    let with = |material: Value, key: &PublicKey| {
        outer(|v| v["verificationMaterial"] = json!({"publicKey": material}))
            .unwrap()
            .verify_key(key)
    };
    let pem = base64(public.to_pem().as_bytes());
    for good in [
        json!({}),
        json!({"hint": ""}),
        json!({"rawBytes": pem, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}),
        json!({"rawBytes": base64(public.spki_der())}),
    ] {
        assert!(with(good.clone(), public).is_ok(), "{good}");
    }
    let other = key(8);
    for bad in [
        json!({"hint": "00"}),
        json!({"rawBytes": base64(other.public_key().to_pem().as_bytes())}),
        json!({"rawBytes": "AAAA"}),
    ] {
        let refused = with(bad.clone(), public);
        assert!(matches!(refused, Err(VerifyError::OtherKey(_))), "{bad}: {refused:?}");
    }
    let refused = with(json!({}), other.public_key());
    assert!(matches!(refused, Err(VerifyError::Signature(_))), "{refused:?}");
}

#[test]
fn a_key_and_a_certificate_do_not_stand_in_for_each_other() {
    let bundle = Bundle::parse(&signed()).unwrap();
    assert!(matches!(bundle.verify_chain(&[], NOW), Err(VerifyError::NotByCertificate)));
    let chain = outer(|v| v["verificationMaterial"] = json!({"certificate": {"rawBytes": "AAAA"}}))
        .unwrap();
    assert!(matches!(chain.verify_key(key(7).public_key()), Err(VerifyError::NotByKey)));
    assert!(matches!(chain.verify_chain(&[vec![1]], NOW), Err(VerifyError::Chain(_))));
}

#[test]
fn other_kinds_of_key_do_not_sign_models() {
    let ed25519 = FileKey::from_pem(&generate_ed25519(&[7; 32]).unwrap()).unwrap();
    let refused = sign(b"{}".to_vec(), &ed25519, Material::PublicKey);
    assert!(matches!(refused, Err(SignError::Algorithm(_))), "{refused:?}");
    let refused = sign(b"{}".to_vec(), &key(7), Material::Certificates(&[]));
    assert!(matches!(refused, Err(SignError::Certificate(_))), "{refused:?}");
}

#[test]
fn ignored_paths_cover_themselves_and_what_is_below() {
    let ignores = |ignored: &str, path: &str| {
        let mut manifest = Manifest::of_files("m", vec![]);
        manifest.ignore_paths = vec![ignored.to_owned()];
        manifest.ignores(path)
    };
    for (ignored, path) in [
        (".git", ".git"),
        (".git", ".git/config"),
        (".git/", ".git/config"),
        ("./a/b", "a/b/c"),
        (".", "weights"),
        ("", "weights"),
    ] {
        assert!(ignores(ignored, path), "{ignored} {path}");
    }
    for (ignored, path) in
        [(".git", ".gitignore"), ("a/b", "a"), ("..", "a"), ("/", "a"), ("/a", "a"), ("a", "b/a")]
    {
        assert!(!ignores(ignored, path), "{ignored} {path}");
    }
}

#[test]
fn every_difference_is_told() {
    let manifest = Manifest::of_files("m", ["gone", "kept", "other"].map(resource).to_vec());
    let other = Resource { sha256: Sha256Digest::of(b"!"), ..resource("other") };
    let found = [resource("new"), other, resource("kept")];
    let expected = Differences {
        missing: vec!["gone".to_owned()],
        changed: vec!["other".to_owned()],
        unknown: vec!["new".to_owned()],
    };
    assert_eq!(compare(&manifest, &found), expected);
    assert!(!expected.is_empty());
    assert!(compare(&manifest, &manifest.resources).is_empty());
}

fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set("[a-c.é\u{1f600}]{1,3}(/[a-c.]{1,3}){0,2}", 1..12).prop_map(
        |names| {
            let clean = |name: &String| !name.split('/').any(|part| part == "." || part == "..");
            names.into_iter().filter(clean).collect()
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_the_files_does_not_matter(names in names().prop_shuffle()) {
        prop_assume!(!names.is_empty());
        let resources: Vec<_> = names.iter().map(|name| resource(name)).collect();
        let mut sorted = resources.clone();
        sorted.sort();
        let bytes = statement("m", &resources).unwrap();
        prop_assert_eq!(&bytes, &statement("m", &sorted).unwrap());
        let manifest = Manifest::from_statement(&bytes).unwrap();
        prop_assert!(compare(&manifest, &resources).is_empty());
        prop_assert_eq!(manifest.resources, sorted);
    }

    #[test]
    fn no_changed_byte_gives_another_answer(position: prop::sample::Index, bit in 0..8_u8) {
        let good = signed();
        let held = Bundle::parse(&good).unwrap().verify_key(key(7).public_key()).unwrap();
        let mut bytes = good;
        let at = position.index(bytes.len());
        bytes[at] ^= 1 << bit;
        // What still parses and holds must say the same.
        let answer =
            Bundle::parse(&bytes).ok().and_then(|b| b.verify_key(key(7).public_key()).ok());
        prop_assert!(answer.is_none_or(|answer| answer == held));
    }

    #[test]
    fn nothing_makes_the_parsers_panic(bytes: Vec<u8>, text: String) {
        let _ = Bundle::parse(&bytes);
        let _ = Bundle::parse(text.as_bytes());
        let _ = Manifest::from_statement(text.as_bytes());
    }
}
