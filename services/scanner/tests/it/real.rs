//! The real Trivy, the database of `deploy/trivy-db`, and an image in the real engine.
//!
//! Skipped, loudly, where there is no engine, no Trivy or no such image. `AIBOM_TEST_IMAGE` names
//! another image, `AIBOM_TEST_TRIVY` another binary.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use evidence::{Completeness, Level, ScannedRun};
use ids::{JobId, Sha256Digest, Timestamp};
use job::Image;
use scandb::{Advisories, Installer};
use scanner::{ChildError, Config, Engine, Inventory, Scans, Target, Tool, Unusable};
use store::SledCache;

use crate::bench::Bench;

pub(crate) const SOCKET: &str = "/var/run/docker.sock";
pub(crate) const IMAGES: [&str; 3] =
    ["aibom/base:bookworm", "debian:bookworm-slim", "aibom/trainer-probe:dev"];

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn trivy() -> Option<PathBuf> {
    let named = std::env::var_os("AIBOM_TEST_TRIVY").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|directory| directory.join("trivy"));
    let installed = repository().join(".tools/bin/trivy");
    named.into_iter().chain([installed]).chain(on_path).find(|path| path.is_file())
}

pub(crate) async fn image() -> Option<Image> {
    let version = bollard::API_DEFAULT_VERSION;
    let docker = bollard::Docker::connect_with_unix(SOCKET, 10, version).ok()?;
    let docker = docker.negotiate_version().await.ok()?;
    let named = std::env::var("AIBOM_TEST_IMAGE").ok();
    for name in named.iter().map(String::as_str).chain(IMAGES) {
        if let Ok(found) = docker.inspect_image(name).await {
            return found.id?.parse().ok();
        }
    }
    None
}

pub(crate) fn database(out: &Path) {
    let list = std::fs::read(repository().join("deploy/trivy-db/advisories.json")).unwrap();
    let built = Advisories::parse(&list).unwrap().build().unwrap();
    Installer::lock(out).unwrap().put(&built).unwrap();
}

pub(crate) fn config(directory: &Path, trivy: &Path) -> Config {
    let text = format!(
        r#"
        identity = {{ certificate = "-", key = "-", ca = "-" }}
        [tool]
        path = "{}"
        [database]
        directory = "{1}/database"
        label = "test subset"
        [scan]
        scratch_directory = "{1}/scratch"
        cache_directory = "{1}/cache"
        [[mesh]]
        name = "signer"
        path = "{1}/signer"
        [[mesh]]
        name = "ledger"
        path = "{1}/ledger"
        [[mesh]]
        name = "plain"
        path = "{1}/plain"
        "#,
        trivy.display(),
        directory.display(),
    );
    let mut config = Config::parse(&text).unwrap();
    config.tool.launcher = env!("CARGO_BIN_EXE_aibom-scanner").into();
    config
}

