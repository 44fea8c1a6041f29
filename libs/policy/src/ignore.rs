//! Which entry of the ignore list a finding falls under.

use ids::Timestamp;

use crate::{Ignore, Kind, Policy, Violation};

/// The first entry that counts at `at` for this finding. What was not looked at cannot be ignored.
pub(crate) fn find<'a>(
    policy: &'a Policy,
    violation: &Violation,
    at: Timestamp,
) -> Option<&'a Ignore> {
    if violation.kind == Kind::Completeness {
        return None;
    }
    policy.ignore.iter().find(|ignore| {
        ignore.id == violation.id
            && at <= ignore.expires
            && ignore.subject.as_deref().is_none_or(|subject| is_at(violation, subject))
    })
}

/// Whether a finding is at `place`: the very same text, or less of it where that has a meaning.
fn is_at(violation: &Violation, place: &str) -> bool {
    let subject = violation.subject.as_str();
    if place == subject {
        return true;
    }
    match violation.kind {
        Kind::Vulnerability | Kind::Licence => {
            let (name, version) = package(subject);
            place == name || place == version
        }
        // Its line may move; a colon and digits at the end are always the line.
        Kind::Secret => subject.rsplit_once(':').is_some_and(|(path, _)| path == place),
        Kind::Completeness | Kind::File | Kind::Misconfiguration => false,
    }
}

/// A purl without its version, and without qualifiers and subpath only (purl specification, "how
/// to parse"): an `@` before the last `/` is part of a namespace.
fn package(purl: &str) -> (&str, &str) {
    let whole = purl.split(['?', '#']).next().unwrap_or(purl);
    let path = whole.rfind('/').map_or(0, |slash| slash + 1);
    let version = whole.get(path..).and_then(|name| name.rfind('@'));
    let name = version.and_then(|at| whole.get(..path + at)).unwrap_or(whole);
    (name, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purl_is_taken_apart_from_its_end() {
        for (purl, name, whole) in [
            ("pkg:pypi/keras@3.15.1", "pkg:pypi/keras", "pkg:pypi/keras@3.15.1"),
            ("pkg:npm/%40scope/x@1", "pkg:npm/%40scope/x", "pkg:npm/%40scope/x@1"),
            ("pkg:npm/@scope/x@1", "pkg:npm/@scope/x", "pkg:npm/@scope/x@1"),
            ("pkg:npm/@scope/x", "pkg:npm/@scope/x", "pkg:npm/@scope/x"),
            ("pkg:deb/d/libc6@2%2B1?arch=a@b/c", "pkg:deb/d/libc6", "pkg:deb/d/libc6@2%2B1"),
            ("pkg:golang/g.com/x/y@v1#sub/@z", "pkg:golang/g.com/x/y", "pkg:golang/g.com/x/y@v1"),
            ("", "", ""),
            ("@", "", "@"),
        ] {
            assert_eq!(package(purl), (name, whole), "{purl}");
        }
    }
}
