//! What the targets compare with: a job that was really signed and logged.

use std::{fs, path::Path, sync::LazyLock};

use evidence::{Document, EvidenceSet, TrustRoot};
use ids::{Timestamp, canonical};
use keys::{Certificate, PublicKey};
use serde::Serialize;

/// A signed job and the trust root that it verifies with.
pub(crate) struct Signed {
    /// The job.
    pub(crate) bundle: bundle::Bundle,
    /// A bundle with little in it but a logged attestation.
    pub(crate) small: bundle::Bundle,
    /// The root.
    pub(crate) root: TrustRoot,
    /// When it was signed.
    pub(crate) at: Timestamp,
    /// Exact bytes of every file of the trust root that was signed.
    pub(crate) roots: Vec<Vec<u8>>,
}

/// The signed job.
pub(crate) fn signed() -> &'static Signed {
    static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
        let roots = ["version_1", "version_2"];
        let roots = roots.map(|name| file(&format!("corpus/trust_root/{name}.json")));
        let bundle = |path| bundle::Bundle::parse(&file(path)).expect("a bundle");
        Signed {
            bundle: bundle("fixture/wine.json"),
            small: bundle("corpus/bundle/small.json"),
            root: TrustRoot::parse(&roots[0]).expect("a trust root"),
            at: "2026-11-20T10:00:00.000Z".parse().expect("a time"),
            roots: roots.into(),
        }
    });
    &SIGNED
}

/// The bytes of a file that `seed` wrote.
pub(crate) fn file(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run seed", path.display()))
}

impl Signed {
    /// Every document of the evidence.
    pub(crate) fn documents(&self) -> Vec<&Document> {
        let EvidenceSet { request, grant, training, scans, submission, release } =
            &self.bundle.evidence;
        let each = [request, grant, training, submission].into_iter();
        each.chain(scans).chain(release).collect()
    }

    /// The leaf certificates of who signed them.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &[u8]> {
        let documents = self.documents().into_iter();
        documents.filter_map(|document| Some(document.certificates.first()?.as_slice()))
    }

    /// The keys of who signed anything.
    pub(crate) fn keys(&self) -> &'static [PublicKey] {
        static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
            let wine = signed();
            let leaves = wine.leaves().map(|der| Certificate::parse(der).expect("a certificate"));
            let parties = leaves.map(|leaf| leaf.public_key().clone());
            let platform =
                evidence::KeyUse::ALL.into_iter().flat_map(|usage| wine.root.keys(usage));
            parties.chain(platform.map(|(key, _)| key)).collect()
        });
        &KEYS
    }
}

/// Whether `data` is how `value` is written. Readers compare with the fast writer; this is the
/// plain one, so the two are held against each other as well.
pub(crate) fn one_spelling(value: &impl Serialize, data: &[u8]) -> bool {
    canonical::to_vec(value).is_ok_and(|written| written == data)
}
