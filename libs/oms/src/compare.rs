//! What was signed against what is there.

use std::collections::BTreeMap;

use crate::{Manifest, Resource};

/// How a directory differs from its manifest; by name, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Signed, and not there.
    pub missing: Vec<String>,
    /// There, with other bytes than were signed.
    pub changed: Vec<String>,
    /// There, and not signed.
    pub unknown: Vec<String>,
}

impl Differences {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.changed.is_empty() && self.unknown.is_empty()
    }
}

/// Compares what `manifest` lists with the resources that were found, cut the same way.
#[must_use]
pub fn compare(manifest: &Manifest, found: &[Resource]) -> Differences {
    let mut differences = Differences::default();
    let mut there: BTreeMap<&str, _> =
        found.iter().map(|resource| (resource.name.as_str(), resource.sha256)).collect();
    for signed in &manifest.resources {
        match there.remove(signed.name.as_str()) {
            None => differences.missing.push(signed.name.clone()),
            Some(sha256) if sha256 != signed.sha256 => {
                differences.changed.push(signed.name.clone())
            }
            Some(_) => {}
        }
    }
    differences.unknown.extend(there.into_keys().map(ToOwned::to_owned));
    differences.missing.sort_unstable();
    differences.changed.sort_unstable();
    differences
}
