//! A scanner on a bench: a temporary directory, a small image made by hand, a stub for Trivy.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use ids::{Sha256Digest, Timestamp};
use job::Image;
use scandb::{Advisories, Built};
use scanner::{Config, EngineError, Export, Images, Scans};
use serde_json::json;
use store::{Cache, MemoryCache};

/// The report that the stub answers with, for the image that `Bench` makes.
const SAMPLE: &str = include_str!("../../src/inventory/sample.json");
/// The clock of every test.
pub(crate) const NOW: &str = "2026-11-20T12:00:00.000Z";

/// A small whole database, other on each day of November.
pub(crate) fn built(day: u32) -> Built {
    let list = json!({
        "updated_at": format!("2026-11-{day:02}T00:00:00.000Z"),
        "debian_12": [{"id": "CVE-2005-2541", "package": "tar", "title": format!("day {day}"),
            "severity": {"debian": "LOW"}, "status": "affected"}],
    });
    Advisories::parse(list.to_string().as_bytes()).unwrap().build().unwrap()
}

/// Holds one image in memory and counts its exports.
#[derive(Debug)]
pub(crate) struct OneImage {
    archive: Bytes,
    pub(crate) id: Sha256Digest,
    pub(crate) exports: AtomicUsize,
}

impl OneImage {
    fn new() -> Self {
        // A layer without a file: the real Trivy reads it, too.
        let layer = &[0; 1024];
        let diff_id = format!("sha256:{}", Sha256Digest::of(layer));
        let config = json!({"rootfs": {"type": "layers", "diff_ids": [diff_id]}});
        let config = serde_json::to_vec(&config).unwrap();
        let manifest = json!([{"Config": "config.json", "Layers": ["a/layer.tar"]}]);
        let mut archive = tar::Builder::new(Vec::new());
        let manifest = serde_json::to_vec(&manifest).unwrap();
        for (name, bytes) in
            [("a/layer.tar", &layer[..]), ("config.json", &config), ("manifest.json", &manifest)]
        {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, name, bytes).unwrap();
        }
        Self {
            archive: archive.into_inner().unwrap().into(),
            id: Sha256Digest::of(&config),
            exports: AtomicUsize::new(0),
        }
    }
}

#[async_trait::async_trait]
impl Images for OneImage {
    async fn resolve(&self, image: &Image) -> Result<Sha256Digest, EngineError> {
        if image.repository().is_none() {
            return Ok(image.digest());
        }
        Err(EngineError::OtherDigest(image.to_string()))
    }

    fn export(&self, id: Sha256Digest) -> Export {
        self.exports.fetch_add(1, Ordering::Relaxed);
        let missing = || EngineError::NotFound(format!("sha256:{id}"));
        let pieces: Vec<_> =
            self.archive.chunks(512).map(|p| Ok(Bytes::copy_from_slice(p))).collect();
        let begun = |count: usize| stream::iter(pieces.into_iter().take(count));
        match Ends::of(id) {
            _ if id == self.id => begun(usize::MAX).boxed(),
            Some(Ends::Mislabelled) => begun(usize::MAX).boxed(),
            Some(Ends::Vanishes) => begun(2).chain(stream::iter([Err(missing())])).boxed(),
            Some(Ends::CutOff) => begun(2).boxed(),
            Some(Ends::NoEngine) => {
                let source = bollard::errors::Error::RequestTimeoutError;
                let away = EngineError::Engine { socket: "/run/engine.sock".into(), source };
                stream::iter([Err(away)]).boxed()
            }
            Some(Ends::Stalls) => begun(2).chain(stream::pending()).boxed(),
            None => stream::iter([Err(missing())]).boxed(),
        }
    }
}

/// How the export of an image ends that is not the one of the bench.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ends {
    /// Well, but it is another image.
    Mislabelled,
    /// In the middle, for the image is gone.
    Vanishes,
    /// In the middle, without a word.
    CutOff,
    /// Never.
    Stalls,
    /// At once, for no engine answers.
    NoEngine,
}

