//! Whether the entries of an export are the image that was asked for.
//!
//! An image id is the SHA-256 of the image's configuration, which lists the SHA-256 of every
//! layer (OCI image specification, `config.md`). Engines with the containerd store name an image
//! by its manifest or index instead, which lists the configuration and the packed layers. Either
//! way the digests of the entries must lead from the id to every layer, or the export is refused.

use ids::Sha256Digest;
use serde::{Deserialize, de::DeserializeOwned};

use super::Entries;

/// Why an export is not the image that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    /// An entry that must be there is not, or does not read.
    #[error("the export has no readable entry {0:?}")]
    Entry(String),
    /// Not exactly one image.
    #[error("the export holds {0} images, expected one")]
    Count(usize),
    /// Neither configuration nor manifest has the digest that was asked for.
    #[error("the export is the image with the configuration sha256:{got}, not sha256:{wanted}")]
    Id {
        /// The configuration that is there.
        got: Sha256Digest,
        /// What was asked for.
        wanted: Sha256Digest,
    },
    /// A layer has other bytes than the image says, or there are too many or too few.
    #[error("layer {0} of the export is not the image's")]
    Layer(usize),
}

/// `manifest.json` of an export.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Exported {
    config: String,
    #[serde(default)]
    layers: Vec<String>,
}

/// The configuration, as far as it matters here.
#[derive(Deserialize)]
struct Configuration {
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

/// An OCI manifest (`config`, `layers`) or index (`manifests`).
#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
}

/// Checks the chain from `id` to every layer; gives the configuration's digest.
pub(super) fn check(entries: &Entries, id: Sha256Digest) -> Result<Sha256Digest, BindingError> {
    let exported: Vec<Exported> = entries.document("manifest.json")?;
    let [image] = exported.as_slice() else { return Err(BindingError::Count(exported.len())) };
    let config = entries.digest(&image.config)?;
    let configuration: Configuration = entries.document(&image.config)?;
    let packed = if config == id {
        Vec::new()
    } else {
        let manifest =
            entries.manifest(id, config).ok_or(BindingError::Id { got: config, wanted: id })?;
        manifest.layers
    };
    let diff_ids = configuration.rootfs.diff_ids;
    if image.layers.len() != diff_ids.len() {
        return Err(BindingError::Layer(image.layers.len().min(diff_ids.len())));
    }
    for (index, (layer, diff_id)) in image.layers.iter().zip(&diff_ids).enumerate() {
        let got = format!("sha256:{}", entries.digest(layer)?);
        let as_packed = packed.get(index).is_some_and(|descriptor| descriptor.digest == got);
        if got != *diff_id && !as_packed {
            return Err(BindingError::Layer(index));
        }
    }
    Ok(config)
}

impl Entries {
    fn document<T: DeserializeOwned>(&self, name: &str) -> Result<T, BindingError> {
        self.documents
            .get(name)
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .ok_or_else(|| BindingError::Entry(name.chars().take(200).collect()))
    }

    /// The digest of an entry; of what it links to, once, when it is a link.
    fn digest(&self, name: &str) -> Result<Sha256Digest, BindingError> {
        let target = self.links.get(name).map(|target| resolve(name, target));
        let name = target.as_deref().unwrap_or(name);
        let found = self.digests.get(name).copied();
        found.ok_or_else(|| BindingError::Entry(name.chars().take(200).collect()))
    }

    /// The manifest that names `config`, being `id` itself or listed in the index that is `id`.
    fn manifest(&self, id: Sha256Digest, config: Sha256Digest) -> Option<Manifest> {
        let config = format!("sha256:{config}");
        let names_it = |manifest: &Manifest| {
            manifest.config.as_ref().is_some_and(|descriptor| descriptor.digest == config)
        };
        let first = self.blob(&format!("sha256:{id}"))?;
        if names_it(&first) {
            return Some(first);
        }
        let mut listed = first.manifests.iter().filter_map(|item| self.blob(&item.digest));
        listed.find(names_it)
    }

    /// The manifest among the blobs that has this digest, by its bytes and not by its name.
    fn blob(&self, digest: &str) -> Option<Manifest> {
        let wanted: Sha256Digest = digest.strip_prefix("sha256:")?.parse().ok()?;
        let name = format!("blobs/sha256/{wanted}");
        (self.digests.get(&name)? == &wanted).then(|| self.document(&name).ok()).flatten()
    }
}

/// The entry that `target` names, seen from the directory of `name`.
fn resolve(name: &str, target: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
