//! The files of jobs over the wire: what is taken, what is remembered, and for whom.

use std::time::Duration;

use evidence::ScanStatement;
use futures::StreamExt as _;
use ids::Sha256Digest;
use proto::scan::v1::{File, FilesHead, ScanFilesRequest, scan_files_request::Part};
use rpc::status::{Code, reason_of};
use serde_json::json;

use crate::wire::{Mesh, opened, run};

/// The head and the pieces of a request about these files.
fn stream(files: &[(&str, &[u8])]) -> Vec<ScanFilesRequest> {
    let file = |(name, bytes): &(&str, &[u8])| File {
        name: (*name).to_owned(),
        sha256: Sha256Digest::of(bytes).to_hex(),
        size: bytes.len() as u64,
    };
    let files_head = files.iter().map(file).collect();
    let head = FilesHead { run: Some(run()), target: "inputs".to_owned(), files: files_head };
    let chunks = files.iter().filter(|(_, bytes)| !bytes.is_empty());
    let chunks = chunks.map(|(_, bytes)| Part::Chunk(bytes.to_vec().into()));
    let parts = std::iter::once(Part::Head(head)).chain(chunks);
    parts.map(|part| ScanFilesRequest { part: Some(part) }).collect()
}

#[tokio::test]
async fn files_are_looked_into_and_known_from_then_on() {
    let mesh = Mesh::start("ok").await;
    let csv: &[u8] = b"id,AKIA\n1,2\n";
    let secret = serde_json::json!({
        "RuleID": "aws", "Severity": "CRITICAL", "Title": "AWS", "StartLine": 1, "Match": "AKIA",
    });
    let alias = format!("{}.txt", Sha256Digest::of(csv));
    mesh.bench.filesystem("fs", &serde_json::json!([{"Target": alias, "Secrets": [secret]}]));
    // It would run `true`.
    let files = [
        ("data.csv", csv),
        ("model.pkl", b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.".as_slice()),
    ];
    let mut client = mesh.client(&mesh.scheduler);
    let request = futures::stream::iter(stream(&files));
    let answer = client.scan_files(request).await.unwrap().into_inner();
    let first = opened(&mesh, answer.scan);
    let names = |statement: &ScanStatement| {
        let names = statement.subject.iter().map(|s| (s.name.clone().unwrap(), s.sha256_digest()));
        names.collect::<Vec<_>>()
    };
    let wanted =
        files.map(|(name, bytes)| (name.to_owned(), Some(Sha256Digest::of(bytes)))).to_vec();
    assert_eq!(names(&first), wanted);
    let aibom = &first.predicate.aibom;
    assert_eq!((aibom.secrets[0].path.as_str(), aibom.secrets[0].line), ("data.csv", 1));
    assert_eq!(aibom.files[1].hazards[0].rule, "pickle.code");
    assert_eq!((aibom.reason.as_str(), &first.predicate.scanner.db), ("", &None));
    assert_eq!(mesh.bench.runs(), 1);
    assert!(mesh.bench.scratch_is_empty(), "bytes of files were left behind");
    // The head alone is enough from now on.
    let head = || futures::stream::iter(stream(&files).into_iter().take(1));
    let answer = client.scan_files(head()).await.unwrap().into_inner();
    let second = opened(&mesh, answer.scan);
    assert_eq!(second.predicate.aibom.report_sha256, aibom.report_sha256);
    assert_eq!((second.predicate.aibom.files.len(), mesh.bench.runs()), (2, 1));
    // A report that the cache has dropped is made again, and so are the bytes asked for.
    let kept = mesh.bench.cache.iter().map(Result::unwrap);
    let report = |(key, _): &(Vec<u8>, Vec<u8>)| key.starts_with(aibom.report_sha256.as_bytes());
    let pieces: Vec<_> = kept.filter(report).collect();
    assert_eq!(pieces.len(), 1);
    mesh.bench.cache.remove(&pieces[0].0).unwrap();
    let status = client.scan_files(head()).await.unwrap_err();
    assert_eq!(reason_of(&status).as_deref(), Some("FILES_CUT_SHORT"));
    client.scan_files(futures::stream::iter(stream(&files))).await.unwrap();
    assert_eq!(mesh.bench.runs(), 2);
}

/// Who shares a file with somebody else is told of its own files only.
#[tokio::test]
async fn a_report_is_about_the_files_of_its_request_and_no_others() {
    let mesh = Mesh::start("ok").await;
    let mut client = mesh.client(&mesh.scheduler);
    let secret = |title: &str| {
        json!([{"Target": "x.txt", "Secrets": [{
            "RuleID": "aws", "Severity": "CRITICAL", "Title": title, "StartLine": 1, "Match": title,
        }]}])
    };
    let (public, own): (&[u8], &[u8]) = (b"a public model", b"own,data\n");
    let mut runs = 0;
    for (title, files) in [
        ("of ada", vec![("private.csv", b"key,of,ada\n".as_slice()), ("model.bin", public)]),
        ("own", vec![("own.csv", own)]),
        ("of both", vec![("model.bin", public), ("own.csv", own)]),
        ("of the public model", vec![("model.bin", public)]),
        ("in another order", vec![("own.csv", own), ("model.bin", public)]),
        ("by another name", vec![("m.KERAS", public)]),
        ("as a recipe", vec![("Dockerfile", public)]),
    ] {
        mesh.bench.filesystem("fs", &secret(title));
        let request = futures::stream::iter(stream(&files));
        let answer = client.scan_files(request).await.unwrap().into_inner();
        let aibom = opened(&mesh, answer.scan).predicate.aibom;
        let report = std::fs::read(mesh.bench.path("fs.json")).unwrap();
        assert_eq!(aibom.report_sha256, Sha256Digest::of(&report), "{title}");
        assert_eq!(aibom.secrets[0].path, "x.txt", "of no single file, and not left out");
        runs += 1;
        assert_eq!(mesh.bench.runs(), runs, "{title}");
    }
}

#[tokio::test]
async fn a_length_that_is_not_that_of_the_bytes_is_refused_even_of_known_files() {
    let mesh = Mesh::start("ok").await;
    let mut client = mesh.client(&mesh.scheduler);
    let good = stream(&[("a.csv", b"1,2\n")]);
    client.scan_files(futures::stream::iter(good.clone())).await.unwrap();
    for (size, reason) in [(3, "FILE_MISMATCH"), (5, "FILES_CUT_SHORT"), (0, "FILE_MISMATCH")] {
        let mut request = good.clone();
        if let Some(Part::Head(head)) = &mut request[0].part {
            head.files[0].size = size;
        }
        let status = client.scan_files(futures::stream::iter(request)).await.unwrap_err();
        assert_eq!(reason_of(&status).as_deref(), Some(reason), "{size}: {status}");
    }
    assert_eq!(mesh.bench.runs(), 1);
}

/// One file with many findings must not shorten the list of another request.
#[tokio::test]
async fn what_is_left_out_is_of_this_request_only() {
    let mesh = Mesh::start("ok").await;
    let mut client = mesh.client(&mesh.scheduler);
    let (many, few): (&[u8], &[u8]) = (b"many", b"few");
    let secret = |n: usize| {
        json!({
            "RuleID": format!("r{n}"), "Severity": "LOW", "Title": "t", "StartLine": n,
        })
    };
    let of = |bytes: &[u8], count: usize| {
        json!({
            "Target": format!("{}.txt", Sha256Digest::of(bytes)),
            "Secrets": (0..count).map(secret).collect::<Vec<_>>(),
        })
    };
    let both = [of(many, 6_000), of(few, 2)];
    mesh.bench.filesystem("fs", &json!(both));
    // Each finding is listed under both names of its file.
    let files = [("a.csv", many), ("b.csv", many), ("few.csv", few)];
    let request = futures::stream::iter(stream(&files));
    let answer = client.scan_files(request).await.unwrap().into_inner();
    let aibom = opened(&mesh, answer.scan).predicate.aibom;
    assert_eq!(aibom.secrets.len(), 10_000);
    assert_eq!(aibom.reason, "12002 secrets were found, the worst 10000 are listed");
    mesh.bench.filesystem("fs", &json!([of(few, 2)]));
    let request = futures::stream::iter(stream(&[("few.csv", few)]));
    let answer = client.scan_files(request).await.unwrap().into_inner();
    let aibom = opened(&mesh, answer.scan).predicate.aibom;
    assert_eq!((aibom.secrets.len(), aibom.reason.as_str()), (2, ""));
}

#[tokio::test]
async fn streams_that_stand_still_keep_no_scan_waiting() {
    let mesh = Mesh::start("ok").await;
    let mut slow = Vec::new();
    for bytes in [b"1".as_slice(), b"2", b"3"] {
        let head = stream(&[("slow.csv", bytes)]).into_iter().take(1);
        let request = futures::stream::iter(head).chain(futures::stream::pending());
        let mut client = mesh.client(&mesh.scheduler);
        slow.push(tokio::spawn(async move { client.scan_files(request).await }));
    }
    let mut look = tokio::time::interval(Duration::from_millis(5));
    while std::fs::read_dir(mesh.bench.path("scratch")).unwrap().count() < slow.len() {
        look.tick().await;
    }
    mesh.client(&mesh.scheduler).scan(mesh.request()).await.unwrap();
    let mut client = mesh.client(&mesh.scheduler);
    let request = futures::stream::iter(stream(&[("quick.csv", b"1,2\n")]));
    client.scan_files(request).await.unwrap();
    assert_eq!(mesh.bench.runs(), 2);
    for slow in slow {
        slow.abort();
    }
}

#[tokio::test]
async fn a_configuration_that_silences_trivy_is_a_gap() {
    let mesh = Mesh::start("ok").await;
    let mut client = mesh.client(&mesh.scheduler);
    let text: &[u8] = b"# trivy:ignore:*\nFROM scratch\n";
    for (name, reason) in [
        ("notes.csv", ""),
        (
            "Dockerfile",
            "Dockerfile: comments in it (trivy:ignore:) make Trivy pass over misconfigurations",
        ),
    ] {
        let request = futures::stream::iter(stream(&[(name, text)]));
        let answer = client.scan_files(request).await.unwrap().into_inner();
        let aibom = opened(&mesh, answer.scan).predicate.aibom;
        assert!(aibom.reason.ends_with(reason), "{name}: {}", aibom.reason);
        assert_eq!(aibom.reason.contains("trivy:ignore"), !reason.is_empty(), "{}", aibom.reason);
    }
}

#[tokio::test]
async fn files_that_are_not_what_was_announced_are_refused() {
    let mesh = Mesh::start("ok").await;
    let mut client = mesh.client(&mesh.scheduler);
    let good = stream(&[("a.csv", b"1,2\n"), ("b.csv", b"3,4\n")]);
    let with = |change: &dyn Fn(&mut Vec<ScanFilesRequest>)| {
        let mut request = good.clone();
        change(&mut request);
        futures::stream::iter(request)
    };
    let head = |change: fn(&mut FilesHead)| {
        with(&move |request| {
            if let Some(Part::Head(head)) = &mut request[0].part {
                change(head);
            }
        })
    };
    for (reason, code, request) in [
        ("FILE_MISMATCH", Code::DataLoss, with(&|r| r.swap(1, 2))),
        ("FILES_CUT_SHORT", Code::Cancelled, with(&|r| drop(r.pop()))),
        ("INVALID_REQUEST", Code::InvalidArgument, with(&|r| drop(r.remove(0)))),
        ("INVALID_REQUEST", Code::InvalidArgument, head(|h| h.target = "image".into())),
        ("INVALID_REQUEST", Code::InvalidArgument, head(|h| h.run = None)),
        ("INVALID_REQUEST", Code::InvalidArgument, head(|h| h.files[0].sha256 = "x".into())),
        ("INVALID_FILES", Code::InvalidArgument, head(|h| h.files.clear())),
        ("INVALID_FILES", Code::InvalidArgument, head(|h| h.files[0].name = "b.csv".into())),
        ("FILES_TOO_LARGE", Code::ResourceExhausted, head(|h| h.files[0].size = 1 << 60)),
    ] {
        let status = client.scan_files(request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason_of(&status).as_deref()),
            (code, Some(reason)),
            "{status}"
        );
    }
    assert_eq!(mesh.bench.runs(), 0);
    assert!(mesh.bench.scratch_is_empty());
}
