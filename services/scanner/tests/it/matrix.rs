//! Every way in which a scan can fail, as its caller sees it: code, reason, words, and no document.
//!
//! The table in the README has a row for each test here.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use rpc::status::{Code, reason_of};
use scanner::Config;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Ends},
    wire::Mesh,
};

/// What the caller gets.
struct Refusal {
    code: Code,
    reason: &'static str,
    /// What the message must have in it: the cause, and what to do.
    words: &'static [&'static str],
}

const fn refusal(code: Code, reason: &'static str, words: &'static [&'static str]) -> Refusal {
    Refusal { code, reason, words }
}

/// Asks for a scan of `image`, or of the bench's own, and checks that it is refused so.
async fn refused(bench: Bench, config: Config, image: Option<Ends>, wanted: &Refusal) {
    let mesh = Mesh::with(bench, config).await;
    let mut request = mesh.request();
    if let Some(ends) = image {
        request.image = format!("sha256:{}", ends.id());
    }
    let status = mesh.client(&mesh.scheduler).scan(request).await.unwrap_err();
    let (code, reason) = (status.code(), reason_of(&status));
    println!("{code:?} {}: {}", reason.as_deref().unwrap_or_default(), status.message());
    assert_eq!((code, reason.as_deref()), (wanted.code, Some(wanted.reason)), "{status}");
    for words in wanted.words {
        assert!(status.message().contains(words), "{words:?} is not in {:?}", status.message());
    }
    assert!(!status.message().contains(char::is_control), "{:?}", status.message());
    assert_eq!(mesh.bench.cache.iter().count(), 0, "something is remembered of a failed scan");
    mesh.service.stop().await.unwrap();
}

async fn with_stub(behaviour: &str, wanted: &Refusal) {
    let bench = Bench::new();
    let config = bench.config(behaviour);
    refused(bench, config, None, wanted).await;
}

/// A report that Trivy could have written, after `change`.
async fn with_report(change: impl FnOnce(String) -> String, wanted: &Refusal) {
    let bench = Bench::new();
    let path = bench.path("report.json");
    let report = change(std::fs::read_to_string(&path).unwrap());
    std::fs::write(path, report).unwrap();
    let mut config = bench.config("ok");
    config.tool.max_report_bytes = 32 << 20;
    refused(bench, config, None, wanted).await;
}

fn with_value(change: impl FnOnce(&mut Value)) -> impl FnOnce(String) -> String {
    |report| {
        let mut report = serde_json::from_str(&report).unwrap();
        change(&mut report);
        report.to_string()
    }
}

const INVALID: Code = Code::Internal;

fn invalid(words: &'static [&'static str]) -> Refusal {
    refusal(INVALID, "REPORT_INVALID", words)
}

fn missing(words: &'static [&'static str]) -> Refusal {
    refusal(Code::Unavailable, "TRIVY_MISSING", words)
}

/// A file in the place of Trivy.
async fn with_tool(bytes: &[u8], mode: u32, wanted: &Refusal) {
    let bench = Bench::new();
    let config = bench.config("made-by-the-test");
    std::fs::write(&config.tool.path, bytes).unwrap();
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&config.tool.path, permissions).unwrap();
    refused(bench, config, None, wanted).await;
}

#[tokio::test]
async fn trivy_is_missing() {
    with_stub("missing", &missing(&["trivy-missing", "No such file", "deploy/setup/trivy.sh"]))
        .await;
}

#[tokio::test]
async fn trivy_is_not_executable() {
    let wanted = missing(&["not an executable file", "deploy/setup/trivy.sh"]);
    with_tool(b"#!/bin/sh\n", 0o644, &wanted).await;
}

#[tokio::test]
async fn trivy_is_for_another_processor() {
    // The start of an ELF file for an old machine that nobody runs this on.
    let mut elf = [0_u8; 64];
    elf[..7].copy_from_slice(b"\x7fELF\x01\x02\x01");
    elf[18..20].copy_from_slice(&[0, 15]);
    let wanted = missing(&["another kind of processor", "deploy/setup/trivy.sh"]);
    with_tool(&elf, 0o755, &wanted).await;
}

#[tokio::test]
async fn trivy_cannot_be_shut_in() {
    let bench = Bench::new();
    let mut config = bench.config("ok");
    config.tool.sandbox = scanner::config::Sandbox::Process;
    config.tool.launcher = bench.path("no-launcher");
    let wanted = refusal(Code::Unavailable, "TRIVY_NOT_STARTED", &["No such file"]);
    refused(bench, config, None, &wanted).await;
}

