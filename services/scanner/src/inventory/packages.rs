//! The packages of a report: named by purl, duplicates merged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evidence::{MAX_COPIES, MAX_PACKAGES, Package, PackageCopy, SourcePackage};
use ids::Sha256Digest;

use super::{TEXT_MAX, purl, shown, text, text_or_empty};
use crate::report::{PackageEntry, Report, ReportError, ResultEntry};

/// The longest supplier, in characters.
const SUPPLIER_MAX: usize = 256;
/// The longest path in the image, in bytes.
const PATH_MAX: usize = 1024;

/// A licence as stated; a whole licence text in its place is named by its digest.
fn licence(stated: &str) -> String {
    if stated.len() <= TEXT_MAX && !stated.chars().any(char::is_control) {
        return stated.to_owned();
    }
    let body = stated.strip_prefix("text://").unwrap_or(stated);
    format!("LicenseRef-sha256-{}", Sha256Digest::of(body.as_bytes()))
}

fn class(result: &ResultEntry) -> &'static str {
    if result.of_system() { "operating-system" } else { "library" }
}

/// The packages of `report`, sorted by purl, each purl once.
pub(super) fn of(report: &Report) -> Result<Vec<Package>, ReportError> {
    let mut by_purl: BTreeMap<String, Joined> = BTreeMap::new();
    for result in report.results() {
        // Ids hold within one group only.
        let mut by_id = HashMap::new();
        for entry in result.packages().iter().filter(|entry| !entry.id.is_empty()) {
            let purl = purl(&entry.identifier.purl, &entry.name, &entry.version)?;
            by_id.insert(entry.id.as_str(), purl);
        }
        for entry in result.packages() {
            let mut package = package(entry, class(result))?;
            if result.of_program() {
                package.path = package.path.or_else(|| path(&result.target));
            }
            let joined =
                by_purl.entry(package.purl.clone()).or_insert_with(|| Joined::of(&package));
            joined.add(package, entry, &by_id);
        }
    }
    if by_purl.len() > MAX_PACKAGES {
        return Err(ReportError::TooMany { what: "different packages", limit: MAX_PACKAGES });
    }
    Ok(by_purl.into_values().map(Joined::package).collect())
}

/// An entry alone, without what is joined as sets.
fn package(entry: &PackageEntry, class: &'static str) -> Result<Package, ReportError> {
    Ok(Package {
        purl: purl(&entry.identifier.purl, &entry.name, &entry.version)?,
        name: text("package name", &entry.name, TEXT_MAX)?,
        version: text_or_empty("package version", &entry.version, TEXT_MAX)?,
        class: class.to_owned(),
        licences: Vec::new(),
        depends_on: Vec::new(),
        digest: digest(&entry.digest),
        supplier: shown(&entry.maintainer, SUPPLIER_MAX),
        path: path(&entry.file_path),
        copies: Vec::new(),
        source: source(entry)?,
    })
}

/// The source package; its version as a whole, the way a distribution writes it.
fn source(entry: &PackageEntry) -> Result<Option<SourcePackage>, ReportError> {
    if entry.src_name.is_empty() {
        return Ok(None);
    }
    let mut version = text_or_empty("source version", &entry.src_version, TEXT_MAX)?;
    if entry.src_epoch > 0 {
        version = format!("{}:{version}", entry.src_epoch);
    }
    if !entry.src_release.is_empty() {
        let release = text("source release", &entry.src_release, TEXT_MAX)?;
        version = format!("{version}-{release}");
    }
    Ok(Some(SourcePackage { name: text("source package", &entry.src_name, TEXT_MAX)?, version }))
}

/// `<algorithm>:<hex>`, of an algorithm and a length that go together.
fn digest(stated: &str) -> Option<String> {
    let (algorithm, hex) = stated.split_once(':')?;
    let digits = match algorithm {
        "md5" => 32,
        "sha1" => 40,
        "sha256" => 64,
        "sha512" => 128,
        _ => return None,
    };
    let holds = hex.len() == digits && hex.bytes().all(|b| b.is_ascii_hexdigit());
    holds.then(|| format!("{algorithm}:{}", hex.to_ascii_lowercase()))
}

/// A path that can be shown as it is; a shortened one would name another file.
fn path(stated: &str) -> Option<String> {
    let holds = (1..=PATH_MAX).contains(&stated.len()) && !stated.chars().any(char::is_control);
    holds.then(|| stated.to_owned())
}

/// A place of a package; one whose path is known comes before one without.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    nowhere: bool,
    unhashed: bool,
    path: Option<String>,
    digest: Option<String>,
}

/// The same package found several times, such as in two directories: what holds for any, and every
/// place, the same whatever the order in which they were found.
struct Joined {
    first: Package,
    licences: BTreeSet<String>,
    depends_on: BTreeSet<String>,
    places: BTreeSet<Place>,
}

impl Joined {
    fn of(first: &Package) -> Self {
        Self {
            first: first.clone(),
            licences: BTreeSet::new(),
            depends_on: BTreeSet::new(),
            places: BTreeSet::new(),
        }
    }

    fn add(&mut self, next: Package, entry: &PackageEntry, by_id: &HashMap<&str, String>) {
        let stated = entry.licenses.iter().flatten().filter(|stated| !stated.is_empty());
        self.licences.extend(stated.map(|stated| licence(stated)));
        // An id that no package of the group has names one that is not installed.
        let needed = entry.depends_on.iter().flatten();
        self.depends_on.extend(needed.filter_map(|id| by_id.get(id.as_str()).cloned()));
        self.first.source = self.first.source.take().or(next.source);
        self.first.supplier = self.first.supplier.take().into_iter().chain(next.supplier).min();
        let (path, digest) = (next.path, next.digest);
        self.places.insert(Place {
            nowhere: path.is_none(),
            unhashed: digest.is_none(),
            path,
            digest,
        });
    }

    fn package(self) -> Package {
        let mut places = self.places.into_iter();
        let (path, digest) =
            places.next().map(|place| (place.path, place.digest)).unwrap_or_default();
        // A place of which nothing is known is none.
        let copies = places.filter(|place| !(place.nowhere && place.unhashed));
        let copy = |place: Place| PackageCopy { path: place.path, digest: place.digest };
        Package {
            licences: self.licences.into_iter().collect(),
            depends_on: self.depends_on.into_iter().collect(),
            path,
            digest,
            copies: copies.take(MAX_COPIES).map(copy).collect(),
            ..self.first
        }
    }
}
