//! Policies from their writing to their signature, and what is refused on the way.

use std::path::PathBuf;

use clap::Parser as _;
use ids::Timestamp;
use policy::{Ignore, Policy};
use testkit::evidence::Fixture;

use super::{check::notes, read::parse, text};
use crate::{
    arguments::Arguments,
    failure::{Exit, Failure},
};

/// Runs the command as a shell would.
fn aibom(arguments: &[&str]) -> Result<Exit, Failure> {
    crate::run(Arguments::try_parse_from([&["aibom"], arguments].concat()).unwrap())
}

fn refusal(arguments: &[&str], code: u8) -> String {
    let failure = aibom(arguments).unwrap_err();
    assert_eq!(failure.exit().code(), code, "{failure}");
    failure.to_string()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// The fixture's policy key.
    fn key(&self) -> String {
        let pem = Fixture::new().mesh().policy_key_pem();
        let path = PathBuf::from(self.path("policy.key.pem"));
        if !path.exists() {
            keys::write_secret(&path, &pem).unwrap();
        }
        self.path("policy.key.pem")
    }
}

fn standard() -> Policy {
    Fixture::new().signed_policy().policy().clone()
}

#[test]
fn what_is_written_reads_back() {
    let mut policy = standard();
    policy.max_scan_age_days = Some(3);
    policy.licences.deny = vec!["AGPL-3.0-only".to_owned(), "Odd \"name\"\\".to_owned()];
    policy.vulnerabilities.hold = None;
    for policy in [standard(), policy] {
        let text = text::toml(&policy);
        let mut read = parse(text.as_bytes()).unwrap().policy;
        read.issued_at = policy.issued_at;
        assert_eq!(read, policy);
    }
}

#[test]
fn a_day_means_its_end_with_quotes_or_without() {
    let text = text::toml(&standard());
    let expires = |written: &str| {
        let entry = format!("\n[[ignore]]\nid = \"x\"\nreason = \"y\"\nexpires = {written}\n");
        let policy = parse(format!("{text}{entry}").as_bytes()).map(|read| read.policy);
        policy.map(|policy| policy.ignore.last().unwrap().expires.to_string())
    };
    let end = "2027-01-31T23:59:59.999Z";
    let instant = "2027-01-31T08:00:00.000Z";
    for (written, wanted) in [
        ("2027-01-31", end),
        ("\"2027-01-31\"", end),
        ("2027-01-31T08:00:00Z", instant),
        ("\"2027-01-31T08:00:00Z\"", instant),
        ("\"2027-01-31T08:00:00.000Z\"", instant),
    ] {
        assert_eq!(expires(written).unwrap(), wanted, "{written}");
    }
    for written in ["7", "\"tomorrow\"", "2027-01-31T08:00:00+02:00", "08:00:00"] {
        assert!(expires(written).is_err(), "{written}");
    }
}

#[test]
fn unknown_keys_and_wrong_values_are_refused_with_their_place() {
    let folder = Folder::new();
    let text = text::toml(&standard());
    for (from, to, part) in [
        ("fixedOnly = true", "fixedOnly = true\nfixedonly = true", "fixedonly"),
        ("rating = \"scanner\"", "rating = \"mine\"", "mine"),
        ("hold = \"CRITICAL\"", "hold = \"BAD\"", "BAD"),
        ("version = 1\n", "version = 0\n", "version"),
        ("name = \"standard\"", "name = \"St\"", "name"),
    ] {
        assert!(text.contains(from), "{from}");
        let file = folder.write("policy.toml", text.replacen(from, to, 1));
        let error = refusal(&["policy", "check", &file], 1);
        assert!(error.contains(part) && error.contains("policy.toml"), "{error}");
    }
    assert!(refusal(&["policy", "check", &folder.path("none")], 2).contains("none"));
}

