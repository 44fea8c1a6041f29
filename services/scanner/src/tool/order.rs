//! What Trivy is told to do: one command line, wherever it runs.

use std::{ffi::OsString, path::Path};

/// How much later Trivy would give up by itself than it is killed, in milliseconds.
const OWN_TIMEOUT_MARGIN_MS: u64 = 60_000;

/// What is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The archive of an image, as `docker save` writes it.
    Image(&'a Path),
    /// A directory that is the root file system of one, or holds programs.
    RootFs(&'a Path),
    /// A directory of files that came with a job or came out of it.
    Files(&'a Path),
}

impl<'a> Target<'a> {
    /// Where it lies.
    #[must_use]
    pub const fn path(self) -> &'a Path {
        match self {
            Self::Image(path) | Self::RootFs(path) | Self::Files(path) => path,
        }
    }

    /// What is looked for; vulnerabilities only with a database.
    const fn scanners(self, database: bool) -> &'static str {
        match (self, database) {
            (Self::Image(_), true) => "vuln,license,secret,misconfig",
            (Self::Image(_), false) => "license,secret,misconfig",
            (Self::RootFs(_), true) => "vuln,license",
            (Self::RootFs(_), false) => "license",
            (Self::Files(_), _) => "secret,misconfig",
        }
    }
}

/// One run: what is read, and where it lies on this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) target: Target<'a>,
    /// An empty directory: Trivy obeys a `trivy.yaml` or `.trivyignore` where it runs.
    pub(super) home: &'a Path,
    /// What holds `db`; without one, only the inventory.
    pub(super) database: Option<&'a Path>,
    pub(super) timeout_ms: u64,
}

impl Order<'_> {
    /// The arguments, with the input where the tool sees it. Nothing is fetched: the rules on
    /// misconfiguration are those that are built into the tool.
    pub(super) fn arguments(&self, input: &Path) -> Vec<OsString> {
        let own_ms = self.timeout_ms.saturating_add(OWN_TIMEOUT_MARGIN_MS);
        let scanners = self.target.scanners(self.database.is_some());
        let mut words: Vec<OsString> = match self.target {
            Target::Image(_) => {
                let config = ["--image-config-scanners", "misconfig,secret"].map(OsString::from);
                ["image".into(), "--input".into(), input.into()].into_iter().chain(config).collect()
            }
            Target::RootFs(_) => vec!["rootfs".into(), input.into()],
            Target::Files(_) => vec!["fs".into(), input.into()],
        };
        let rest = ["--format", "json", "--list-all-pkgs", "--scanners", scanners]
            .into_iter()
            .chain(["--skip-db-update", "--skip-java-db-update", "--skip-check-update"])
            .chain(["--offline-scan", "--skip-version-check", "--cache-backend", "memory"])
            .chain(["--no-progress"]);
        words.extend(rest.map(OsString::from));
        words.extend(["--timeout".into(), format!("{own_ms}ms").into()]);
        words
    }

    /// The whole environment, with the places as the tool sees them.
    pub(super) fn environment<'p>(
        &self,
        home: &'p Path,
        database: &'p Path,
    ) -> [(&'static str, &'p Path); 4] {
        let cache = if self.database.is_some() { database } else { home };
        [
            ("PATH", Path::new("/usr/bin:/bin")),
            ("HOME", home),
            ("TMPDIR", home),
            ("TRIVY_CACHE_DIR", cache),
        ]
    }
}
