//! The first pass over a report, which keeps nothing: no member twice in one object, and no more
//! packages and findings than are taken. Only what passes is built in memory.

use std::{cell::Cell, collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{FINDINGS_MAX, PACKAGES_MAX, ReportError};

/// The most members of one object; Trivy's own have some thirty.
const MEMBERS_MAX: usize = 10_000;

/// How many entries were met of what is bounded.
#[derive(Debug, Default)]
struct Counts {
    packages: Cell<usize>,
    findings: Cell<usize>,
}

impl Counts {
    /// The count that the entries of the array of this name go to, and its bound.
    fn of(&self, member: &str) -> Option<(&Cell<usize>, usize)> {
        match member {
            "Packages" => Some((&self.packages, PACKAGES_MAX)),
            "Vulnerabilities" | "Secrets" | "Misconfigurations" => {
                Some((&self.findings, FINDINGS_MAX))
            }
            _ => None,
        }
    }
}

/// A value somewhere in the report.
struct Value<'c> {
    counts: &'c Counts,
    /// What its entries count as, when it is an array.
    entries: Option<(&'c Cell<usize>, usize)>,
}

/// Looks at the whole of `bytes`.
pub(super) fn check(bytes: &[u8]) -> Result<(), ReportError> {
    let counts = Counts::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let passed =
        Value { counts: &counts, entries: None }.deserialize(&mut json).and_then(|()| json.end());
    for (what, count, limit) in
        [("packages", &counts.packages, PACKAGES_MAX), ("findings", &counts.findings, FINDINGS_MAX)]
    {
        if count.get() > limit {
            return Err(ReportError::TooMany { what, limit });
        }
    }
    passed.map_err(|cause| ReportError::Malformed { bytes: bytes.len(), cause })
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let counts = self.counts;
        while items.next_element_seed(Value { counts, entries: None })?.is_some() {
            let Some((count, limit)) = self.entries else { continue };
            count.set(count.get().saturating_add(1));
            if count.get() > limit {
                return Err(A::Error::custom("too many entries"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let entries = self.counts.of(&name);
            map.next_value_seed(Value { counts: self.counts, entries })?;
            if names.len() >= MEMBERS_MAX {
                return Err(A::Error::custom("an object with too many members"));
            }
            if let Some(twice) = names.replace(name) {
                let shown: String = twice.chars().take(64).collect();
                return Err(A::Error::custom(format_args!("the member {shown:?} is there twice")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
