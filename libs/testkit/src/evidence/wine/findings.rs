//! What the scanner says: a small distribution, a few Python packages, two vulnerabilities.

use ::evidence::{
    Completeness, Finding, InspectedFile, OperatingSystem, Package, SCAN_PREDICATE_TYPE,
    ScanExtension, ScanMetadata, ScanPredicate, ScanStatement, ScanTarget, ScannedRun, Scanner,
    ScannerDatabase, Severity, SourcePackage, TrainingStatement, VulnerabilityResult,
};
use envelope::{ResourceDescriptor, Statement, StatementType};
use ids::{Sha256Digest, Timestamp};
use job::Request;
use policy::{Ignore, Policy};

use super::Times;

const LIBC: &str = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12";
const OPENSSL: &str = "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=debian-12";
const PYTHON: &str = "pkg:deb/debian/python3.11@3.11.2-6%2Bdeb12u5?arch=amd64&distro=debian-12";
const ZLIB: &str = "pkg:deb/debian/zlib1g@1.2.13.dfsg-1?arch=amd64&distro=debian-12";

/// A vector that every fixture finding has.
const VECTOR: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

fn package(purl: &str, class: &str, licences: &[&str], depends_on: &[&str]) -> Package {
    let path = purl.split('?').next().unwrap();
    let (rest, version) = path.rsplit_once('@').unwrap();
    let (_, name) = rest.rsplit_once('/').unwrap();
    Package {
        purl: purl.to_owned(),
        name: name.to_owned(),
        version: version.replace("%2B", "+"),
        class: class.to_owned(),
        licences: licences.iter().map(|text| (*text).to_owned()).collect(),
        depends_on: depends_on.iter().map(|text| (*text).to_owned()).collect(),
        digest: Some(format!("sha256:{}", Sha256Digest::of(purl.as_bytes()))),
        supplier: Some(format!("Maintainers of {name}")),
        source: (class == "operating-system").then(|| SourcePackage {
            name: format!("{name}-source"),
            version: version.replace("%2B", "+"),
        }),
        copies: Vec::new(),
        path: (class == "library").then(|| format!("opt/packages/{name}")),
    }
}

fn packages(count: usize) -> Vec<Package> {
    let (os, library) = ("operating-system", "library");
    let mut all = vec![
        package(LIBC, os, &["GPL-2.0-only", "LGPL-2.1-only"], &[]),
        package(OPENSSL, os, &["Apache-2.0"], &[LIBC]),
        package(PYTHON, os, &["PSF-2.0", "custom"], &[LIBC, OPENSSL, ZLIB]),
        package(ZLIB, os, &["Zlib"], &[LIBC]),
        package(
            "pkg:pypi/keras@3.15.1",
            library,
            &["Apache License 2.0"],
            &["pkg:pypi/numpy@2.4.6"],
        ),
        package("pkg:pypi/numpy@2.4.6", library, &["BSD-3-Clause AND MIT"], &[]),
        package(
            "pkg:pypi/tensorflow@2.21.0",
            library,
            &["Apache-2.0"],
            &["pkg:pypi/keras@3.15.1", "pkg:pypi/numpy@2.4.6"],
        ),
        package("pkg:pypi/wheel@0.45.1", library, &[], &[]),
    ];
    for index in all.len()..count {
        let purl = format!("pkg:pypi/zz-filler-{index:05}@1.0.{index}");
        all.push(package(&purl, library, &["MIT"], &["pkg:pypi/numpy@2.4.6"]));
    }
    all.truncate(count);
    all
}

fn vulnerability(
    id: &str,
    score: &str,
    purl: &str,
    installed: &str,
    fixed: &str,
) -> VulnerabilityResult {
    VulnerabilityResult {
        id: id.to_owned(),
        severity: vec![Severity {
            method: "nvd".to_owned(),
            score: score.to_owned(),
            vector: Some(VECTOR.to_owned()),
        }],
        annotations: vec![Finding {
            purl: purl.to_owned(),
            installed: installed.to_owned(),
            fixed: fixed.to_owned(),
        }],
        title: format!("{id}: memory is read beyond its end"),
        cwes: vec![125, 787],
    }
}

