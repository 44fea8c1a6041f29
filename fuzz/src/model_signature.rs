//! Model signatures (`model.sig`) and the manifests in them.

use std::sync::LazyLock;

use keys::{FileKey, SigningKey as _};
use oms::{Bundle, Manifest, Material, verify_exact};
use testkit::evidence::Fixture;

use crate::fixture::signed;

static KEY: LazyLock<FileKey> = LazyLock::new(|| Fixture::new().mesh().model_key());

/// A `model.sig`, or the statement in one, which is then signed.
pub fn model_signature(data: &[u8]) -> bool {
    let made = &signed().bundle.signatures.model;
    let statement = Bundle::parse(made).expect("a model signature").payload().to_vec();
    let key = KEY.public_key();
    let exact = verify_exact(data, &statement, key).is_ok();
    assert!(exact == (data == made), "one file is the one");
    if let Ok(bundle) = Bundle::parse(data) {
        let holds = bundle.verify_key(key).is_ok();
        assert!(!holds || bundle.payload() == statement, "a manifest that nobody signed");
        return holds;
    }
    let Ok(manifest) = Manifest::from_statement(data) else { return false };
    let again = manifest.to_statement().expect("a manifest");
    let back = Manifest::from_statement(&again).expect("what is written is what is read");
    assert!(back.to_statement().is_ok_and(|twice| twice == again), "a manifest has one statement");
    let file = oms::sign(data.to_vec(), &*KEY, Material::PublicKey).expect("a file key signs");
    assert!(verify_exact(&file, data, key).is_ok(), "what is signed is what was asked for");
    let verified = Bundle::parse(&file).expect("a model signature").verify_key(key);
    assert!(verified.is_ok_and(|verified| *verified.manifest() == manifest), "it verifies");
    true
}
