//! Every way in which Trivy or its database can fail ends in a clear error or in evidence that
//! says what is missing, never in a clean result.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use evidence::{Completeness, ScannedRun};
use ids::{JobId, Sha256Digest};
use scanner::{ArchiveError, ChildError, EngineError, ReportError, ScanError, Scanned, Unusable};

use crate::bench::{Bench, Ends, built};

async fn scanned(bench: &Bench, behaviour: &str) -> Result<Scanned, Arc<ScanError>> {
    let result = bench.scans(&bench.config(behaviour)).scan(&bench.image()).await;
    assert!(bench.scratch_is_empty(), "the scratch directory was left behind");
    result
}

fn run() -> Option<ScannedRun> {
    Some(ScannedRun { job: JobId::new(1, [7; 10]), training: Sha256Digest::of(b"training") })
}

#[tokio::test]
async fn a_good_run_is_complete_and_is_cached() {
    let bench = Bench::new();
    let first = scanned(&bench, "ok").await.unwrap();
    let second = scanned(&bench, "ok").await.unwrap();
    assert!(!first.cached && second.cached);
    assert_eq!(first.record, second.record);
    assert_eq!((bench.runs(), bench.images.exports.load(Ordering::Relaxed)), (1, 1));
    let statement = scanner::statement(run(), &second);
    let aibom = &statement.predicate.aibom;
    assert_eq!((aibom.completeness, aibom.reason.as_str()), (Completeness::Complete, ""));
    let report = std::fs::read(bench.path("report.json")).unwrap();
    assert_eq!(aibom.report_sha256, Sha256Digest::of(&report));
    assert_eq!(aibom.database_sha256, Some(Sha256Digest::of(&built(20).database)));
    let database = statement.predicate.scanner.db.unwrap();
    assert_eq!(database.uri, "urn:aibom:trivy-db:test-subset");
    assert_eq!(database.last_update.to_string(), "2026-11-19T00:00:00.123Z");
    let kept = bench.cache.iter().any(|entry| entry.unwrap().1 == report);
    assert!(kept, "the raw report is kept");
}

#[tokio::test]
async fn the_tool_sees_nothing_of_the_service_s_environment() {
    let bench = Bench::new();
    scanned(&bench, "ok").await.unwrap();
    let environment = std::fs::read_to_string(bench.path("environment")).unwrap();
    // The shell that runs the stub adds the last three itself.
    let known = ["PATH", "HOME", "TMPDIR", "TRIVY_CACHE_DIR", "PWD", "OLDPWD", "SHLVL", "_"];
    for line in environment.lines() {
        let name = line.split('=').next().unwrap();
        assert!(known.contains(&name), "{line}");
    }
    let arguments = std::fs::read_to_string(bench.path("arguments")).unwrap();
    assert!(
        arguments.contains("--offline-scan") && arguments.contains("vuln,license,secret,misconfig")
    );
}

#[tokio::test]
async fn without_trivy_there_is_no_scan_and_no_readiness() {
    let bench = Bench::new();
    let error = scanned(&bench, "missing").await.unwrap_err();
    assert!(matches!(*error, ScanError::ToolMissing(_)), "{error}");
    let scans = bench.scans(&bench.config("missing"));
    let reason = scans.ready().await.unwrap_err().to_string();
    assert!(reason.contains("trivy-missing") && reason.contains("deploy/setup/trivy.sh"));
}

#[tokio::test]
async fn garbage_is_refused() {
    let error = scanned(&Bench::new(), "garbage").await.unwrap_err();
    assert!(matches!(*error, ScanError::Report(ReportError::Malformed { .. })), "{error}");
}

#[tokio::test]
async fn a_truncated_report_is_refused() {
    let error = scanned(&Bench::new(), "truncated").await.unwrap_err();
    assert!(matches!(*error, ScanError::Report(ReportError::Malformed { bytes: 5000, .. })));
}

#[tokio::test]
async fn an_endless_report_is_cut_off() {
    let error = scanned(&Bench::new(), "huge").await.unwrap_err();
    assert!(matches!(*error, ScanError::Tool(ChildError::TooMuch { limit: 1_000_000 })));
}

#[tokio::test]
async fn exit_status_one_is_an_error_with_the_tool_s_words() {
    let bench = Bench::new();
    let error = scanned(&bench, "exit1").await.unwrap_err();
    assert!(matches!(*error, ScanError::Tool(ChildError::Failed { .. })), "{error}");
    assert!(error.to_string().contains("FATAL the database is broken"), "{error}");
    // An error is not remembered: the next request tries again.
    scanned(&bench, "exit1").await.unwrap_err();
    assert_eq!(bench.runs(), 2);
}

