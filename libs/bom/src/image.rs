//! The trainer's image with every package that a scan found in it.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Package, VerifiedEvidence};

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::property;
use crate::{licence, refs, text};

/// A package as all scans together describe it.
#[derive(Debug, Clone)]
struct Known<'a> {
    purl: &'a str,
    name: &'a str,
    version: &'a str,
    class: &'a str,
    licences: BTreeSet<&'a String>,
    depends_on: BTreeSet<&'a str>,
}

/// The packages of the image by reference: each once, whatever the scans repeat.
#[derive(Debug)]
pub(crate) struct Inventory<'a>(BTreeMap<String, Known<'a>>);

impl<'a> Inventory<'a> {
    /// Joins the scans; the first one that names a package decides on its name, version and class.
    pub(crate) fn of(evidence: &'a VerifiedEvidence) -> Self {
        let mut known: BTreeMap<String, Known<'a>> = BTreeMap::new();
        for scan in evidence.scans() {
            for package in &scan.predicate.aibom.packages {
                known
                    .entry(refs::package(&package.purl))
                    .or_insert_with(|| Known::from(package))
                    .join(package);
            }
            // A finding in a package that the inventory lacks must still point at something.
            for finding in scan.predicate.scanner.result.iter().flat_map(|v| &v.annotations) {
                known.entry(refs::package(&finding.purl)).or_insert_with(|| Known {
                    purl: &finding.purl,
                    name: &finding.purl,
                    version: &finding.installed,
                    class: "named by a finding only",
                    licences: BTreeSet::new(),
                    depends_on: BTreeSet::new(),
                });
            }
        }
        Self(known)
    }

    /// References of all packages, sorted.
    pub(crate) fn references(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Package and the packages of the inventory that it depends on; sorted, without itself.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&String, Vec<String>)> {
        self.0.iter().map(|(reference, package)| {
            let targets: BTreeSet<String> = package
                .depends_on
                .iter()
                .map(|purl| refs::package(purl))
                .filter(|to| to != reference && self.0.contains_key(to))
                .collect();
            (reference, targets.into_iter().collect())
        })
    }

    fn component(&self, reference: &str, package: &Known<'_>) -> Component {
        let mut properties = vec![property("package:class", package.class)];
        let elsewhere =
            package.depends_on.iter().filter(|p| !self.0.contains_key(&refs::package(p)));
        properties
            .extend(elsewhere.map(|purl| property("package:dependency-not-in-inventory", purl)));
        if !package.purl.starts_with("pkg:") {
            properties.push(property("package:id", package.purl));
        }
        Component {
            version: Some(text::version(package.version)),
            licenses: licence::declared(package.licences.iter().copied()),
            purl: package.purl.starts_with("pkg:").then(|| package.purl.to_owned()),
            properties,
            ..Component::new(Kind::Library, reference, package.name)
        }
    }
}

impl<'a> Known<'a> {
    fn join(&mut self, package: &'a Package) {
        self.licences.extend(&package.licences);
        self.depends_on.extend(package.depends_on.iter().map(String::as_str));
    }
}

impl<'a> From<&'a Package> for Known<'a> {
    fn from(package: &'a Package) -> Self {
        Self {
            purl: &package.purl,
            name: &package.name,
            version: &package.version,
            class: &package.class,
            licences: BTreeSet::new(),
            depends_on: BTreeSet::new(),
        }
    }
}

/// The image as a container component with its packages inside.
pub(crate) fn component(
    evidence: &VerifiedEvidence,
    inventory: &Inventory<'_>,
    claims: &mut Claims,
) -> Component {
    let trainer = &evidence.request().spec.trainer;
    let container = &evidence.training().predicate.run_details.observed.container;
    let digest = trainer.image.digest();
    let purl = match trainer.image.repository() {
        Some(repository) => {
            let name = repository.rsplit('/').next().unwrap_or(repository);
            let at = text::percent(repository);
            format!("pkg:oci/{}@sha256%3A{digest}?repository_url={at}", text::percent(name))
        }
        None => format!("pkg:generic/{}@sha256%3A{digest}", text::percent(&trainer.name)),
    };
    claims.add(Source::Asserted, refs::IMAGE, &["name", "that this trainer was asked for"]);
    claims.add(Source::Observed, refs::IMAGE, &["version", "hashes", "properties"]);
    claims.add(Source::Scanned, refs::IMAGE, &["every component in it", "their dependencies"]);
    let mut properties = vec![
        property("image:digest", format_args!("sha256:{digest}")),
        property("image:requested", &trainer.image),
        property("image:id", &container.image_id),
    ];
    properties.extend(container.repo_digests.iter().map(|name| property("image:repoDigest", name)));
    properties.extend(crate::files::dependency_properties(evidence, "trainer"));
    Component {
        version: Some(format!("sha256:{digest}")),
        purl: Some(purl),
        hashes: vec![text::sha256(digest)],
        components: inventory
            .0
            .iter()
            .map(|(reference, package)| inventory.component(reference, package))
            .collect(),
        properties,
        ..Component::new(Kind::Container, refs::IMAGE, &trainer.name)
    }
}
