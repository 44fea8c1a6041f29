//! Databases and what they travel in, made by hand.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use ids::{Sha256Digest, Timestamp};
use scandb::{Advisories, Built, ImportError, Imported, Installer, LAYER_MEDIA_TYPE, Options};
use serde_json::json;

/// The clock of every test.
pub(crate) const NOW: &str = "2026-11-20T12:00:00.000Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn options() -> Options {
    Options { now: now(), sha256: None, allow_older: false }
}

/// A database that was updated on that day of November.
pub(crate) fn built(day: u32) -> Built {
    let list = json!({
        "updated_at": format!("2026-11-{day:02}T00:00:00.000Z"),
        "debian_12": [{"id": "CVE-2005-2541", "package": "tar", "title": format!("day {day}"),
            "severity": {"debian": "LOW"}, "status": "affected"}],
    });
    Advisories::parse(list.to_string().as_bytes()).unwrap().build().unwrap()
}

/// An archive of these files, with this kind of entry.
pub(crate) fn tar_of(kind: tar::EntryType, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // As it is: the library's own setters refuse what a test wants to write.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    tar_of(tar::EntryType::Regular, files)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// `db.tar.gz` as Trivy's publisher packs it.
pub(crate) fn layer(built: &Built) -> Vec<u8> {
    gzip(&tar(&[("trivy.db", &built.database), ("metadata.json", &built.metadata)]))
}

/// The files of an OCI image layout.
pub(crate) struct Layout {
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

fn descriptor(kind: &str, bytes: &[u8]) -> serde_json::Value {
    let digest = format!("sha256:{}", Sha256Digest::of(bytes));
    json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
}

fn blob(bytes: &[u8]) -> (String, Vec<u8>) {
    (format!("blobs/sha256/{}", Sha256Digest::of(bytes)), bytes.to_vec())
}

impl Layout {
    /// With these layers, each of that media type.
    pub(crate) fn new(kind: &str, layers: &[&[u8]]) -> Self {
        let descriptors: Vec<_> = layers.iter().map(|layer| descriptor(kind, layer)).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
            "layers": descriptors,
        });
        let manifest = manifest.to_string().into_bytes();
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let index = json!({"schemaVersion": 2, "manifests": [descriptor(kind, &manifest)]});
        let mut files = vec![
            ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json".to_owned(), index.to_string().into_bytes()),
            blob(&manifest),
            blob(b"{}"),
        ];
        files.extend(layers.iter().map(|layer| blob(layer)));
        Self { files }
    }

    pub(crate) fn of(built: &Built) -> Self {
        Self::new(LAYER_MEDIA_TYPE, &[&layer(built)])
    }

    pub(crate) fn tar(&self) -> Vec<u8> {
        let files: Vec<_> = self.files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        tar(&files)
    }

    pub(crate) fn write(&self, directory: &Path) {
        for (name, bytes) in &self.files {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

/// A directory for the database, and one for sources.
pub(crate) struct Bench {
    _root: tempfile::TempDir,
    pub(crate) target: PathBuf,
    pub(crate) sources: PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (target, sources) = (root.path().join("target"), root.path().join("sources"));
        std::fs::create_dir_all(&sources).unwrap();
        Self { _root: root, target, sources }
    }

    /// A bench with a database in place.
    pub(crate) fn with(day: u32) -> Self {
        let bench = Self::new();
        Installer::lock(&bench.target).unwrap().put(&built(day)).unwrap();
        bench
    }

    pub(crate) fn source(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.sources.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn import(&self, source: &Path) -> Result<Imported, ImportError> {
        Installer::lock(&self.target)?.import(source, &options())
    }

    /// The database in place, and no leftovers beside it.
    pub(crate) fn in_place(&self) -> Option<Vec<u8>> {
        let mut names: Vec<_> = std::fs::read_dir(&self.target)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert!(names == [".lock"] || names == [".lock", "db"], "{names:?}");
        std::fs::read(self.target.join("db/trivy.db")).ok()
    }
}
