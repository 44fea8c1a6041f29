//! Exit codes and reports: the good bundle, and every way in which one is refused.

pub(crate) mod made;

use std::{fs, path::PathBuf};

use super::{BUNDLE_FILE, VerifyArguments, decide, examine};
use crate::{fetch::layout, profile::trust_root};
use made::Made;
use testkit::evidence::Fixture;

/// A directory as `fetch` makes it.
fn fetched(made: &Made) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let bytes = made.bundle.to_bytes().unwrap();
    let verdict = ::verify::verify_bundle(&bytes, &made.root);
    let subject = verdict.subject.unwrap();
    let mut files = layout::derived(&subject, &made.root, &bytes).unwrap();
    files.insert(BUNDLE_FILE.to_owned(), bytes);
    let root = Fixture::new().mesh().seal_root(&made.root);
    files.insert(layout::TRUST_ROOT_FILE.to_owned(), root);
    for (_, name, bytes) in testkit::evidence::inputs() {
        files.insert(format!("artifacts/inputs/{name}"), bytes.to_vec());
    }
    for (name, bytes) in testkit::evidence::outputs() {
        files.insert(format!("artifacts/outputs/{name}"), bytes.to_vec());
    }
    for (name, bytes) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    directory
}

fn exit(bundle: PathBuf, trust_root: PathBuf, artifacts: Vec<PathBuf>) -> u8 {
    let arguments = VerifyArguments { bundle, trust_root, artifacts };
    match decide(&arguments) {
        Ok(report) => report.exit().code(),
        Err(failure) => failure.exit().code(),
    }
}

#[test]
fn a_fetched_directory_is_verified_with_every_file_in_it() {
    let directory = fetched(&Made::wine());
    let path = directory.path();
    let root = trust_root(&path.join("trust-root.json")).unwrap();
    let report = examine(path, &root, &[]).unwrap();
    assert_eq!(report.failed, Vec::<String>::new());
    assert!(report.verified);
    for name in ["artifact.artifacts/outputs/model.keras", "directory.aibom.cdx.json"] {
        assert!(report.checks.iter().any(|check| check.name == name), "{name}");
    }
    let model = path.join("artifacts/outputs/model.keras");
    let (bundle, root) = (path.join(BUNDLE_FILE), path.join("trust-root.json"));
    assert_eq!(exit(bundle, root, vec![model]), 0);
}

#[test]
fn every_changed_file_of_a_fetched_directory_is_refused_by_name() {
    let directory = fetched(&Made::wine());
    let path = directory.path();
    let root = trust_root(&path.join("trust-root.json")).unwrap();
    let cases = [
        ("artifacts/inputs/model.keras", "artifact.artifacts/inputs/model.keras"),
        ("artifacts/outputs/model.keras", "artifact.artifacts/outputs/model.keras"),
        ("aibom.cdx.json", "directory.aibom.cdx.json"),
        ("signatures/aibom.sigstore.json", "directory.signatures/aibom.sigstore.json"),
        ("signatures/platform.pub", "directory.signatures/platform.pub"),
        ("evidence/request.dsse.json", "directory.evidence/request.dsse.json"),
        ("evidence/scan.0.dsse.json", "directory.evidence/scan.0.dsse.json"),
    ];
    for (file, check) in cases {
        let good = fs::read(path.join(file)).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        fs::write(path.join(file), bad).unwrap();
        let report = examine(path, &root, &[]).unwrap();
        assert_eq!(report.failed, [check]);
        assert!(!report.verified);
        fs::write(path.join(file), good).unwrap();
    }
    assert!(examine(path, &root, &[]).unwrap().verified);
}

#[test]
fn swapped_added_linked_and_missing_files_are_noticed() {
    let directory = fetched(&Made::wine());
    let path = directory.path();
    let root = trust_root(&path.join("trust-root.json")).unwrap();
    let (input, output) =
        (path.join("artifacts/inputs/model.keras"), path.join("artifacts/outputs/model.keras"));
    let trained = fs::read(&output).unwrap();
    // The untrained model is a file of the job, but not this one.
    fs::copy(&input, &output).unwrap();
    assert!(!examine(path, &root, &[]).unwrap().verified);
    fs::remove_file(&output).unwrap();
    std::os::unix::fs::symlink(&input, &output).unwrap();
    let report = examine(path, &root, &[]).unwrap();
    assert_eq!(report.failed, ["artifact.artifacts/outputs/model.keras"]);
    fs::remove_file(&output).unwrap();
    let report = examine(path, &root, &[]).unwrap();
    assert!(report.verified && report.notes.iter().any(|note| note.contains("not here")));
    fs::write(&output, trained).unwrap();
    fs::write(path.join("artifacts/outputs/extra.bin"), b"?").unwrap();
    let report = examine(path, &root, &[]).unwrap();
    assert_eq!(report.failed, ["artifact.artifacts/outputs/extra.bin"]);
    fs::remove_file(path.join("artifacts/outputs/extra.bin")).unwrap();
    fs::write(path.join("notes.txt"), b"hello").unwrap();
    let report = examine(path, &root, &[]).unwrap();
    assert!(report.verified && report.notes.iter().any(|note| note.contains("notes.txt")));
}

