//! The names by which parts of the document refer to each other. Fixed ones never begin with `pkg:`,
//! so that no package of an image can take the place of another part.

use std::borrow::Cow;

/// What was released: the subject of the document.
pub(crate) const RELEASE: &str = "release";
/// The trained model file.
pub(crate) const MODEL: &str = "output/model.keras";
/// Its card.
pub(crate) const CARD: &str = "card/model.keras";
/// The submitted model file.
pub(crate) const SUBMITTED_MODEL: &str = "input/model";
/// The submitted model file as an ancestor of the trained one.
pub(crate) const SUBMITTED_ANCESTOR: &str = "base/submitted";
/// The model that the submitted one was derived from.
pub(crate) const BASE_MODEL: &str = "base/model";
/// The dataset.
pub(crate) const DATASET: &str = "input/dataset";
/// The dataset's definition.
pub(crate) const DEFINITION: &str = "input/definition";
/// The trainer's image.
pub(crate) const IMAGE: &str = "image/trainer";
/// The operating system in it.
pub(crate) const IMAGE_OS: &str = "image/os";
/// The machine that the training ran on.
pub(crate) const HOST: &str = "host";
/// The host's processor.
pub(crate) const CPU: &str = "host/cpu";
/// The host's operating system.
pub(crate) const OS: &str = "host/os";
/// The container engine.
pub(crate) const ENGINE: &str = "host/engine";
/// The OCI runtime.
pub(crate) const RUNTIME: &str = "host/runtime";
/// The task that trained.
pub(crate) const TRAIN_TASK: &str = "task/observed/train";

/// The mesh's policy in a fetched directory.
pub(crate) const POLICY: &str = "policy.dsse.json";

/// This crate, which wrote the document.
pub(crate) const ASSEMBLER: &str = "tool/assembler";

/// A key that signed a document of the evidence.
pub(crate) fn key(key: &keys::PublicKey) -> String {
    format!("key/{}", key.key_id())
}

/// The note that a scan was not done.
pub(crate) fn not_scanned(index: usize) -> String {
    format!("not-scanned/{index}")
}

/// The note that an approver released what the policy held.
pub(crate) const RELEASED: &str = "released";

/// The note that an entry of the policy's list ignores findings.
pub(crate) fn ignored(index: usize) -> String {
    format!("ignored/{index}")
}

/// A vulnerability.
pub(crate) fn vulnerability(id: &str) -> String {
    format!("vulnerability/{id}")
}

/// A program of the mesh that nothing but a scan names.
pub(crate) fn program(index: usize, name: &str) -> String {
    format!("tool/mesh/{index}/{name}")
}

/// An input file, by its role.
pub(crate) fn input(role: &str) -> String {
    format!("input/{role}")
}

/// An output file.
pub(crate) fn output(name: &str) -> String {
    format!("output/{name}")
}

/// The records of a split.
pub(crate) fn split(name: &str) -> String {
    format!("split/{name}")
}

/// A package of the image.
pub(crate) fn package(purl: &str) -> Cow<'_, str> {
    if purl.starts_with("pkg:") { purl.into() } else { format!("package/{purl}").into() }
}

/// Whether `name` is `whole` with one more segment or several.
pub(crate) fn is_part(name: &str, whole: &str) -> bool {
    name.strip_prefix(whole).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a document of the evidence is an in-toto link; the others are DSSE envelopes.
pub(crate) fn is_link(document: &str) -> bool {
    document.ends_with(".link")
}

/// Where a document of the evidence lies in a fetched directory.
pub(crate) fn document(name: &str) -> String {
    let folder = if is_link(name) { "signatures" } else { "evidence" };
    format!("{folder}/{name}")
}
