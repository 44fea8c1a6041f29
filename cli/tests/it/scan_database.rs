//! `aibom scanner db`, and the real Trivy on what it puts in place.
//!
//! What needs Trivy is skipped, loudly, where there is none; `AIBOM_TEST_TRIVY` names another.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::SystemTime,
};

use ids::Timestamp;
use serde_json::{Value, json};

use crate::registry::Registry;

const HOUR_MS: i64 = 3_600_000;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn trivy() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("AIBOM_TEST_TRIVY") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|directory| directory.join("trivy"));
    let found = std::iter::once(repository().join(".tools/bin/trivy")).chain(on_path);
    let found = found.into_iter().find(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: no Trivy (deploy/setup/trivy.sh)");
    }
    found
}

/// Runs `aibom scanner db`.
fn db(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aibom"))
        .args(["--format", "json", "scanner", "db"])
        .args(arguments)
        .output()
        .unwrap()
}

fn code(output: &Output, expected: i32) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(expected), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The committed advisories, as if they were checked so many hours ago.
fn list(directory: &Path, hours: i64) -> PathBuf {
    let committed = std::fs::read(repository().join("deploy/trivy-db/advisories.json")).unwrap();
    let mut list: Value = serde_json::from_slice(&committed).unwrap();
    let now: Timestamp = SystemTime::now().into();
    list["updated_at"] = json!(now.plus_ms(-hours * HOUR_MS).to_string());
    let path = directory.join(format!("{hours}.json"));
    std::fs::write(&path, list.to_string()).unwrap();
    path
}

/// A database that is so many hours old, as the layer that a registry serves.
fn layer(directory: &Path, hours: i64) -> Vec<u8> {
    let out = directory.join(format!("built-{hours}"));
    code(&db(&["build", text(&list(directory, hours)), "--out", text(&out)]), 0);
    let mut archive = tar::Builder::new(Vec::new());
    for name in ["trivy.db", "metadata.json"] {
        archive.append_path_with_name(out.join("db").join(name), name).unwrap();
    }
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(&archive.into_inner().unwrap()).unwrap();
    writer.finish().unwrap()
}

#[test]
fn a_database_is_built_imported_and_looked_at() {
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("place");
    let dir = ["--dir", text(&place)];
    let status = |more: &[&str]| db(&[&["status"], &dir[..], more].concat());
    let missing = code(&status(&[]), 1);
    assert!(missing["reason"].as_str().unwrap().starts_with("no usable database"), "{missing}");

    let archive = root.path().join("db.tar.gz");
    std::fs::write(&archive, layer(root.path(), 50)).unwrap();
    let imported = code(&db(&["import", text(&archive), dir[0], dir[1]]), 0);
    assert_eq!(imported["unchanged"], false);
    let good = code(&status(&[]), 0);
    assert_eq!(
        (&good["usable"], &good["schema"], &good["ageHours"]),
        (&json!(true), &json!(2), &json!(50))
    );
    assert_eq!(good["sha256"], imported["sha256"]);
    assert_eq!(good["sources"].as_array().unwrap().len(), 3);
    let old = code(&status(&["--max-age-days", "1"]), 1);
    assert!(old["reason"].as_str().unwrap().contains("more than 1 days ago"), "{old}");

    std::fs::write(&archive, layer(root.path(), 60)).unwrap();
    let older = db(&["import", text(&archive), dir[0], dir[1]]);
    code(&older, 1);
    assert!(said(&older).contains("--allow-older"), "{}", said(&older));
    let wrong = "0".repeat(64);
    code(&db(&["import", text(&archive), dir[0], dir[1], "--allow-older", "--sha256", &wrong]), 1);
    code(&db(&["import", text(&archive), dir[0], dir[1], "--allow-older"]), 0);
    assert_eq!(code(&status(&[]), 0)["ageHours"], 60);

    let file = place.join("db/trivy.db");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let damaged = code(&status(&[]), 1);
    assert!(damaged["reason"].as_str().unwrap().contains("truncated"), "{damaged}");
    code(&db(&["import", text(&root.path().join("absent")), dir[0], dir[1]]), 2);
}

#[test]
fn the_real_trivy_downloads_from_a_mirror() {
    let Some(trivy) = trivy() else { return };
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("place");
    let (registry, dir) = (Registry::start(), ["--dir", text(&place), "--trivy", text(&trivy)]);
    let update = || db(&[&["update", "--repository", &registry.repository()], &dir[..]].concat());

    // Nothing is published yet.
    let failed = update();
    code(&failed, 2);
    assert!(said(&failed).contains("remedy: name a mirror"), "{}", said(&failed));
    assert!(!place.join("db").exists());

    registry.publish(&layer(root.path(), 30));
    let first = code(&update(), 0);
    assert_eq!(first["unchanged"], false);
    assert!(registry.requests().iter().any(|r| r.starts_with("GET /v2/trivy-db/blobs/sha256:")));
    assert_eq!(code(&update(), 0)["unchanged"], true);
    assert_eq!(code(&db(&["status", dir[0], dir[1]]), 0)["sha256"], first["sha256"]);

    // An older one, and one that is cut off, change nothing.
    registry.publish(&layer(root.path(), 40));
    let older = update();
    code(&older, 1);
    assert!(said(&older).contains("the one in place"), "{}", said(&older));
    let mut cut = layer(root.path(), 20);
    cut.truncate(cut.len() / 2);
    registry.publish(&cut);
    let refused = update();
    assert!(matches!(refused.status.code(), Some(1 | 2)), "{}", said(&refused));
    assert_eq!(code(&db(&["status", dir[0], dir[1]]), 0)["sha256"], first["sha256"]);
    let mut names: Vec<_> =
        std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, [".lock", "db"]);
}

#[test]
fn the_real_trivy_finds_crates_and_python_packages() {
    let Some(trivy) = trivy() else { return };
    let root = tempfile::tempdir().unwrap();
    let (place, project) = (root.path().join("place"), root.path().join("project"));
    code(&db(&["build", text(&list(root.path(), 1)), "--out", text(&place)]), 0);
    std::fs::create_dir_all(&project).unwrap();
    let package = |(name, version): &(&str, &str)| {
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\n")
    };
    let crates = [("smallvec", "1.6.0"), ("crossbeam-deque", "0.8.1"), ("tokio", "1.13.0")];
    let lock: String = crates.iter().map(package).collect();
    std::fs::write(project.join("Cargo.lock"), format!("version = 3\n{lock}")).unwrap();
    std::fs::write(project.join("requirements.txt"), "requests==2.31.0\n").unwrap();
    let report = Command::new(trivy)
        .args(["fs", "--scanners", "vuln", "--format", "json", "--skip-db-update"])
        .args(["--offline-scan", "--skip-version-check", "--cache-dir", text(&place)])
        .arg(&project)
        .current_dir(root.path())
        .output()
        .unwrap();
    let report = code(&report, 0);
    let results = report["Results"].as_array().unwrap().iter();
    let found = results.flat_map(|result| result["Vulnerabilities"].as_array().unwrap());
    let mut found: Vec<_> = found
        .map(|found| {
            let text = |key: &str| found[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("VulnerabilityID"), text("PkgName"), text("FixedVersion"))
        })
        .collect();
    found.sort_unstable();
    // crossbeam-deque 0.8.1 is the release that mends it.
    let known = [
        "CVE-2021-25900 smallvec 0.6.14, 1.6.1",
        "CVE-2021-45710 tokio 1.8.4, 1.13.1",
        "CVE-2024-35195 requests 2.32.0",
        "CVE-2024-47081 requests 2.32.4",
    ];
    assert_eq!(found, known);
}