#[test]
fn exit_codes_tell_refused_from_cannot_say() {
    let made = Made::wine();
    let directory = fetched(&made);
    let path = directory.path();
    let (bundle, root) = (path.join(BUNDLE_FILE), path.join("trust-root.json"));
    assert_eq!(exit(bundle.clone(), root.clone(), vec![]), 0);
    assert_eq!(exit(path.join("none.json"), root.clone(), vec![]), 2);
    assert_eq!(exit(bundle.clone(), path.join("none.json"), vec![]), 2);
    assert_eq!(exit(bundle.clone(), bundle.clone(), vec![]), 2, "a bundle is no trust root");
    assert_eq!(exit(bundle.clone(), root.clone(), vec![path.join("none")]), 2);
    assert_eq!(exit(bundle.clone(), root.clone(), vec![root.clone()]), 1, "not the job's file");
    assert_eq!(exit(root.clone(), root.clone(), vec![]), 1, "a trust root is no bundle");
    let mut other = made.root.clone();
    let stranger = keys::FileKey::from_pem(&keys::generate_ed25519(&[1; 32]).unwrap()).unwrap();
    other.signing_keys[0].public_key = keys::SigningKey::public_key(&stranger).to_pem();
    let other_path = path.join("other.json");
    fs::write(&other_path, Fixture::new().mesh().seal_root(&other)).unwrap();
    assert_eq!(exit(bundle.clone(), other_path, vec![]), 1);
    let good = fs::read(&bundle).unwrap();
    for position in (0..good.len()).step_by(good.len() / 40) {
        let mut bad = good.clone();
        bad[position] ^= 1;
        fs::write(&bundle, bad).unwrap();
        assert_eq!(exit(bundle.clone(), root.clone(), vec![]), 1, "byte {position}");
    }
}

#[test]
fn the_report_for_programs_names_the_failed_checks() {
    let directory = fetched(&Made::wine());
    let path = directory.path();
    let root = trust_root(&path.join("trust-root.json")).unwrap();
    let report = examine(path, &root, &[path.join("trust-root.json")]).unwrap();
    let value = serde_json::to_value(&report).unwrap();
    assert_eq!(value["verified"], false);
    assert_eq!(value["failed"], serde_json::json!(["artifact.trust-root.json"]));
    assert!(value["checks"].as_array().unwrap().len() > 20);
    assert!(value["signedAt"].is_string() && value["job"].is_string());
}

#[test]
fn the_policy_and_the_release_lie_in_the_directory_and_are_in_the_report() {
    let directory = fetched(&Made::released());
    let path = directory.path();
    let root = trust_root(&path.join("trust-root.json")).unwrap();
    let report = examine(path, &root, &[]).unwrap();
    assert_eq!(report.failed, Vec::<String>::new());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["policy"]["name"], "standard");
    assert_eq!(json["policy"]["version"], 1);
    assert_eq!(json["ignored"], serde_json::json!([]));
    assert_eq!(json["released"]["approver"], "spiffe://mesh.test/approver/bob");
    assert_eq!(json["released"]["accepted"][0]["id"], "CVE-2026-1669");
    assert!(json["released"]["reason"].as_str().unwrap().contains("not reachable"));
    for name in ["policy", "release"] {
        let file = format!("evidence/{name}.dsse.json");
        let bytes = fs::read(path.join(&file)).unwrap();
        fs::write(path.join(&file), [&bytes[..], b" "].concat()).unwrap();
        let report = examine(path, &root, &[]).unwrap();
        assert_eq!(report.failed, [format!("directory.{file}")]);
        fs::write(path.join(&file), bytes).unwrap();
    }
    let directory = fetched(&Made::wine());
    let root = trust_root(&directory.path().join("trust-root.json")).unwrap();
    let report = examine(directory.path(), &root, &[]).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["ignored"][0]["violation"]["id"], "CVE-2026-1669");
    assert!(json["ignored"][0]["by"]["reason"].as_str().unwrap().contains("external links"));
    assert!(json.get("released").is_none());
}