impl Ends {
    /// The id that an image with this end has.
    pub(crate) fn id(self) -> Sha256Digest {
        Sha256Digest::of(format!("{self:?}").as_bytes())
    }

    fn of(id: Sha256Digest) -> Option<Self> {
        [Self::Mislabelled, Self::Vanishes, Self::CutOff, Self::Stalls, Self::NoEngine]
            .into_iter()
            .find(|ends| ends.id() == id)
    }
}

/// The bench itself.
pub(crate) struct Bench {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) images: Arc<OneImage>,
    pub(crate) cache: Arc<dyn Cache>,
}

impl Bench {
    /// A bench with a fresh database.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let images = Arc::new(OneImage::new());
        let mut report: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
        report["Metadata"]["ImageID"] = format!("sha256:{}", images.id).into();
        std::fs::write(directory.path().join("report.json"), report.to_string()).unwrap();
        let bench = Self { directory, images, cache: Arc::new(MemoryCache::new(64)) };
        bench.database("2026-11-19T00:00:00.123456789Z");
        bench.filesystem("fs", &json!([]));
        std::fs::write(bench.path("ledger"), "the ledger").unwrap();
        std::fs::write(bench.path("plain"), "a plain program").unwrap();
        bench
    }

    /// What the stub answers to the command `fs` or `rootfs`.
    pub(crate) fn filesystem(&self, command: &str, results: &serde_json::Value) {
        let report = json!({
            "SchemaVersion": 2, "Trivy": {"Version": "0.76.0"}, "ArtifactName": "files",
            "ArtifactType": "filesystem", "Results": results,
        });
        std::fs::write(self.path(&format!("{command}.json")), report.to_string()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Puts a database in place that was updated at that time.
    pub(crate) fn database(&self, updated_at: &str) {
        let directory = self.path("directory/db");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("trivy.db"), built(20).database).unwrap();
        let metadata = json!({
            "Version": 2,
            "NextUpdate": updated_at,
            "UpdatedAt": updated_at,
            "DownloadedAt": updated_at,
        });
        std::fs::write(directory.join("metadata.json"), metadata.to_string()).unwrap();
    }

    /// The configuration with a stub of this behaviour.
    pub(crate) fn config(&self, behaviour: &str) -> Config {
        let tool = self.path(&format!("trivy-{behaviour}"));
        let made = ["missing", "made-by-the-test"].contains(&behaviour);
        if !made && !tool.exists() {
            let stub = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stub-trivy.sh");
            std::os::unix::fs::symlink(stub, &tool).unwrap();
        }
        let text = format!(
            r#"
            [identity]
            certificate = "{0}/scanner.crt.pem"
            key = "{0}/scanner.key.pem"
            ca = "{0}/ca.crt.pem"
            [tool]
            path = "{0}/trivy-{behaviour}"
            sandbox = "none"
            max_report_bytes = 1000000
            [database]
            directory = "{0}/directory"
            label = "test subset"
            [scan]
            scratch_directory = "{0}/scratch"
            cache_directory = "{0}/cache"
            max_image_bytes = 100000
            [[mesh]]
            name = "ledger"
            path = "{0}/ledger"
            [[mesh]]
            name = "plain"
            path = "{0}/plain"
            "#,
            self.directory.path().display()
        );
        Config::parse(&text).unwrap()
    }

    pub(crate) fn scans(&self, config: &Config) -> Arc<Scans> {
        let now: Timestamp = NOW.parse().unwrap();
        let images = Arc::clone(&self.images) as Arc<dyn Images>;
        Scans::new(config, images, Arc::clone(&self.cache), Arc::new(move || now)).unwrap()
    }

    pub(crate) fn image(&self) -> Image {
        format!("sha256:{}", self.images.id).parse().unwrap()
    }

    /// How often the stub ran.
    pub(crate) fn runs(&self) -> usize {
        std::fs::read_to_string(self.path("runs")).unwrap_or_default().lines().count()
    }

    pub(crate) fn scratch_is_empty(&self) -> bool {
        std::fs::read_dir(self.path("scratch")).unwrap().next().is_none()
    }
}
