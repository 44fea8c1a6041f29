//! The real Trivy, the database of `deploy/trivy-db`, and an image in the real engine.
//!
//! Skipped, loudly, where there is no engine, no Trivy or no such image. `AIBOM_TEST_IMAGE` names
//! another image, `AIBOM_TEST_TRIVY` another binary.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use evidence::{Completeness, Level, ScanTarget, ScannedRun};
use ids::{JobId, Sha256Digest, Timestamp};
use job::Image;
use scanner::{Config, Engine, EngineError, Export, Files, Images, Inventory, Scans, WantedFile};
use store::SledCache;

use crate::auditable::{packages, program};

const SOCKET: &str = "/var/run/docker.sock";
const IMAGES: [&str; 3] =
    ["aibom/base:bookworm", "debian:bookworm-slim", "aibom/trainer-probe:dev"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn trivy() -> Option<PathBuf> {
    let named = std::env::var_os("AIBOM_TEST_TRIVY").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|directory| directory.join("trivy"));
    let installed = repository().join(".tools/bin/trivy");
    named.into_iter().chain([installed]).chain(on_path).find(|path| path.is_file())
}

async fn image() -> Option<Image> {
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

fn database(out: &Path) {
    let made = Command::new(env!("CARGO_BIN_EXE_aibom-trivy-db"))
        .arg("--advisories")
        .arg(repository().join("deploy/trivy-db/advisories.json"))
        .arg("--out")
        .arg(out)
        .status();
    assert!(made.unwrap().success());
}

fn config(directory: &Path, trivy: &Path) -> Config {
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
    Config::parse(&text).unwrap()
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

/// An engine without images.
#[derive(Debug)]
struct NoEngine;

#[async_trait::async_trait]
impl Images for NoEngine {
    async fn resolve(&self, image: &Image) -> Result<Sha256Digest, EngineError> {
        Err(EngineError::NotFound(image.to_string()))
    }

    fn export(&self, id: Sha256Digest) -> Export {
        use futures::StreamExt as _;
        futures::stream::iter([Err(EngineError::NotFound(id.to_hex()))]).boxed()
    }
}

fn without_engine(directory: &Path, trivy: &Path) -> Arc<Scans> {
    database(&directory.join("database"));
    let now: Timestamp = "2026-11-21T00:00:00.000Z".parse().unwrap();
    let cache = Arc::new(store::MemoryCache::new(64));
    let config = config(directory, trivy);
    Scans::new(&config, Arc::new(NoEngine), cache, Arc::new(move || now)).unwrap()
}

#[tokio::test]
async fn the_real_trivy_reads_what_programs_were_built_from() {
    let Some(trivy) = trivy() else {
        eprintln!("SKIPPED: no Trivy (deploy/setup/trivy.sh)");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    place("signer", &program(&packages(&[("time", "0.1.40"), ("smallvec", "1.6.0")])));
    place("ledger", &program(&packages(&[("time", "0.1.40")])));
    place("plain", b"#!/bin/sh\n");
    let scanned = without_engine(directory.path(), &trivy).scan_mesh().await.unwrap();
    let inventory = &scanned.record.inventory;
    let time = inventory.packages.iter().find(|p| p.purl == "pkg:cargo/time@0.1.40").unwrap();
    let copies: Vec<_> = time.copies.iter().map(|copy| copy.path.as_deref()).collect();
    assert_eq!((time.path.as_deref(), copies), (Some("ledger"), vec![Some("signer")]));
    assert!(inventory.packages.iter().any(|p| p.purl == "pkg:cargo/smallvec@1.6.0"));
    let reasons = scanned.reasons();
    assert!(reasons.len() == 1 && reasons[0].starts_with("plain: "), "{reasons:?}");
}

#[tokio::test]
async fn the_real_trivy_finds_a_secret_whatever_its_file_is_called() {
    let Some(trivy) = trivy() else {
        eprintln!("SKIPPED: no Trivy (deploy/setup/trivy.sh)");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let scans = without_engine(directory.path(), &trivy);
    // The tool passes over texts that are called so, and over keys that say EXAMPLE.
    let secret = [b"id,AKIA".as_slice(), b"IOSFODNN7EXAMPLQ\n1,2\n"].concat();
    let wanted = |name: &str, bytes: &[u8]| WantedFile {
        name: name.to_owned(),
        sha256: Sha256Digest::of(bytes),
        size: bytes.len() as u64,
    };
    let clean = b"a,b\n1,2\n";
    let files = Files {
        run: ScannedRun { job: JobId::new(1, [7; 10]), training: Sha256Digest::of(b"training") },
        target: ScanTarget::Outputs,
        files: vec![wanted("vendor_test.tar.gz", &secret), wanted("clean.csv", clean)],
    };
    assert!(scans.known(&files).await.unwrap().is_none());
    let mut receiving = scans.receive(&files).await.unwrap();
    receiving.push(&[secret.as_slice(), clean].concat()).await.unwrap();
    let scanned = scans.scan_files(&files, receiving).await.unwrap();
    let found = &scanned.record.inventory.secrets;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].path.as_str(), found[0].line), ("vendor_test.tar.gz", 1));
    assert_eq!((found[0].rule.as_str(), found[0].severity), ("aws-access-key-id", Level::Critical));
    assert!(scans.known(&files).await.unwrap().is_some_and(|known| known.cached));
}