/// A complete scan of `image` with `count` packages.
pub(crate) fn scan(
    times: &Times,
    run: ScannedRun,
    image: Sha256Digest,
    count: usize,
) -> ScanStatement {
    let updated = times.scan_started.plus_ms(-6 * 3_600_000);
    Statement {
        kind: StatementType::V1,
        subject: vec![ResourceDescriptor::sha256("image", image)],
        predicate_type: SCAN_PREDICATE_TYPE.to_owned(),
        predicate: ScanPredicate {
            scanner: Scanner {
                uri: "pkg:github/aquasecurity/trivy@0.76.0".to_owned(),
                version: "0.76.0".to_owned(),
                db: Some(ScannerDatabase {
                    uri: "https://databases.example/trivy-db:2".to_owned(),
                    version: "2".to_owned(),
                    last_update: updated,
                }),
                result: vec![
                    vulnerability("CVE-2026-0001", "HIGH", OPENSSL, "3.0.15-1~deb12u1", ""),
                    vulnerability(
                        "CVE-2026-1669",
                        "CRITICAL",
                        "pkg:pypi/keras@3.15.1",
                        "3.15.1",
                        "3.16.0",
                    ),
                ],
            },
            metadata: ScanMetadata {
                scan_started_on: times.scan_started,
                scan_finished_on: times.scan_finished,
            },
            aibom: ScanExtension {
                target: ScanTarget::Image,
                run: Some(run),
                completeness: Completeness::Complete,
                reason: String::new(),
                tool_sha256: Sha256Digest::of(b"trivy"),
                database_sha256: Some(Sha256Digest::of(b"trivy.db")),
                report_sha256: Sha256Digest::of(b"raw report"),
                packages: packages(count),
                secrets: Vec::new(),
                misconfigurations: Vec::new(),
                files: Vec::new(),
                operating_system: Some(OperatingSystem {
                    family: "debian".to_owned(),
                    version: "12.8".to_owned(),
                }),
                scanner: super::program(b"the scanner's binary"),
            },
        },
    }
}

/// The standard policy; it ignores the one critical finding of the fixture.
pub(crate) fn policy(at: Timestamp) -> Policy {
    let day_ms = 24 * 3_600_000;
    let ignore = Ignore {
        id: "CVE-2026-1669".to_owned(),
        subject: Some("pkg:pypi/keras".to_owned()),
        reason: "models with external links are refused before Keras reads them".to_owned(),
        expires: at.plus_ms(30 * day_ms),
    };
    Policy { ignore: vec![ignore], ..Policy::standard(at.plus_ms(-day_ms)) }
}

fn file(name: &str, sha256: Sha256Digest, size: u64) -> InspectedFile {
    let format = match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "keras" => "keras",
        "csv" => "csv",
        "json" => "json",
        _ => "text",
    };
    let (name, format) = (name.to_owned(), format.to_owned());
    InspectedFile { name, sha256, size, format, hazards: Vec::new(), unread: String::new() }
}

/// The inputs, looked into.
pub(crate) fn input_files(request: &Request) -> Vec<InspectedFile> {
    let inputs = request.spec.inputs.each();
    inputs.iter().map(|(_, input)| file(&input.name, input.sha256, input.size)).collect()
}

/// The outputs, looked into.
pub(crate) fn output_files(training: &TrainingStatement) -> Vec<InspectedFile> {
    let outputs = training.subject.iter();
    outputs
        .filter_map(|output| Some(file(output.name.as_deref()?, output.sha256_digest()?, 1_000)))
        .collect()
}

/// A complete scan of files in which nothing was found.
pub(crate) fn file_scan(
    times: &Times,
    run: ScannedRun,
    target: ScanTarget,
    files: Vec<InspectedFile>,
) -> ScanStatement {
    let mut statement = scan(times, run, Sha256Digest::of(b"no image"), 0);
    statement.subject =
        files.iter().map(|file| ResourceDescriptor::sha256(&file.name, file.sha256)).collect();
    statement.predicate.scanner.result.clear();
    let extension = &mut statement.predicate.aibom;
    extension.target = target;
    extension.operating_system = None;
    extension.report_sha256 = Sha256Digest::of(target.as_str().as_bytes());
    extension.files = files;
    statement
}
