//! A real bundle with one thing changed at a time: `aibom verify` refuses each, and names the
//! check that failed. libs/verify has the longer table; here it is the command that is asked.

use std::path::Path;

use anyhow::{Context as _, ensure};
use bundle::Bundle;
use e2e::{Mesh, forge, run::Output};
use ids::canonical;
use serde_json::{Value, json};

type Spoil = fn(&mut Bundle, &Bundle);
type Inject = fn(&mut Value);

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
}

/// Changes the ledger's proof; one that is none stays as it is, which the tests notice.
fn proof(bundle: &mut Bundle, change: impl FnOnce(&mut merkle::TlogProof)) {
    let Ok(mut proof) = bundle.inclusion.tlog_proof() else { return };
    change(&mut proof);
    bundle.inclusion.proof = proof.to_string();
}

/// Changes a JSON document; one that is none stays as it is, which the tests notice.
fn edit(bytes: &mut Vec<u8>, change: impl FnOnce(&mut Value)) {
    let Ok(mut value) = serde_json::from_slice(bytes) else { return };
    change(&mut value);
    if let Ok(changed) = canonical::to_vec(&value) {
        *bytes = changed;
    }
}

fn verdict(bytes: &[u8]) -> anyhow::Result<Output> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bundle.aibom.json");
    std::fs::write(&path, bytes)?;
    Mesh::shared()?.verify(&path)
}

/// Refused, with exit code 1, and `check` among the failed ones.
fn refuses(what: &str, output: Output, check: &str) -> anyhow::Result<()> {
    let output = output.expect(1).with_context(|| what.to_owned())?;
    let verdict = output.json().with_context(|| what.to_owned())?;
    ensure!(verdict["verified"] == false, "{what}: {verdict}");
    let failed = verdict["failed"].as_array().context("failed")?;
    ensure!(failed.iter().any(|name| name == check), "{what}: {check} is not among {failed:?}");
    Ok(())
}

fn two() -> anyhow::Result<(Bundle, Bundle)> {
    let mesh = Mesh::shared()?;
    let bundle = |name: &str| forge::bundle(&mesh.completed_probe(name)?);
    Ok((bundle("bundle-a")?, bundle("bundle-b")?))
}

fn each_is_refused(cases: &[(&str, Spoil, &str)]) -> anyhow::Result<()> {
    let (good, other) = two()?;
    verdict(&good.to_bytes()?)?.expect(0)?;
    for (what, spoil, check) in cases {
        let mut bad = good.clone();
        spoil(&mut bad, &other);
        ensure!(bad != good, "{what}: nothing was changed");
        refuses(what, verdict(&bad.to_bytes()?)?, check)?;
    }
    Ok(())
}

#[test]
fn one_changed_byte_in_any_part_is_refused_by_name() -> anyhow::Result<()> {
    each_is_refused(&[
        ("aibom", |b, _| flip(&mut b.aibom), "aibom.rederive"),
        ("attestation", |b, _| flip(&mut b.attestation), "ledger.entry"),
        ("request", |b, _| flip(&mut b.evidence.request.envelope), "request.signature"),
        ("grant", |b, _| flip(&mut b.evidence.grant.envelope), "grant.signature"),
        ("training", |b, _| flip(&mut b.evidence.training.envelope), "training.signature"),
        ("scan", |b, _| flip(&mut b.evidence.scans[0].envelope), "scan.0.signature"),
        ("user", |b, _| flip(&mut b.evidence.request.certificates[0]), "request.certificate"),
        ("scheduler", |b, _| flip(&mut b.evidence.grant.certificates[0]), "grant.certificate"),
        ("executor", |b, _| flip(&mut b.evidence.training.certificates[0]), "training.certificate"),
        ("scanner", |b, _| flip(&mut b.evidence.scans[0].certificates[0]), "scan.0.certificate"),
        ("salt", |b, _| flip(&mut b.inclusion.salt), "ledger.entry"),
        ("entry", |b, _| flip(&mut b.inclusion.entry), "ledger.inclusion"),
        ("index", |b, _| proof(b, |p| p.index ^= 1), "ledger.inclusion"),
        (
            "checkpoint",
            |b, _| proof(b, |p| p.checkpoint = p.checkpoint.replacen('\n', "x\n", 1)),
            "ledger.checkpoint",
        ),
        (
            "attestation's time",
            |b, _| {
                edit(&mut b.attestation, |envelope| {
                    envelope["payloadType"] = json!("application/json");
                });
            },
            "attestation.signature",
        ),
    ])
}

#[test]
fn parts_of_two_valid_bundles_do_not_mix() -> anyhow::Result<()> {
    each_is_refused(&[
        ("aibom", |b, o| b.aibom.clone_from(&o.aibom), "aibom.rederive"),
        ("attestation", |b, o| b.attestation.clone_from(&o.attestation), "ledger.entry"),
        ("evidence", |b, o| b.evidence = o.evidence.clone(), "aibom.rederive"),
        ("request", |b, o| b.evidence.request = o.evidence.request.clone(), "grant.request"),
        ("grant", |b, o| b.evidence.grant = o.evidence.grant.clone(), "grant.request"),
        ("training", |b, o| b.evidence.training = o.evidence.training.clone(), "training.request"),
        ("scans", |b, o| b.evidence.scans.clone_from(&o.evidence.scans), "scan.0.training"),
        ("inclusion", |b, o| b.inclusion = o.inclusion.clone(), "ledger.entry"),
        (
            "aibom and attestation",
            |b, o| {
                b.aibom.clone_from(&o.aibom);
                b.attestation.clone_from(&o.attestation);
                b.inclusion = o.inclusion.clone();
            },
            "attestation.statement",
        ),
        ("no scan", |b, _| b.evidence.scans.clear(), "scan.count"),
        (
            "a scan of another job beside the own",
            |b, o| b.evidence.scans.extend(o.evidence.scans.clone()),
            "scan.4.training",
        ),
    ])
}

