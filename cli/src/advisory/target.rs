//! Which image is meant, and the AIBoM that names it, if there is one.

use std::path::{Path, PathBuf};

use ::verify::{AdvisoryName, verify_bundle};
use evidence::TrustRoot;
use ids::{JobId, Sha256Digest};
use job::Image;
use report::Aibom;
use serde_json::Value;

use crate::{bom::read::read, failure::Failure};

/// What was named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A job of the caller's.
    Job(JobId),
    /// An image by digest.
    Image(Sha256Digest),
    /// The link in an AIBoM.
    Name(AdvisoryName),
    /// A bundle, a fetched directory, or an AIBoM.
    File(PathBuf),
}

/// Reads a target: a URN, an image by digest, a job id; anything else is a path.
pub(super) fn parse(text: &str) -> Result<Target, String> {
    if text.starts_with("urn:") {
        return text
            .parse()
            .map(Target::Name)
            .map_err(|e: ::verify::AdvisoryNameError| e.to_string());
    }
    if let Ok(image) = text.parse::<Image>() {
        return Ok(Target::Image(image.digest()));
    }
    Ok(text.parse().map_or_else(|_| Target::File(text.into()), Target::Job))
}

/// The image, and the AIBoM that names it.
#[derive(Debug)]
pub(super) struct Subject {
    /// The image.
    pub(super) image: Sha256Digest,
    /// The AIBoM, and whether it came in a bundle that verifies.
    pub(super) aibom: Option<(Aibom, bool)>,
}

impl Subject {
    /// What a target means without a network; a job means nothing then.
    pub(super) fn of_file(target: &Target, root: &TrustRoot) -> Result<Self, Failure> {
        match target {
            Target::Image(image) => Ok(Self { image: *image, aibom: None }),
            Target::Name(name) => of_mesh(name, root).map(|image| Self { image, aibom: None }),
            Target::File(path) => Self::of_path(path, root),
            Target::Job(id) => Err(Failure::cannot(format_args!("the job {id} is in the mesh"))
                .because("--scan uses no network")
                .remedy("name the job's bundle or its AIBoM")),
        }
    }

    fn of_path(path: &Path, root: &TrustRoot) -> Result<Self, Failure> {
        let found = read(path)?;
        if let Some(bundle) = &found.bundle {
            return Self::of_bundle(bundle, root);
        }
        let aibom = found.document(path)?;
        let image = image(&aibom, root)?.ok_or_else(|| {
            Failure::cannot(format_args!("{} names no image by digest", path.display()))
                .remedy("name the image itself: sha256:<64 hex digits>")
        })?;
        Ok(Self { image, aibom: Some((aibom, false)) })
    }

    /// The AIBoM of a bundle that verifies.
    pub(super) fn of_bundle(bytes: &[u8], root: &TrustRoot) -> Result<Self, Failure> {
        let verdict = verify_bundle(bytes, root);
        let Some(subject) = &verdict.subject else {
            let failed = verdict.checks.first_failure();
            let why = failed.map(|check| format!("{}: {}", check.name, check.detail));
            return Err(Failure::refused("the bundle does not verify")
                .because(why.unwrap_or_default())
                .remedy("'aibom verify' lists every check"));
        };
        let aibom = Aibom::parse(subject.aibom())
            .map_err(|error| Failure::cannot("the AIBoM cannot be read").caused_by(&error))?;
        let image = subject.evidence().request().spec.trainer.image.digest();
        Ok(Self { image, aibom: Some((aibom, true)) })
    }
}

/// The image of a name, when it is one of this mesh.
fn of_mesh(name: &AdvisoryName, root: &TrustRoot) -> Result<Sha256Digest, Failure> {
    if name.trust_domain == root.trust_domain {
        return Ok(name.image);
    }
    Err(Failure::cannot(format_args!("{name} is of another mesh"))
        .because(format_args!("the trust root is that of {}", root.trust_domain))
        .remedy("name that mesh with --mesh, and its trust root"))
}

/// The image that an AIBoM names: by its link, or by the digest of the trainer's image.
fn image(aibom: &Aibom, root: &TrustRoot) -> Result<Option<Sha256Digest>, Failure> {
    let text = |value: &Value, pointer: &str| -> String {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let trainer = aibom.component("image/trainer");
    let list = |of: Option<&Value>, member: &str| -> Vec<Value> {
        of.and_then(|of| of.get(member)).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let mut links = list(Some(aibom.value()), "externalReferences");
    links.extend(list(trainer, "externalReferences"));
    if let Some(name) = links.iter().find_map(|link| text(link, "/url").parse().ok()) {
        return of_mesh(&name, root).map(Some);
    }
    let hashes = list(trainer, "hashes");
    let sha256 = hashes.iter().find(|hash| text(hash, "/alg") == "SHA-256");
    Ok(sha256.and_then(|hash| text(hash, "/content").parse().ok()))
}