#[test]
fn new_check_sign_and_show_go_together() {
    let folder = Folder::new();
    let (toml, signed) = (folder.path("policy.toml"), folder.path("policy.dsse.json"));
    aibom(&["policy", "new", "--out", &toml]).unwrap();
    assert!(refusal(&["policy", "new", "--out", &toml], 2).contains("exists already"));
    aibom(&["policy", "check", &toml]).unwrap();
    let root = Fixture::new();
    let root = folder.write("root.json", root.mesh().seal_root(&root.trust_root()));
    let key = folder.key();
    let sign = ["policy", "sign", &toml, "--key", &key, "--out", &signed];
    aibom(&sign).unwrap();
    let bytes = std::fs::read(&signed).unwrap();
    assert!(policy::SignedPolicy::open(&bytes, &Fixture::new().trust_root(), |_| Ok(())).is_ok());
    let error = refusal(&sign, 1);
    assert!(error.contains("standard version 1") && error.contains("version 2"), "{error}");

    let next = folder.path("next.toml");
    aibom(&["policy", "new", "--from", &signed, "--out", &next, "--name", "strict"]).unwrap();
    aibom(&["policy", "sign", &next, "--key", &key, "--out", &signed]).unwrap();
    let bytes = std::fs::read(&signed).unwrap();
    let policy = parse(&bytes).unwrap().policy;
    assert_eq!((policy.name.as_str(), policy.version), ("strict", 2));
    for file in [&toml, &signed] {
        aibom(&["policy", "show", file]).unwrap();
        aibom(&["policy", "show", file, "--format", "json"]).unwrap();
    }
    // The fixture's keys hold around its own time only.
    let other = folder.write("other.key.pem", "");
    std::fs::remove_file(&other).unwrap();
    keys::write_secret(other.as_ref(), &keys::generate_ed25519(&[7; 32]).unwrap()).unwrap();
    let strange = ["policy", "sign", &next, "--key", &other, "--out", &toml, "--trust-root", &root];
    let out = folder.path("new.json");
    let strange: Vec<&str> = strange.iter().map(|a| if *a == toml { &out } else { *a }).collect();
    assert!(refusal(&strange, 1).contains("names no policy key"));
    assert!(!PathBuf::from(out).exists());
}

#[test]
fn what_its_author_should_look_at_is_pointed_out() {
    let at: Timestamp = "2026-11-20T10:00:00.000Z".parse().unwrap();
    let day_ms = 86_400_000;
    let entry = |id: &str, days: i64| Ignore {
        id: id.to_owned(),
        subject: None,
        reason: "y".to_owned(),
        expires: at.plus_ms(days * day_ms),
    };
    let mut policy = standard();
    policy.ignore = vec![entry("PAST", -1), entry("SOON", 14), entry("LATER", 15)];
    let told = notes(&policy, at);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("PAST") && told[0].contains("expired"));
    assert!(told[1].contains("SOON") && told[1].contains("14 days"));

    policy.ignore.clear();
    policy.complete.clear();
    let told = notes(&policy, at);
    for rule in ["[vulnerabilities]", "[secrets]", "[files]"] {
        assert!(told.iter().any(|note| note.starts_with(rule)), "{told:?}");
    }
}

#[test]
fn a_finished_job_is_asked_about() {
    let folder = Folder::new();
    let fixture = Fixture::new();
    let bundle = testkit::bundle::bundle(&fixture);
    let bundle_file = folder.write("bundle.aibom.json", bundle.to_bytes().unwrap());
    let root = folder.write("root.json", fixture.mesh().seal_root(&fixture.trust_root()));
    let attempt = |policy: &str| {
        ["policy", "try", policy, "--bundle", &bundle_file, "--trust-root", &root].map(String::from)
    };
    let run = |policy: &str| {
        let arguments = attempt(policy);
        aibom(&arguments.each_ref().map(String::as_str)).map(Exit::code)
    };
    let same = folder.write("same.toml", text::toml(&standard()));
    assert_eq!(run(&same).unwrap(), 0);
    let mut strict = standard();
    strict.ignore.clear();
    let strict = folder.write("strict.toml", text::toml(&strict));
    assert_eq!(run(&strict).unwrap(), 1);
    aibom(&["policy", "show", &bundle_file]).unwrap();

    let mut spoilt = bundle;
    spoilt.inclusion.salt[0] ^= 1;
    folder.write("bundle.aibom.json", spoilt.to_bytes().unwrap());
    assert_eq!(run(&same).unwrap_err().exit().code(), 2);
}