/// The members that Trivy spells in its own way.
fn says_more(inventory: &Inventory) {
    let zlib = inventory.vulnerabilities.iter().find(|v| v.id == "CVE-2023-45853").unwrap();
    assert!(zlib.title.starts_with("zlib: integer overflow"), "{}", zlib.title);
    assert_eq!(zlib.cwes, [190]);
    let nvd = zlib.severity.iter().find(|severity| severity.method == "nvd").unwrap();
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    assert_eq!(nvd.vector.as_deref(), Some(vector));
    let libc = inventory.packages.iter().find(|p| p.name == "libc6").unwrap();
    assert!(libc.supplier.as_deref().unwrap().contains("debian-glibc@"), "{libc:?}");
    assert_eq!(inventory.operating_system.as_ref().unwrap().family, "debian");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_trivy_finds_what_the_database_lists() {
    let (Some(trivy), Some(image)) = (trivy(), image().await) else {
        eprintln!("SKIPPED: no engine with one of {IMAGES:?}, or no Trivy (deploy/setup/trivy.sh)");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    database(&directory.path().join("database"));
    let config = config(directory.path(), &trivy);
    let cache = Arc::new(SledCache::open(&config.scan.cache_directory, 64).unwrap());
    let now: Timestamp = "2026-11-21T00:00:00.000Z".parse().unwrap();
    let engine = Arc::new(Engine::new(SOCKET.into()));
    let scans = Scans::new(&config, engine, cache, Arc::new(move || now)).unwrap();

    let begun = Instant::now();
    let scanned = scans.scan(&image).await.unwrap();
    let first = begun.elapsed();
    let begun = Instant::now();
    let again = scans.scan(&image).await.unwrap();
    assert!(!scanned.cached && again.cached);
    assert_eq!(scanned.record, again.record);

    let inventory = &scanned.record.inventory;
    let findings: usize = inventory.vulnerabilities.iter().map(|v| v.annotations.len()).sum();
    let (packages, ids) = (inventory.packages.len(), inventory.vulnerabilities.len());
    println!(
        "{image}: {packages} packages, {ids} vulnerabilities in {findings} findings; first {first:?}, \
         cached {:?}",
        begun.elapsed()
    );
    let tar = inventory.vulnerabilities.iter().find(|v| v.id == "CVE-2005-2541").unwrap();
    assert!(tar.annotations[0].purl.starts_with("pkg:deb/debian/tar@"));
    assert!(inventory.packages.iter().any(|p| p.name == "libc6" && !p.licences.is_empty()));
    assert!(inventory.packages.iter().any(|p| !p.depends_on.is_empty()));
    says_more(inventory);
    let bad = |level: Level| level >= Level::High;
    assert!(!inventory.secrets.iter().any(|found| bad(found.severity)), "{:?}", inventory.secrets);
    let checks = &inventory.misconfigurations;
    assert!(!checks.iter().any(|found| bad(found.severity)), "{checks:?}");

    let training = Sha256Digest::of(b"training");
    let run = Some(ScannedRun { job: JobId::new(1, [7; 10]), training });
    let statement = scanner::statement(run, &scanned);
    let aibom = &statement.predicate.aibom;
    assert_eq!(aibom.completeness, Completeness::Complete, "{}", aibom.reason);
    assert_eq!(aibom.tool_sha256, Sha256Digest::of(&std::fs::read(&trivy).unwrap()));

    // The same image without a database: the inventory stands, and says what it is.
    std::fs::remove_dir_all(directory.path().join("database")).unwrap();
    let bare = scans.scan(&image).await.unwrap();
    assert_eq!(bare.record.inventory.packages, inventory.packages);
    let statement = scanner::statement(run, &bare);
    assert_eq!(statement.predicate.aibom.completeness, Completeness::Incomplete);
    assert!(statement.predicate.scanner.result.is_empty());
}

/// The root file system of a small Debian machine.
fn root_file_system(root: &Path) {
    for (name, text) in [
        ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
        ("etc/debian_version", "12.15\n"),
        (
            "var/lib/dpkg/status",
            "Package: tar\nStatus: install ok installed\nArchitecture: amd64\n\
             Version: 1.34+dfsg-1.2+deb12u1\nMaintainer: Somebody <s@example.org>\n\
             Description: an archiver\n\n",
        ),
    ] {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// What the real tool, shut in, says of a root file system with the database in `directory`.
async fn root_scanned(directory: &Path, trivy: &Path) -> Result<String, ChildError> {
    let path = |name: &str| directory.join(name);
    std::fs::create_dir_all(path("home")).unwrap();
    root_file_system(&path("root"));
    let tool = Tool::new(&config(directory, trivy));
    let (root, home, database) = (path("root"), path("home"), path("database"));
    let report = tool.scan(Target::RootFs(&root), &home, Some(&database)).await?;
    Ok(String::from_utf8(report).unwrap())
}

#[tokio::test]
async fn the_real_trivy_shut_in_scans_a_root_file_system() {
    let Some(trivy) = trivy() else {
        eprintln!("SKIPPED: no Trivy (deploy/setup/trivy.sh)");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    database(&directory.path().join("database"));
    let report = root_scanned(directory.path(), &trivy).await.unwrap();
    assert!(report.contains("CVE-2005-2541"), "{report}");
}

#[tokio::test]
async fn a_broken_database_is_an_error_and_no_clean_result() {
    let Some(trivy) = trivy() else {
        eprintln!("SKIPPED: no Trivy (deploy/setup/trivy.sh)");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    database(&directory.path().join("database"));
    let file = directory.path().join("database/db/trivy.db");
    let whole = std::fs::read(&file).unwrap();
    for length in [0, 1_000, 8_192, whole.len() / 4] {
        std::fs::write(&file, &whole[..length]).unwrap();
        let error = root_scanned(directory.path(), &trivy).await.unwrap_err();
        let failed = matches!(&error, ChildError::Failed { stderr, .. } if !stderr.is_empty());
        assert!(failed, "{length}: {error}");
    }
    // All of its length, but nothing in it.
    let mut hollow = whole.clone();
    hollow[3 * 4_096..].fill(0);
    std::fs::write(&file, hollow).unwrap();
    let error = root_scanned(directory.path(), &trivy).await.unwrap_err();
    assert!(matches!(error, ChildError::Failed { .. }), "{error}");
}

/// With this file Trivy itself ends with an error, and there would be no scan at all.
#[tokio::test(flavor = "multi_thread")]
async fn the_real_trivy_is_not_given_a_truncated_database() {
    let Some(trivy) = trivy() else {
        eprintln!("SKIPPED: no Trivy (deploy/setup/trivy.sh)");
        return;
    };
    let bench = Bench::new();
    let file = bench.path("directory/db/trivy.db");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let mut config = bench.config("ok");
    config.tool.path = trivy;
    let scanned = bench.scans(&config).scan(&bench.image()).await.unwrap();
    let Err(Unusable::Damaged(damage)) = &scanned.database else { panic!("{scanned:?}") };
    assert!(damage.to_string().starts_with("truncated: "), "{damage}");
    let training = Sha256Digest::of(b"training");
    let run = Some(ScannedRun { job: JobId::new(1, [7; 10]), training });
    let aibom = scanner::statement(run, &scanned).predicate.aibom;
    assert_eq!(aibom.completeness, Completeness::Incomplete);
    assert!(aibom.reason.contains("the database is damaged (truncated: "), "{}", aibom.reason);
}
