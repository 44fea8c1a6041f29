//! Which scans a document knows of, and whether they looked at everything.

use std::collections::BTreeMap;

use crate::{Aibom, aibom::text};

/// The scans of a document. One of others may have vulnerabilities and name no scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scans {
    /// How many looked at everything.
    pub complete: usize,
    /// How many did not.
    pub incomplete: usize,
}

impl Scans {
    /// How many there are.
    #[must_use]
    pub const fn total(self) -> usize {
        self.complete + self.incomplete
    }

    /// Whether what these scans do not name is not there, where `others` may have named it.
    #[must_use]
    pub(crate) const fn saw_all_of(self, others: Self) -> bool {
        self.incomplete == 0 && self.complete >= others.total()
    }
}

impl Aibom {
    /// The scans that the document's properties and `not-scanned/…` annotations tell of.
    #[must_use]
    pub fn scans(&self) -> Scans {
        let mut complete: BTreeMap<&str, bool> = BTreeMap::new();
        for property in self.list("/metadata/properties") {
            if let Some(scan) = scan(text(property, "/name")) {
                *complete.entry(scan).or_insert(true) &= text(property, "/value") == "complete";
            }
        }
        for annotation in self.list("/annotations") {
            if let Some(scan) = text(annotation, "/bom-ref").strip_prefix("not-scanned/") {
                complete.insert(scan, false);
            }
        }
        let whole = complete.values().filter(|complete| **complete).count();
        Scans { complete: whole, incomplete: complete.len() - whole }
    }
}

/// The number of the scan whose status a property is.
pub(crate) fn scan(property: &str) -> Option<&str> {
    property.strip_prefix("aibom:scan:")?.strip_suffix(":status")
}
