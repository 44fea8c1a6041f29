//! The trainer's image, and every package that a scan found in it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use evidence::{Container, OperatingSystem, Package, ScanTarget, SourcePackage, VerifiedEvidence};
use job::Trainer;

use crate::claims::{Claims, Source, given};
use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::{Entity, Hash, Property, property};
use crate::{licence, refs, text};

/// A package as all scans together describe it.
#[derive(Debug, Clone)]
struct Known<'a> {
    kind: Kind,
    /// Empty for the operating system, which has none.
    purl: &'a str,
    name: &'a str,
    version: &'a str,
    class: &'a str,
    supplier: Option<&'a str>,
    source: Option<&'a SourcePackage>,
    licences: BTreeSet<&'a String>,
    depends_on: BTreeSet<&'a str>,
    /// Of the package file, and where it lies, each once.
    digests: BTreeSet<&'a str>,
    paths: BTreeSet<&'a str>,
}

/// The packages of the image by reference: each once, whatever the scans repeat.
#[derive(Debug)]
pub(crate) struct Inventory<'a>(BTreeMap<Cow<'a, str>, Known<'a>>);

impl<'a> Inventory<'a> {
    /// Joins the scans; the first one that names a package decides on its name, version and class.
    pub(crate) fn of(evidence: &'a VerifiedEvidence) -> Self {
        let mut known: BTreeMap<Cow<'a, str>, Known<'a>> = BTreeMap::new();
        // What the mesh's own programs are made of is no part of the image.
        let scans = || {
            let all = evidence.scans().iter().map(|scan| &scan.predicate);
            all.filter(|scan| scan.aibom.target != ScanTarget::Mesh)
        };
        for extension in scans().map(|scan| &scan.aibom) {
            if let Some(system) = &extension.operating_system {
                known.entry(Cow::Borrowed(refs::IMAGE_OS)).or_insert_with(|| Known::from(system));
            }
            for package in &extension.packages {
                known
                    .entry(refs::package(&package.purl))
                    .or_insert_with(|| Known::from(package))
                    .join(package);
            }
        }
        // A finding in a package that no inventory lists must still point at something.
        let results = scans().flat_map(|scan| &scan.scanner.result);
        for finding in results.flat_map(|result| &result.annotations) {
            known.entry(refs::package(&finding.purl)).or_insert_with(|| Known {
                purl: &finding.purl,
                class: "named by a finding only",
                ..Known::new(Kind::Library, &finding.purl, &finding.installed)
            });
        }
        Self(known)
    }

    /// Package and the packages of the inventory that it depends on, without itself.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = String>)> {
        self.0.iter().map(move |(reference, package)| {
            let targets = package.depends_on.iter().map(|purl| refs::package(purl));
            let known = targets.filter(move |to| to != reference && self.0.contains_key(to));
            (reference.as_ref(), known.map(Cow::into_owned))
        })
    }

    fn component(&self, reference: &str, package: &Known<'_>) -> Component {
        let mut properties = Vec::new();
        if package.kind == Kind::Library {
            properties.push(property("package:class", package.class));
            if !package.purl.starts_with("pkg:") {
                properties.push(property("package:id", package.purl));
            }
        }
        let elsewhere =
            package.depends_on.iter().filter(|p| !self.0.contains_key(&refs::package(p)));
        properties
            .extend(elsewhere.map(|purl| property("package:dependency-not-in-inventory", purl)));
        properties.extend(package.paths.iter().map(|path| property("package:path", path)));
        // Where scanners that read a BOM look for what advisories are by.
        properties.extend(package.source.into_iter().flat_map(|source| {
            [("SrcName", &source.name), ("SrcVersion", &source.version)].map(|(name, value)| {
                Property { name: format!("aquasecurity:trivy:{name}"), value: value.clone() }
            })
        }));
        let (hashes, odd) = hashes(&package.digests);
        properties.extend(odd);
        let supplier = package
            .supplier
            .map(|name| Entity { name: Some(name.to_owned()), ..Entity::default() });
        Component {
            version: Some(text::version(package.version)),
            licenses: licence::declared(package.licences.iter().copied()),
            purl: package.purl.starts_with("pkg:").then(|| package.purl.to_owned()),
            hashes,
            supplier,
            properties,
            ..Component::new(package.kind, reference, package.name)
        }
    }
}

impl<'a> Known<'a> {
    const fn new(kind: Kind, name: &'a str, version: &'a str) -> Self {
        Self {
            kind,
            purl: "",
            name,
            version,
            class: "",
            supplier: None,
            source: None,
            licences: BTreeSet::new(),
            depends_on: BTreeSet::new(),
            digests: BTreeSet::new(),
            paths: BTreeSet::new(),
        }
    }

