//! Where in the document each finding of a scan belongs: what is dangerous in a file stands on that
//! file's component, and what is wrong with a program on the program's.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{
    InspectedFile, Level, Misconfiguration, ScanStatement, ScanTarget, SecretFinding,
    VerifiedEvidence,
};
use policy::{Kind, Violation};

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::Component;
use crate::cyclonedx::{Property, property};
use crate::refs;

/// Properties that a scan gives to a component, as fields.
const SCANNED: [&str; 3] = [
    "/properties/aibom:inspection:*",
    "/properties/aibom:secret",
    "/properties/aibom:misconfiguration",
];

/// What the scans found beside packages and their vulnerabilities, by component.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    evidence: &'a VerifiedEvidence,
    /// References of every component.
    known: BTreeSet<String>,
    /// For each scan what it looked at: name and reference.
    subjects: Vec<Vec<(&'a str, String)>>,
    /// For each scan the subjects that a package is in.
    packages: Vec<BTreeMap<&'a str, Vec<usize>>>,
    /// What is to be told of each component.
    told: BTreeMap<String, Vec<Property>>,
    /// The components that a finding is in, by kind, id and the policy's name for its place.
    places: BTreeMap<(Kind, &'a str, String), BTreeSet<String>>,
    /// How many there are of each kind and severity.
    counts: BTreeMap<(Kind, Level), usize>,
}

impl<'a> Findings<'a> {
    /// Sorts the findings; `tools` has a component for every scanned program.
    pub(crate) fn of(
        evidence: &'a VerifiedEvidence,
        components: &[Component],
        tools: &[Component],
    ) -> Self {
        let all = components.iter().chain(tools).map(|part| part.reference().to_owned());
        let mut findings = Self {
            evidence,
            known: all.collect(),
            subjects: Vec::new(),
            packages: Vec::new(),
            told: BTreeMap::new(),
            places: BTreeMap::new(),
            counts: BTreeMap::new(),
        };
        for (index, scan) in evidence.scans().iter().enumerate() {
            let subjects = subjects(evidence, scan, tools);
            findings.packages.push(packages(scan, &subjects));
            for (_, reference) in &subjects {
                let scanned = property("scanned", format_args!("scan/{index}"));
                findings.told.entry(reference.clone()).or_default().push(scanned);
            }
            findings.subjects.push(subjects);
            findings.files(index, scan);
        }
        findings.vulnerabilities();
        findings
    }

    fn files(&mut self, index: usize, scan: &'a ScanStatement) {
        let extension = &scan.predicate.aibom;
        for file in &extension.files {
            let place = self.place(index, &file.name);
            let told = self.told.entry(place.clone()).or_default();
            told.extend(inspected(file));
            for hazard in &file.hazards {
                let key = (Kind::File, hazard.rule.as_str(), file.name.clone());
                self.places.entry(key).or_default().insert(place.clone());
                *self.counts.entry((Kind::File, hazard.severity)).or_default() += 1;
            }
        }
        for found in &extension.secrets {
            let SecretFinding { path, line, rule, severity, title } = found;
            let told =
                property("secret", format_args!("{rule} {severity} at {path}:{line}: {title}"));
            let at = format!("{path}:{line}");
            self.add(index, path, (Kind::Secret, rule, at), *severity, told);
        }
        for found in &extension.misconfigurations {
            let Misconfiguration { path, id, severity, title } = found;
            let told =
                property("misconfiguration", format_args!("{id} {severity} at {path}: {title}"));
            let key = (Kind::Misconfiguration, id.as_str(), path.clone());
            self.add(index, path, key, *severity, told);
        }
    }

    fn add(
        &mut self,
        scan: usize,
        path: &str,
        key: (Kind, &'a str, String),
        severity: Level,
        told: Property,
    ) {
        let place = self.place(scan, path);
        *self.counts.entry((key.0, severity)).or_default() += 1;
        self.places.entry(key).or_default().insert(place.clone());
        self.told.entry(place).or_default().push(told);
    }

    /// Each vulnerability once, by its worst rating.
    fn vulnerabilities(&mut self) {
        let mut worst: BTreeMap<&str, Level> = BTreeMap::new();
        for result in self.evidence.scans().iter().flat_map(|s| &s.predicate.scanner.result) {
            let rated = result.severity.iter().map(|rated| Level::of(&rated.score)).max();
            let level = worst.entry(&result.id).or_insert(Level::Unknown);
            *level = rated.unwrap_or(Level::Unknown).max(*level);
        }
        for level in worst.into_values() {
            *self.counts.entry((Kind::Vulnerability, level)).or_default() += 1;
        }
    }

    /// The component that a path of a scan is in; the release where the scan names none.
    fn place(&self, scan: usize, path: &str) -> String {
        let subjects = self.subjects.get(scan).map_or(&[][..], Vec::as_slice);
        // An image is all that a scan of one looks at.
        let image = subjects.iter().find(|(_, reference)| reference == refs::IMAGE);
        let found = image.or_else(|| subjects.iter().find(|(name, _)| is_within(path, name)));
        found.map_or_else(|| refs::RELEASE.to_owned(), |(_, reference)| reference.clone())
    }

    /// The programs that a package was found in by a scan of programs; all where the scan does not say.
    pub(crate) fn programs_with(&self, scan: usize, purl: &str) -> impl Iterator<Item = &str> {
        let subjects = self.subjects.get(scan).map_or(&[][..], Vec::as_slice);
        let named = self.packages.get(scan).and_then(|packages| packages.get(purl));
        let named = named.filter(|named| !named.is_empty());
        let wanted = move |index: &usize| named.is_none_or(|named| named.contains(index));
        let all = subjects.iter().enumerate().filter(move |(index, _)| wanted(index));
        all.map(|(_, (_, reference))| reference.as_str())
    }

    /// The references of what one scan looked at, each once.
    pub(crate) fn of_scan(&self, scan: usize) -> impl Iterator<Item = String> {
        let subjects = self.subjects.get(scan).map_or(&[][..], Vec::as_slice);
        let all: BTreeSet<&String> = subjects.iter().map(|(_, reference)| reference).collect();
        all.into_iter().cloned()
    }

    /// The references of what was looked at in scans of `target`.
    pub(crate) fn of_target(&self, target: ScanTarget) -> Vec<String> {
        let scans = self.evidence.scans().iter().zip(&self.subjects);
        let scans = scans.filter(|(scan, _)| scan.predicate.aibom.target == target);
        let all = scans.flat_map(|(_, subjects)| subjects);
        let all: BTreeSet<String> = all.map(|(_, reference)| reference.clone()).collect();
        if all.is_empty() { vec![refs::RELEASE.to_owned()] } else { all.into_iter().collect() }
    }

    /// The parts of the document that a violation is about.
    pub(crate) fn places(&self, of: &Violation) -> Vec<String> {
        let none = || vec![refs::RELEASE.to_owned()];
        match of.kind {
            Kind::Vulnerability => vec![refs::vulnerability(&of.id)],
            Kind::Licence => {
                let package = refs::package(&of.subject).into_owned();
                if self.known.contains(&package) { vec![package] } else { none() }
            }
            Kind::Completeness => {
                let target = ScanTarget::ALL.into_iter().find(|t| t.as_str() == of.subject);
                target.map_or_else(none, |target| self.of_target(target))
            }
            Kind::File | Kind::Secret | Kind::Misconfiguration => {
                let key = (of.kind, of.id.as_str(), of.subject.clone());
                let found = self.places.get(&key);
                found.map_or_else(none, |places| places.iter().cloned().collect())
            }
        }
    }

    /// Adds to each component what was found in it.
    pub(crate) fn tell<'c>(
        &self,
        components: impl Iterator<Item = &'c mut Component>,
        claims: &mut Claims,
    ) {
        for component in components {
            if let Some(told) = self.told.get(component.reference()) {
                claims.add(Source::Scanned, component.reference(), &SCANNED);
                claims.add(Source::Derived, component.reference(), &["/properties/aibom:scanned"]);
                component.properties.extend(told.iter().cloned());
            }
        }
    }

    /// How much was found, by kind and severity; what was not found is not counted, for a scan that
    /// was not done finds nothing.
    pub(crate) fn counts(&self) -> impl Iterator<Item = Property> {
        self.counts.iter().map(|((kind, severity), count)| {
            let severity = severity.as_str().to_ascii_lowercase();
            property(&format!("findings:{}:{severity}", kind.as_str()), count)
        })
    }
}

/// What a file is, and what is dangerous in it.
fn inspected(file: &InspectedFile) -> Vec<Property> {
    let result = match (file.hazards.is_empty(), file.unread.is_empty()) {
        (false, _) => "hazard",
        (true, false) => "not-read",
        (true, true) => "no-hazard",
    };
    let mut out = vec![
        property("inspection:format", &file.format),
        property("inspection:size", file.size),
        property("inspection:result", result),
    ];
    if !file.unread.is_empty() {
        out.push(property("inspection:unread", &file.unread));
    }
    out.extend(file.hazards.iter().map(|found| {
        let told =
            format_args!("{} {} at {}: {}", found.rule, found.severity, found.place, found.detail)
                .to_string();
        property("inspection:hazard", told)
    }));
    out
}

/// What a scan looked at: the name that the scan gives it, and the component.
fn subjects<'a>(
    evidence: &'a VerifiedEvidence,
    scan: &'a ScanStatement,
    tools: &[Component],
) -> Vec<(&'a str, String)> {
    let name = |subject: &'a envelope::ResourceDescriptor| subject.name.as_deref().unwrap_or("");
    match scan.predicate.aibom.target {
        ScanTarget::Image => vec![("", refs::IMAGE.to_owned())],
        ScanTarget::Inputs => {
            let inputs = evidence.request().spec.inputs.each();
            inputs.map(|(role, file)| (file.name.as_str(), refs::input(role))).into()
        }
        ScanTarget::Outputs => {
            let named = scan.subject.iter().filter(|subject| subject.name.is_some());
            named.map(|subject| (name(subject), refs::output(name(subject)))).collect()
        }
        ScanTarget::Mesh => {
            let programs = scan.subject.iter().filter_map(|subject| {
                let digest = subject.sha256_digest()?.to_hex();
                Some((subject, digest))
            });
            let named = programs.flat_map(|(subject, digest)| {
                let same = tools.iter().filter(move |tool| has(tool, &digest));
                same.map(move |tool| (name(subject), tool.reference().to_owned()))
            });
            named.collect()
        }
    }
}

/// Whether a component has this SHA-256.
pub(crate) fn has(component: &Component, sha256: &str) -> bool {
    component.hashes.iter().any(|hash| hash.alg == "SHA-256" && hash.content == sha256)
}

/// The subjects that each package is in, by the places that the scan names.
fn packages<'a>(
    scan: &'a ScanStatement,
    subjects: &[(&str, String)],
) -> BTreeMap<&'a str, Vec<usize>> {
    let mut out: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    if scan.predicate.aibom.target != ScanTarget::Mesh {
        return out;
    }
    for package in &scan.predicate.aibom.packages {
        let copies = package.copies.iter().filter_map(|copy| copy.path.as_deref());
        for path in package.path.as_deref().into_iter().chain(copies) {
            let within = subjects.iter().enumerate().filter(|(_, (name, _))| is_within(path, name));
            let within = within.map(|(index, _)| index);
            out.entry(&package.purl).or_default().extend(within);
        }
    }
    out
}

/// Whether a path is the file of that name, wherever it lies, or something in it.
fn is_within(path: &str, name: &str) -> bool {
    let Some(before) = path.strip_suffix(name) else {
        return path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
    };
    before.is_empty() || before.ends_with('/')
}