#[tokio::test]
async fn trivy_ends_with_an_error() {
    let wanted = refusal(Code::Internal, "TRIVY_FAILED", &["status: 1", "the database is broken"]);
    with_stub("exit1", &wanted).await;
}

#[tokio::test]
async fn trivy_is_ended_by_a_signal() {
    let wanted = refusal(Code::Internal, "TRIVY_FAILED", &["signal: 11"]);
    with_stub("segfault", &wanted).await;
}

#[tokio::test]
async fn trivy_panics() {
    let words = &["status: 2", "panic: runtime error: index out of range", "[...]", "main.main()"];
    with_stub("panic", &refusal(Code::Internal, "TRIVY_FAILED", words)).await;
}

#[tokio::test]
async fn trivy_hangs() {
    let bench = Bench::new();
    let mut config = bench.config("timeout");
    config.tool.timeout_ms = 500;
    let words = &["within 500 ms", "tool.timeout_ms"];
    let wanted = refusal(Code::DeadlineExceeded, "TRIVY_TIMED_OUT", words);
    refused(bench, config, None, &wanted).await;
}

#[tokio::test]
async fn trivy_writes_blanks_for_ever() {
    let bench = Bench::new();
    let mut config = bench.config("huge-drip");
    config.tool.timeout_ms = 500;
    config.tool.max_report_bytes = 1 << 30;
    let wanted = refusal(Code::DeadlineExceeded, "TRIVY_TIMED_OUT", &["within 500 ms"]);
    refused(bench, config, None, &wanted).await;
}

#[tokio::test]
async fn trivy_writes_a_report_without_end() {
    let words = &["more than 1000000 bytes", "tool.max_report_bytes"];
    with_stub("huge", &refusal(Code::ResourceExhausted, "REPORT_TOO_LARGE", words)).await;
}

#[tokio::test]
async fn trivy_fills_its_scratch_directory() {
    let bench = Bench::new();
    let mut config = bench.config("fills");
    config.tool.max_scratch_bytes = 1_000_000;
    let words = &["more than 1000000 bytes of scratch", "tool.max_scratch_bytes"];
    let wanted = refusal(Code::ResourceExhausted, "SCRATCH_TOO_LARGE", words);
    refused(bench, config, None, &wanted).await;
}

#[tokio::test]
async fn a_good_report_with_much_ado_on_standard_error_stands() {
    let bench = Bench::new();
    let config = bench.config("noisy");
    let mesh = Mesh::with(bench, config).await;
    mesh.client(&mesh.scheduler).scan(mesh.request()).await.unwrap();
    mesh.service.stop().await.unwrap();
}

#[tokio::test]
async fn the_report_is_garbage_or_half() {
    with_stub("garbage", &invalid(&["does not parse", "line 1"])).await;
    with_stub("truncated", &invalid(&["5000 bytes does not parse", "EOF"])).await;
    with_report(|_| String::new(), &invalid(&["0 bytes does not parse"])).await;
}

#[tokio::test]
async fn the_report_has_another_schema() {
    for other in ["{}", "[]", r#"{"bomFormat": "CycloneDX", "specVersion": "1.7"}"#] {
        with_report(|_| other.to_owned(), &invalid(&["does not parse"])).await;
    }
    let newer = with_value(|report| report["SchemaVersion"] = 3.into());
    with_report(newer, &invalid(&["schema version 3", "version 2"])).await;
    let negative = with_value(|report| report["SchemaVersion"] = (-2).into());
    with_report(negative, &invalid(&["does not parse", "-2"])).await;
    let directory = with_value(|report| report["ArtifactType"] = "filesystem".into());
    with_report(directory, &invalid(&["filesystem", "container_image"])).await;
}

