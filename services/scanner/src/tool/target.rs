//! What Trivy is told to do: one command line for each kind of thing.

use std::{ffi::OsString, path::Path};

/// What is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// The archive of an image, as `docker save` writes it.
    Image(&'a Path),
    /// A directory of programs.
    Programs(&'a Path),
    /// A directory of files that came with a job or came out of it.
    Files(&'a Path),
}

impl<'a> Target<'a> {
    /// Where it lies.
    pub(crate) const fn path(self) -> &'a Path {
        match self {
            Self::Image(path) | Self::Programs(path) | Self::Files(path) => path,
        }
    }

    /// What is looked for; vulnerabilities only with a database.
    const fn scanners(self, database: bool) -> &'static str {
        match (self, database) {
            (Self::Image(_), true) => "vuln,license,secret,misconfig",
            (Self::Image(_), false) => "license,secret,misconfig",
            (Self::Programs(_), true) => "vuln,license",
            (Self::Programs(_), false) => "license",
            (Self::Files(_), _) => "secret,misconfig",
        }
    }

    /// The arguments, with the input where the tool sees it. Nothing is fetched: the rules on
    /// misconfiguration are those that are built into the tool.
    pub(crate) fn words(self, input: &Path, database: bool) -> Vec<OsString> {
        let mut words: Vec<OsString> = match self {
            Self::Image(_) => vec!["image".into(), "--input".into(), input.into()],
            Self::Programs(_) => vec!["rootfs".into(), input.into()],
            Self::Files(_) => vec!["fs".into(), input.into()],
        };
        if matches!(self, Self::Image(_)) {
            words.extend(["--image-config-scanners", "misconfig,secret"].map(OsString::from));
        }
        let rest = ["--format", "json", "--list-all-pkgs", "--scanners", self.scanners(database)]
            .into_iter()
            .chain(["--skip-db-update", "--skip-java-db-update", "--skip-check-update"])
            .chain(["--offline-scan", "--skip-version-check", "--cache-backend", "memory"])
            .chain(["--no-progress"]);
        words.extend(rest.map(OsString::from));
        words
    }
}