    fn join(&mut self, package: &'a Package) {
        self.licences.extend(&package.licences);
        self.depends_on.extend(package.depends_on.iter().map(String::as_str));
        self.supplier = self.supplier.or(package.supplier.as_deref());
        self.source = self.source.or(package.source.as_ref());
        self.digests.extend(package.digest.as_deref());
        self.paths.extend(package.path.as_deref());
        self.digests.extend(package.copies.iter().filter_map(|copy| copy.digest.as_deref()));
        self.paths.extend(package.copies.iter().filter_map(|copy| copy.path.as_deref()));
    }
}

impl<'a> From<&'a Package> for Known<'a> {
    fn from(package: &'a Package) -> Self {
        Self {
            purl: &package.purl,
            class: &package.class,
            ..Self::new(Kind::Library, &package.name, &package.version)
        }
    }
}

impl<'a> From<&'a OperatingSystem> for Known<'a> {
    fn from(system: &'a OperatingSystem) -> Self {
        Self::new(Kind::OperatingSystem, &system.family, &system.version)
    }
}

/// One hash of each algorithm that CycloneDX knows; the other digests as properties.
fn hashes(digests: &BTreeSet<&str>) -> (Vec<Hash>, Vec<Property>) {
    let mut known: Vec<Hash> = Vec::new();
    let mut odd = Vec::new();
    for digest in digests {
        match text::digest(digest).filter(|new| known.iter().all(|hash| hash.alg != new.alg)) {
            Some(hash) => known.push(hash),
            None => odd.push(property("package:digest", digest)),
        }
    }
    (known, odd)
}

/// The image's operating system and packages.
pub(crate) fn contents<'a>(
    inventory: &'a Inventory<'_>,
    claims: &mut Claims,
) -> impl Iterator<Item = Component> + 'a {
    for reference in inventory.0.keys() {
        claims.add(Source::Scanned, reference, &["everything"]);
    }
    inventory.0.iter().map(|(reference, package)| inventory.component(reference, package))
}

/// The image as a container component; what is in it stands beside it.
pub(crate) fn component(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let trainer = &evidence.request().spec.trainer;
    let container = &evidence.training().predicate.run_details.observed.container;
    claims.add(Source::Asserted, refs::IMAGE, &["/name", "/properties/aibom:image:requested"]);
    claims.add(Source::Observed, refs::IMAGE, &["/version", "/hashes", "/properties"]);
    claims.add(
        Source::Derived,
        refs::IMAGE,
        &["/bom-ref", "/type", "/purl", "/externalReferences"],
    );
    // The words of whoever made the image; the executor passes them on.
    let labels = given([("/properties/aibom:image:label:*", !container.image.labels.is_empty())]);
    claims.add(Source::Reported, refs::IMAGE, &labels);
    let mut properties = properties(trainer, container);
    properties.extend(crate::files::dependency_properties(evidence, "trainer"));
    Component {
        version: Some(format!("sha256:{}", trainer.image.digest())),
        purl: Some(purl(trainer)),
        hashes: crate::files::dependency_hashes(evidence, "trainer"),
        properties,
        external_references: vec![crate::documents::advisory(evidence)],
        ..Component::new(Kind::Container, refs::IMAGE, &trainer.name)
    }
}

fn purl(trainer: &Trainer) -> String {
    let digest = trainer.image.digest();
    match trainer.image.repository() {
        Some(repository) => {
            let name = repository.rsplit('/').next().unwrap_or(repository);
            let at = text::percent(repository);
            format!("pkg:oci/{}@sha256%3A{digest}?repository_url={at}", text::percent(name))
        }
        None => format!("pkg:generic/{}@sha256%3A{digest}", text::percent(&trainer.name)),
    }
}

/// What was asked for, and what the engine knows of what ran.
fn properties(trainer: &Trainer, container: &Container) -> Vec<Property> {
    let image = &container.image;
    let mut out = vec![
        property("image:digest", format_args!("sha256:{}", trainer.image.digest())),
        property("image:requested", &trainer.image),
        property("image:id", &container.image_id),
    ];
    out.extend(container.repo_digests.iter().map(|name| property("image:repoDigest", name)));
    out.extend(image.size_bytes.map(|bytes| property("image:size", bytes)));
    out.extend(
        image
            .layers
            .iter()
            .enumerate()
            .map(|(index, layer)| property(&format!("image:layer:{index}"), layer)),
    );
    out.extend(
        image.labels.iter().map(|(name, value)| property(&format!("image:label:{name}"), value)),
    );
    out
}
