//! The programs that made the evidence, and the rules that made the document of it.

use std::collections::BTreeMap;

use envelope::ResourceDescriptor;
use evidence::{Program, ScanStatement, ScanTarget, VerifiedEvidence};

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::{Property, property};
use crate::{findings, refs, text};

/// What wrote the document, the executor's programs, the scheduler, and for each scan the service
/// that ran it and its scanner.
pub(crate) fn components(evidence: &VerifiedEvidence, claims: &mut Claims) -> Vec<Component> {
    let scans = || evidence.scans().iter().enumerate();
    let parts: [(Source, Vec<Component>); 5] = [
        (Source::Derived, vec![assembler()]),
        (Source::Observed, executor(evidence)),
        (Source::Granted, vec![scheduler(evidence)]),
        (Source::Scanned, scans().map(|(index, scan)| service(evidence, index, scan)).collect()),
        (Source::Scanned, scans().map(|(index, scan)| scanner(index, scan)).collect()),
    ];
    for (source, part) in &parts {
        for tool in part {
            claims.add(*source, tool.reference(), &["everything"]);
        }
    }
    let mut all: Vec<Component> = parts.into_iter().flat_map(|(_, part)| part).collect();
    let more = programs(evidence, &all);
    for tool in &more {
        claims.add(Source::Scanned, tool.reference(), &["everything"]);
    }
    all.extend(more);
    all
}

/// The programs of the mesh that were scanned and that no other evidence names by digest.
fn programs(evidence: &VerifiedEvidence, known: &[Component]) -> Vec<Component> {
    let mut out: Vec<Component> = Vec::new();
    let scans = evidence.scans().iter();
    let scans = scans.filter(|scan| scan.predicate.aibom.target == ScanTarget::Mesh);
    for subject in scans.flat_map(|scan| &scan.subject) {
        let Some(digest) = subject.sha256_digest().map(|digest| digest.to_hex()) else { continue };
        if known.iter().chain(&out).any(|tool| findings::has(tool, &digest)) {
            continue;
        }
        let name = subject.name.as_deref().unwrap_or("unnamed");
        out.push(Component {
            hashes: text::hashes(subject),
            ..Component::new(Kind::Application, refs::program(out.len(), name), name)
        });
    }
    out
}

/// The rules that wrote the document; which program carried them out is not part of it, for every
/// program that does writes the same.
fn assembler() -> Component {
    Component {
        version: Some(format!("profile {}", job::PROFILE)),
        ..Component::new(Kind::Application, refs::ASSEMBLER, "aibom")
    }
}

fn scheduler(evidence: &VerifiedEvidence) -> Component {
    let id = evidence.signers().get(1).map_or("", |(id, _)| id.as_str());
    program(&evidence.grant().scheduler, "tool/scheduler/aibom-scheduler", "aibom-scheduler", id)
}

fn service(evidence: &VerifiedEvidence, index: usize, scan: &ScanStatement) -> Component {
    let signer = evidence.signers().get(index.saturating_add(3));
    let id = signer.map_or("", |(id, _)| id.as_str());
    let reference = format!("tool/scanner-service/{index}");
    program(&scan.predicate.aibom.scanner, reference, "aibom-scanner", id)
}

fn program(
    program: &Program,
    reference: impl Into<String>,
    name: &'static str,
    id: &str,
) -> Component {
    Component {
        version: Some(text::version(&program.version)),
        hashes: text::both(&program.digest),
        properties: vec![property("tool:identity", id)],
        ..Component::new(Kind::Application, reference, name)
    }
}

/// Every program that the executor names, by version, by digest or both.
fn executor(evidence: &VerifiedEvidence) -> Vec<Component> {
    let builder = &evidence.training().predicate.run_details.builder;
    let mut files: BTreeMap<&str, Vec<&ResourceDescriptor>> = BTreeMap::new();
    for name in builder.version.keys() {
        files.entry(name).or_default();
    }
    for file in &builder.builder_dependencies {
        files.entry(file.name.as_deref().unwrap_or("unnamed")).or_default().push(file);
    }
    if files.is_empty() {
        files.entry("aibom-executor").or_default();
    }
    let tool = |(name, files): (&str, Vec<&ResourceDescriptor>)| Component {
        version: builder.version.get(name).map(|version| text::version(version)),
        hashes: files.iter().flat_map(|file| text::hashes(file)).collect(),
        properties: std::iter::once(property("tool:identity", &builder.id))
            .chain(files.iter().flat_map(|file| text::descriptor_properties(file)))
            .collect(),
        ..Component::new(Kind::Application, format!("tool/executor/{name}"), name)
    };
    files.into_iter().map(tool).collect()
}

fn scanner(index: usize, scan: &ScanStatement) -> Component {
    let (scanner, extension) = (&scan.predicate.scanner, &scan.predicate.aibom);
    let path = scanner.uri.split(['@', '?', '#']).next().unwrap_or_default();
    let name = path.rsplit(['/', ':']).next().filter(|name| !name.is_empty()).unwrap_or("scanner");
    let mut properties = vec![
        property("scanner:target", extension.target),
        property("scanner:uri", &scanner.uri),
        property("scanner:report:sha256", extension.report_sha256),
        property("scanner:startedOn", scan.predicate.metadata.scan_started_on),
        property("scanner:finishedOn", scan.predicate.metadata.scan_finished_on),
    ];
    properties.extend(database(scan));
    Component {
        version: Some(text::version(&scanner.version)),
        purl: scanner.uri.starts_with("pkg:").then(|| scanner.uri.clone()),
        hashes: vec![text::sha256(extension.tool_sha256)],
        properties,
        ..Component::new(Kind::Application, format!("tool/scanner/{index}"), name)
    }
}

fn database(scan: &ScanStatement) -> Vec<Property> {
    let digest = scan.predicate.aibom.database_sha256;
    let mut out: Vec<Property> =
        digest.map(|digest| property("scanner:database:sha256", digest)).into_iter().collect();
    match &scan.predicate.scanner.db {
        Some(db) => out.extend([
            property("scanner:database:uri", &db.uri),
            property("scanner:database:version", &db.version),
            property("scanner:database:lastUpdate", db.last_update),
        ]),
        None => out.push(property("scanner:database", "none")),
    }
    out
}