#[tokio::test]
async fn the_report_has_a_member_twice() {
    let twice = |report: String| report.replacen('{', r#"{"SchemaVersion":2,"#, 1);
    with_report(twice, &invalid(&["\"SchemaVersion\" is there twice"])).await;
    let deep =
        |report: String| report.replacen("\"Name\"", "\"Unread\":{\"a\":1,\"a\":2},\"Name\"", 1);
    with_report(deep, &invalid(&["\"a\" is there twice"])).await;
}

#[tokio::test]
async fn the_report_is_about_another_image() {
    let other = with_value(|report| report["Metadata"]["ImageID"] = "sha256:00".into());
    with_report(other, &invalid(&["about the image \"sha256:00\"", "was scanned"])).await;
}

#[tokio::test]
async fn the_report_has_numbers_that_are_none() {
    let nan = |report: String| report.replacen("\"SchemaVersion\":2", "\"SchemaVersion\":NaN", 1);
    with_report(nan, &invalid(&["does not parse"])).await;
    let packages = |report: &mut Value, entry: Value| report["Results"][0]["Packages"] = entry;
    let entry = json!([{"Name": "a", "Version": "1", "SrcEpoch": -1}]);
    with_report(with_value(|r| packages(r, entry)), &invalid(&["does not parse", "-1"])).await;
}

#[tokio::test]
async fn the_report_has_names_that_are_none() {
    let named = |name: String| {
        with_value(move |report| {
            let package = &mut report["Results"][0]["Packages"][0];
            package["Name"] = name.into();
            assert!(package["Identifier"]["PURL"].is_string());
        })
    };
    with_report(named("a\u{1b}[2Jb".to_owned()), &invalid(&["control characters"])).await;
    with_report(named("x".repeat(20_000_000)), &invalid(&["too long"])).await;
    let wanted = refusal(Code::ResourceExhausted, "REPORT_TOO_LARGE", &["tool.max_report_bytes"]);
    with_report(named("x".repeat(100_000_000)), &wanted).await;
}

#[tokio::test]
async fn the_report_has_a_million_packages() {
    let million = |report: String| {
        let packages = vec![r#"{"Name":"a"}"#; 1_000_000].join(",");
        report.replacen("\"Results\":[", &format!("\"Results\":[{{\"Packages\":[{packages}]}},"), 1)
    };
    with_report(million, &invalid(&["more than 50000 packages"])).await;
}

#[tokio::test]
async fn the_database_is_replaced_during_the_scan() {
    let wanted = refusal(Code::Aborted, "REPLACED_DURING_SCAN", &["replaced during the scan"]);
    with_stub("replaced", &wanted).await;
}

async fn with_image(image: Ends, wanted: &Refusal) {
    let bench = Bench::new();
    let mut config = bench.config("ok");
    config.scan.export_timeout_ms = 500;
    refused(bench, config, Some(image), wanted).await;
}

#[tokio::test]
async fn the_image_vanishes_during_the_export() {
    let wanted = refusal(Code::NotFound, "IMAGE_NOT_FOUND", &["no image sha256:"]);
    with_image(Ends::Vanishes, &wanted).await;
}

#[tokio::test]
async fn no_engine_answers() {
    let words = &["/run/engine.sock", "deploy/setup/engine.sh"];
    with_image(Ends::NoEngine, &refusal(Code::Unavailable, "ENGINE_UNAVAILABLE", words)).await;
}

#[tokio::test]
async fn the_export_is_cut_off() {
    let wanted =
        refusal(Code::Unavailable, "EXPORT_BROKEN", &["no whole image archive", "engine's log"]);
    with_image(Ends::CutOff, &wanted).await;
}

#[tokio::test]
async fn the_export_stalls() {
    let wanted = refusal(Code::DeadlineExceeded, "EXPORT_TIMED_OUT", &["within 500 ms"]);
    with_image(Ends::Stalls, &wanted).await;
}

#[tokio::test]
async fn the_export_is_another_image() {
    let wanted = refusal(Code::DataLoss, "IMAGE_MISMATCH", &[]);
    with_image(Ends::Mislabelled, &wanted).await;
}

/// A file system of 64 KiB at a directory, for as long as it lives.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(at);
        mount.output().is_ok_and(|ended| ended.status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0).status();
        assert!(unmounted.unwrap().success());
    }
}

#[tokio::test]
async fn the_disk_of_the_scratch_directory_is_full() {
    let bench = Bench::new();
    let scratch = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(scratch.path()) else {
        eprintln!("SKIPPED: only root mounts a small disk");
        return;
    };
    std::fs::write(scratch.path().join("filler"), vec![1; 64 * 1024]).unwrap();
    let mut config = bench.config("ok");
    config.scan.scratch_directory = scratch.path().to_owned();
    let words = &["image.tar", "No space left", "scan.scratch_directory"];
    let wanted = refusal(Code::Unavailable, "SCRATCH_FAILED", words);
    refused(bench, config, None, &wanted).await;
}
