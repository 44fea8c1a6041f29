//! The real Trivy on what is no image: the mesh's programs, and the files of jobs.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use evidence::{Level, ScanTarget, ScannedRun};
use ids::{JobId, Sha256Digest, Timestamp};
use job::Image;
use scanner::{EngineError, Export, Files, Images, Scanned, Scans, WantedFile};

use crate::{
    auditable::{packages, program},
    real::{config, database, trivy},
};

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

fn files(named: &[(&str, &[u8])]) -> Files {
    let wanted = |(name, bytes): &(&str, &[u8])| WantedFile {
        name: (*name).to_owned(),
        sha256: Sha256Digest::of(bytes),
        size: bytes.len() as u64,
    };
    Files {
        run: ScannedRun { job: JobId::new(1, [7; 10]), training: Sha256Digest::of(b"training") },
        target: ScanTarget::Outputs,
        files: named.iter().map(wanted).collect(),
    }
}

async fn scanned(scans: &Arc<Scans>, named: &[(&str, &[u8])]) -> Scanned {
    let files = files(named);
    let mut receiving = scans.receive(&files).await.unwrap();
    for (_, bytes) in named {
        receiving.push(bytes).await.unwrap();
    }
    scans.scan_files(&files, receiving).await.unwrap()
}

/// When this fails because as much is found with the comment, Trivy has become deaf to it.
#[tokio::test]
async fn the_real_trivy_obeys_a_comment_that_silences_it_and_the_scan_says_so() {
    let Some(trivy) = trivy() else {
        eprintln!("SKIPPED: no Trivy (deploy/setup/trivy.sh)");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let scans = without_engine(directory.path(), &trivy);
    let text = b"resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"x\"\n}\n".as_slice();
    let plain = scanned(&scans, &[("main.tf", text)]).await;
    let inventory = &plain.record.inventory;
    assert!(inventory.misconfigurations.iter().all(|found| found.path == "main.tf"));
    assert!(!inventory.misconfigurations.is_empty() && plain.reasons().is_empty(), "{plain:?}");
    for comment in ["#trivy:ignore:*\n", "// x tfsec:ignore:*\n"] {
        let text = [comment.as_bytes(), text].concat();
        let silenced = scanned(&scans, &[("main.tf", &text)]).await;
        let found = &silenced.record.inventory.misconfigurations;
        assert!(found.len() < inventory.misconfigurations.len(), "{found:?}");
        let reasons = silenced.reasons();
        assert!(reasons.len() == 1 && reasons[0].contains("trivy:ignore:"), "{reasons:?}");
    }
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
    let named = [("vendor_test.tar.gz", secret.as_slice()), ("clean.csv", b"a,b\n1,2\n")];
    let files = files(&named);
    assert!(scans.known(&files).await.unwrap().is_none());
    let scanned = scanned(&scans, &named).await;
    let found = &scanned.record.inventory.secrets;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].path.as_str(), found[0].line), ("vendor_test.tar.gz", 1));
    assert_eq!((found[0].rule.as_str(), found[0].severity), ("aws-access-key-id", Level::Critical));
    assert!(scans.known(&files).await.unwrap().is_some_and(|known| known.cached));
}