#[tokio::test]
async fn a_run_that_does_not_end_is_killed_with_its_children() {
    let bench = Bench::new();
    let mut config = bench.config("timeout");
    config.tool.timeout_ms = 1_500;
    let error = bench.scans(&config).scan(&bench.image()).await.unwrap_err();
    assert!(matches!(*error, ScanError::Tool(ChildError::TimedOut { limit_ms: 1_500 })));
    assert!(bench.scratch_is_empty());
    gone(&bench.path("pids")).await;
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_is_killed_with_its_children() {
    let bench = Bench::new();
    let scans = bench.scans(&bench.config("timeout"));
    let image = bench.image();
    let one = {
        let (scans, image) = (Arc::clone(&scans), image.clone());
        tokio::spawn(async move { scans.scan(&image).await })
    };
    let two = {
        let (scans, image) = (Arc::clone(&scans), image.clone());
        tokio::spawn(async move { scans.scan(&image).await })
    };
    until(|| bench.path("pids").exists()).await;
    one.abort();
    assert!(one.await.unwrap_err().is_cancelled());
    two.abort();
    assert!(two.await.unwrap_err().is_cancelled());
    gone(&bench.path("pids")).await;
    until(|| bench.scratch_is_empty()).await;
    assert_eq!(bench.runs(), 1);
}

#[tokio::test]
async fn a_thousand_requests_at_the_same_time_share_one_run() {
    let bench = Bench::new();
    let scans = bench.scans(&bench.config("ok"));
    let image = bench.image();
    let all = futures::future::join_all((0..1_000).map(|_| scans.scan(&image))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((bench.runs(), bench.images.exports.load(Ordering::Relaxed)), (1, 1));
}

#[tokio::test]
async fn a_stale_database_gives_an_inventory_that_says_so() {
    let bench = Bench::new();
    bench.database("2026-11-12T23:59:59Z");
    let scanned = scanned(&bench, "ok").await.unwrap();
    assert!(matches!(scanned.database, Err(Unusable::TooOld { max_age_days: 7, .. })));
    incomplete(&bench, &scanned, "more than 7 days ago");
}

#[tokio::test]
async fn a_missing_or_unreadable_database_gives_an_inventory_that_says_so() {
    let bench = Bench::new();
    let metadata = bench.path("directory/db/metadata.json");
    std::fs::write(&metadata, "{").unwrap();
    incomplete(&bench, &scanned(&bench, "ok").await.unwrap(), "no usable database");
    std::fs::write(&metadata, r#"{"Version": 1, "UpdatedAt": "2026-11-19T00:00:00Z"}"#).unwrap();
    incomplete(&bench, &scanned(&bench, "ok").await.unwrap(), "schema 1");
    bench.database("2026-11-21T00:00:00Z");
    incomplete(&bench, &scanned(&bench, "ok").await.unwrap(), "in the future");
    bench.database("2026-11-19T00:00:00Z");
    let whole = built(20).database;
    std::fs::write(bench.path("directory/db/trivy.db"), &whole[..whole.len() - 1]).unwrap();
    incomplete(&bench, &scanned(&bench, "ok").await.unwrap(), "damaged (truncated: ");
    std::fs::remove_dir_all(bench.path("directory")).unwrap();
    incomplete(&bench, &scanned(&bench, "ok").await.unwrap(), "no usable database");
    // A database that comes back is used: what was remembered without it does not count.
    bench.database("2026-11-19T00:00:00Z");
    let complete = scanned(&bench, "ok").await.unwrap();
    assert!(!complete.cached && complete.database.is_ok());
}

fn incomplete(bench: &Bench, scanned: &Scanned, reason: &str) {
    let statement = scanner::statement(run(), scanned);
    let aibom = &statement.predicate.aibom;
    assert_eq!(aibom.completeness, Completeness::Incomplete);
    assert!(aibom.reason.contains(reason), "{}", aibom.reason);
    assert!(!aibom.packages.is_empty());
    assert_eq!((&aibom.database_sha256, &statement.predicate.scanner.db), (&None, &None));
    let arguments = std::fs::read_to_string(bench.path("arguments")).unwrap();
    assert!(!arguments.contains("vuln"), "{arguments}");
    let environment = std::fs::read_to_string(bench.path("environment")).unwrap();
    assert!(!environment.contains("/directory"), "{environment}");
}

#[tokio::test]
async fn a_database_that_is_replaced_during_the_scan_is_noticed() {
    let error = scanned(&Bench::new(), "replaced").await.unwrap_err();
    assert!(matches!(*error, ScanError::Replaced), "{error}");
}

#[tokio::test]
async fn an_image_that_is_not_there_or_is_another_one_is_refused() {
    let bench = Bench::new();
    let scans = bench.scans(&bench.config("ok"));
    let missing = format!("sha256:{}", Sha256Digest::of(b"missing")).parse().unwrap();
    let error = scans.scan(&missing).await.unwrap_err();
    let not_found = ScanError::Archive(ArchiveError::Engine(EngineError::NotFound(String::new())));
    assert_eq!(std::mem::discriminant(&*error), std::mem::discriminant(&not_found), "{error}");
    let other = format!("sha256:{}", Ends::Mislabelled.id()).parse().unwrap();
    let error = scans.scan(&other).await.unwrap_err();
    assert!(matches!(*error, ScanError::Archive(ArchiveError::Binding(_))), "{error}");
    assert_eq!(bench.runs(), 0);
}

#[tokio::test]
async fn an_image_beyond_the_bound_is_refused() {
    let bench = Bench::new();
    let mut config = bench.config("ok");
    config.scan.max_image_bytes = 1_000;
    let error = bench.scans(&config).scan(&bench.image()).await.unwrap_err();
    let too_large = matches!(*error, ScanError::Archive(ArchiveError::TooLarge { limit: 1_000 }));
    assert!(too_large, "{error}");
}

#[tokio::test]
async fn leftovers_of_a_killed_process_are_removed_at_start() {
    let bench = Bench::new();
    let leftover = bench.path("scratch/aibom-scan-abc123");
    std::fs::create_dir_all(&leftover).unwrap();
    std::fs::write(leftover.join("image.tar"), "x").unwrap();
    std::fs::write(bench.path("scratch/somebody-else"), "y").unwrap();
    bench.scans(&bench.config("ok"));
    assert!(!leftover.exists() && bench.path("scratch/somebody-else").exists());
}

/// Waits for a condition that another process brings about.
async fn until(mut holds: impl FnMut() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    while !holds() {
        look.tick().await;
    }
}

/// Waits until the processes whose ids the file lists have ended.
async fn gone(pids: &Path) {
    let pids = std::fs::read_to_string(pids).unwrap();
    for pid in pids.split_whitespace() {
        until(|| match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            // A zombie that nobody reaps yet has ended, too.
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        })
        .await;
    }
}
