//! The packages of a report: named by purl, duplicates merged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evidence::{Package, SourcePackage};
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
    if result.class == "os-pkgs" { "operating-system" } else { "library" }
}

/// The packages of `report`, sorted by purl, each purl once.
pub(super) fn of(report: &Report) -> Result<Vec<Package>, ReportError> {
    let mut by_purl: BTreeMap<String, Package> = BTreeMap::new();
    for result in report.results() {
        // Ids hold within one group only.
        let mut by_id = HashMap::new();
        for entry in result.packages().iter().filter(|entry| !entry.id.is_empty()) {
            let purl = purl(&entry.identifier.purl, &entry.name, &entry.version)?;
            by_id.insert(entry.id.as_str(), purl);
        }
        for entry in result.packages() {
            let package = package(entry, class(result), &by_id)?;
            match by_purl.get_mut(&package.purl) {
                Some(first) => merge(first, package),
                None => {
                    by_purl.insert(package.purl.clone(), package);
                }
            }
        }
    }
    Ok(by_purl.into_values().collect())
}

fn package(
    entry: &PackageEntry,
    class: &'static str,
    by_id: &HashMap<&str, String>,
) -> Result<Package, ReportError> {
    let mut licences = Vec::new();
    for stated in entry.licenses.iter().flatten().filter(|stated| !stated.is_empty()) {
        let licence = licence(stated);
        if !licences.contains(&licence) {
            licences.push(licence);
        }
    }
    // An id that no package of the group has names one that is not installed.
    let depends_on: BTreeSet<&String> =
        entry.depends_on.iter().flatten().filter_map(|id| by_id.get(id.as_str())).collect();
    Ok(Package {
        purl: purl(&entry.identifier.purl, &entry.name, &entry.version)?,
        name: text("package name", &entry.name, TEXT_MAX)?,
        version: text_or_empty("package version", &entry.version, TEXT_MAX)?,
        class: class.to_owned(),
        licences,
        depends_on: depends_on.into_iter().cloned().collect(),
        digest: digest(&entry.digest),
        supplier: shown(&entry.maintainer, SUPPLIER_MAX),
        path: path(&entry.file_path),
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

/// The same package found twice, such as in two directories: what holds for either, and the place
/// and file that come first, whatever the order in which they were found.
fn merge(first: &mut Package, second: Package) {
    for licence in second.licences {
        if !first.licences.contains(&licence) {
            first.licences.push(licence);
        }
    }
    first.depends_on.extend(second.depends_on);
    first.depends_on.sort_unstable();
    first.depends_on.dedup();
    first.source = first.source.take().or(second.source);
    first.supplier = first.supplier.take().into_iter().chain(second.supplier).min();
    let places = [(first.path.take(), first.digest.take()), (second.path, second.digest)];
    // A copy whose place is known comes before one without.
    let place = places.into_iter().min_by_key(|(path, digest)| {
        (path.is_none(), digest.is_none(), path.clone(), digest.clone())
    });
    (first.path, first.digest) = place.unwrap_or_default();
}