#[test]
fn what_was_injected_into_the_aibom_is_refused_with_its_place() -> anyhow::Result<()> {
    let cases: [(&str, Inject); 6] = [
        ("/annotations", |b| b["annotations"] = json!([])),
        ("/declarations", |b| b["declarations"] = json!({})),
        ("/surprise", |b| b["surprise"] = json!(true)),
        ("/components", |b| drop(b["components"].as_array_mut().map(|list| list.pop()))),
        ("/metadata", |b| b["metadata"]["timestamp"] = json!("2020-01-01T00:00:00.000Z")),
        ("/vulnerabilities", |b| b["vulnerabilities"] = json!([])),
    ];
    let (good, _) = two()?;
    for (place, change) in cases {
        let mut bad = good.clone();
        edit(&mut bad.aibom, change);
        ensure!(bad != good, "{place}: nothing was changed");
        let output = verdict(&bad.to_bytes()?)?;
        let shown = output.stdout.clone();
        refuses(place, output, "aibom.rederive")?;
        ensure!(shown.contains(place), "{place} is not named: {shown}");
    }
    Ok(())
}

#[test]
fn bytes_that_some_parsers_would_forgive_are_refused() -> anyhow::Result<()> {
    let (good, _) = two()?;
    let bytes = good.to_bytes()?;
    let rest = bytes.get(1..).context("a bundle is not empty")?;
    let forms: [(&str, Vec<u8>); 5] = [
        ("a duplicate key", [br#"{"schema":"aibom.bundle.v1","#, rest].concat()),
        ("an unknown member", [br#"{"aaa":1,"#, rest].concat()),
        ("white space", [b"{ ", rest].concat()),
        ("more after the end", [&bytes, b"{}".as_slice()].concat()),
        ("the last byte missing", bytes.get(..bytes.len() - 1).unwrap_or_default().to_vec()),
    ];
    for (what, form) in forms {
        refuses(what, verdict(&form)?, "bundle.format")?;
    }
    // The same inside of the AIBoM, whose bytes are kept as they are.
    let mut bad = good;
    let rest = bad.aibom.get(1..).context("an AIBoM is not empty")?;
    bad.aibom = [br#"{"bomFormat":"CycloneDX","#, rest].concat();
    refuses("a duplicate key in the AIBoM", verdict(&bad.to_bytes()?)?, "aibom.rederive")
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            std::fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

#[test]
fn one_changed_byte_in_any_fetched_file_is_refused_with_the_files_name() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let good = mesh.completed_probe("bundle-a")?;
    let cases = [
        ("artifacts/inputs/model.keras", "artifact"),
        ("artifacts/inputs/data.csv", "artifact"),
        ("artifacts/inputs/definition.yaml", "artifact"),
        ("artifacts/outputs/model.keras", "artifact"),
        ("artifacts/outputs/metrics.json", "artifact"),
        ("artifacts/outputs/training.log", "artifact"),
        ("aibom.cdx.json", "directory"),
        ("signatures/aibom.sigstore.json", "directory"),
        ("signatures/platform.pub", "directory"),
        ("evidence/request.dsse.json", "directory"),
        ("evidence/grant.dsse.json", "directory"),
        ("evidence/training.dsse.json", "directory"),
        ("evidence/scan.0.dsse.json", "directory"),
    ];
    let folder = tempfile::tempdir()?;
    let bad = folder.path().join("bad");
    copy(&good, &bad)?;
    mesh.verify(&bad)?.expect(0)?;
    for (name, kind) in cases {
        let path = bad.join(name);
        let bytes = std::fs::read(&path)?;
        let mut changed = bytes.clone();
        flip(&mut changed);
        std::fs::write(&path, changed)?;
        refuses(name, mesh.verify(&bad)?, &format!("{kind}.{name}"))?;
        std::fs::write(&path, bytes)?;
    }
    mesh.verify(&bad)?.expect(0)?;
    // An input in an output's place, and a file that the job never had.
    std::fs::copy(bad.join("artifacts/inputs/data.csv"), bad.join("artifacts/outputs/split.json"))?;
    refuses("a swap", mesh.verify(&bad)?, "artifact.artifacts/outputs/split.json")?;
    std::fs::copy(
        good.join("artifacts/outputs/split.json"),
        bad.join("artifacts/outputs/split.json"),
    )?;
    std::fs::write(bad.join("artifacts/outputs/extra.bin"), b"x")?;
    refuses("an extra file", mesh.verify(&bad)?, "artifact.artifacts/outputs/extra.bin")
}

#[test]
fn a_trust_root_of_another_mesh_verifies_nothing() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let folder = tempfile::tempdir()?;
    let certs = folder.path().join("other");
    mesh.run(&["certs", "init", "--dir", &certs.to_string_lossy()])?.expect(0)?;
    let bundle = mesh.completed_probe("bundle-a")?;
    let root = certs.join("trust-root.json");
    let (bundle, root) = (bundle.to_string_lossy(), root.to_string_lossy());
    let output = mesh.run(&["--format", "json", "verify", &bundle, "--trust-root", &root])?;
    refuses("another root", output, "attestation.key")
}

#[test]
fn what_cannot_be_judged_is_not_called_refused() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    mesh.verify(Path::new("no-such-bundle.json"))?.expect(2)?;
    let bundle = mesh.completed_probe("bundle-a")?;
    let bundle = bundle.to_string_lossy();
    mesh.run(&["verify", &bundle, "--trust-root", "no-such-root.json"])?.expect(2)?;
    mesh.run(&["verify", &bundle])?.expect(2)?;
    Ok(())
}
