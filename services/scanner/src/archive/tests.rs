//! Exports made by hand, honest and not.

use futures::stream;
use serde_json::json;

use super::*;

struct Export(tar::Builder<Vec<u8>>);

impl Export {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn file(mut self, name: &str, bytes: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        self.0.append_data(&mut header, name, bytes).unwrap();
        self
    }

    fn link(mut self, name: &str, target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        self.0.append_link(&mut header, name, target).unwrap();
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> =
        layers.iter().map(|layer| format!("sha256:{}", Sha256Digest::of(layer))).collect();
    serde_json::to_vec(&json!({"rootfs": {"type": "layers", "diff_ids": diff_ids}})).unwrap()
}

fn manifest(config: &str, layers: &[&str]) -> Vec<u8> {
    serde_json::to_vec(&json!([{"Config": config, "RepoTags": null, "Layers": layers}])).unwrap()
}

async fn saved(
    export: Vec<u8>,
    limit: u64,
    id: Sha256Digest,
) -> Result<Sha256Digest, ArchiveError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    let pieces: Vec<_> =
        export.chunks(700).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let result = save(stream::iter(pieces), &path, limit, id).await;
    if result.is_ok() {
        assert_eq!(std::fs::read(&path).unwrap(), export);
    }
    result
}

#[tokio::test]
async fn the_bytes_are_saved_and_the_id_leads_to_every_layer() {
    let config = config(&[b"one", b"two", b"one"]);
    let export = Export::new()
        .file("a/layer.tar", b"one")
        .file("b/layer.tar", b"two")
        .link("c/layer.tar", "../a/layer.tar")
        .file("c.json", &config)
        .file("manifest.json", &manifest("c.json", &["a/layer.tar", "b/layer.tar", "c/layer.tar"]));
    let id = Sha256Digest::of(&config);
    assert_eq!(saved(export.bytes(), 1 << 20, id).await.unwrap(), id);
}

#[tokio::test]
async fn another_image_is_refused() {
    let config = config(&[b"one"]);
    let export = Export::new()
        .file("a/layer.tar", b"one")
        .file("c.json", &config)
        .file("manifest.json", &manifest("c.json", &["a/layer.tar"]));
    let error = saved(export.bytes(), 1 << 20, Sha256Digest::of(b"asked for")).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Binding(BindingError::Id { .. })), "{error}");
}

#[tokio::test]
async fn a_layer_with_other_bytes_or_a_missing_layer_is_refused() {
    let config = config(&[b"one", b"two"]);
    let id = Sha256Digest::of(&config);
    for (second, layers) in [
        (b"tWo", vec!["a.tar", "b.tar"]),
        (b"two", vec!["a.tar"]),
        (b"two", vec!["b.tar", "a.tar"]),
    ] {
        let export = Export::new()
            .file("a.tar", b"one")
            .file("b.tar", second)
            .file("c.json", &config)
            .file("manifest.json", &manifest("c.json", &layers));
        let error = saved(export.bytes(), 1 << 20, id).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Binding(BindingError::Layer(_))), "{error}");
    }
}

#[tokio::test]
async fn a_manifest_or_an_index_may_be_the_id() {
    let config = config(&[b"one"]);
    let config_digest = Sha256Digest::of(&config);
    let packed = Sha256Digest::of(b"packed");
    let oci = serde_json::to_vec(&json!({
        "config": {"digest": format!("sha256:{config_digest}")},
        "layers": [{"digest": format!("sha256:{packed}")}],
    }));
    let oci = oci.unwrap();
    let oci_digest = Sha256Digest::of(&oci);
    let index = json!({"manifests": [{"digest": format!("sha256:{oci_digest}")}]});
    let index = serde_json::to_vec(&index).unwrap();
    let blob = |digest: Sha256Digest| format!("blobs/sha256/{digest}");
    let export = || {
        Export::new()
            .file(&blob(packed), b"packed")
            .file(&blob(config_digest), &config)
            .file(&blob(oci_digest), &oci)
            .file(&blob(Sha256Digest::of(&index)), &index)
            .file("manifest.json", &manifest(&blob(config_digest), &[&blob(packed)]))
            .bytes()
    };
    for id in [oci_digest, Sha256Digest::of(&index)] {
        assert_eq!(saved(export(), 1 << 20, id).await.unwrap(), config_digest);
    }
    let mislabelled = Export::new()
        .file(&blob(packed), b"packed")
        .file(&blob(config_digest), &config)
        .file(&blob(Sha256Digest::of(b"other")), &oci)
        .file("manifest.json", &manifest(&blob(config_digest), &[&blob(packed)]));
    let refused = saved(mislabelled.bytes(), 1 << 20, Sha256Digest::of(b"other")).await;
    assert!(matches!(refused, Err(ArchiveError::Binding(BindingError::Id { .. }))));
}

#[tokio::test]
async fn too_many_bytes_a_broken_tar_and_a_failing_engine_are_refused() {
    let id = Sha256Digest::of(b"");
    let export = Export::new().file("a.tar", &[7; 10_000]).bytes();
    let error = saved(export.clone(), 4_096, id).await.unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { limit: 4_096 }));
    let cut = saved(export[..5_000].to_vec(), 1 << 20, id).await.unwrap_err();
    assert!(matches!(cut, ArchiveError::Broken { .. }), "{cut}");
    let twice = Export::new().file("a", b"1").file("a", b"2").bytes();
    assert!(matches!(saved(twice, 1 << 20, id).await, Err(ArchiveError::Broken { .. })));
    let empty = saved(Vec::new(), 1 << 20, id).await.unwrap_err();
    assert!(matches!(empty, ArchiveError::Broken { .. }), "{empty}");
}
