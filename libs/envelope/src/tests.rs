//! Envelopes: round trip, and every single-byte change refused.

use keys::{FileKey, SigningKey as _, generate_ed25519, generate_p256};
use proptest::prelude::*;

use super::*;

const TYPE: &str = "application/vnd.test+json";

fn key() -> FileKey {
    FileKey::from_pem(&generate_ed25519(&[9; 32]).unwrap()).unwrap()
}

#[test]
fn pae_is_the_example_of_the_specification() {
    let encoded = pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn what_was_sealed_opens_and_nothing_else_does() {
    let key = key();
    let sealed = Envelope::seal(TYPE, b"{}".to_vec(), &key).unwrap();
    let parsed = Envelope::parse(sealed.as_bytes(), 1024).unwrap();
    assert_eq!(parsed.open(TYPE, key.public_key()).unwrap(), b"{}");
    assert!(parsed.open("other", key.public_key()).is_err());
    let other = FileKey::from_pem(&generate_p256(&[9; 32]).unwrap()).unwrap();
    assert!(parsed.open(TYPE, other.public_key()).is_err());
    for position in 0..sealed.as_bytes().len() {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[position] ^= 1;
        let opened = Envelope::parse(&bytes, 1024)
            .and_then(|envelope| envelope.open(TYPE, key.public_key()).map(<[u8]>::to_vec));
        assert!(opened.is_err(), "byte {position}");
    }
}

#[test]
fn sigstore_bundle_holds_the_envelope_unchanged() {
    let key = key();
    let sealed = Envelope::seal(TYPE, b"{}".to_vec(), &key).unwrap();
    let bundle = sigstore_bundle(&sealed, key.public_key()).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
    assert_eq!(value["mediaType"], BUNDLE_MEDIA_TYPE);
    let inner = ids::canonical::to_vec(&value["dsseEnvelope"]).unwrap();
    assert_eq!(inner, sealed.as_bytes());
}

proptest! {
    #[test]
    fn any_bytes_parse_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Envelope::parse(&bytes, 256);
    }

    #[test]
    fn any_payload_round_trips(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        let key = key();
        let sealed = Envelope::seal(TYPE, payload.clone(), &key).unwrap();
        let parsed = Envelope::parse(sealed.as_bytes(), 4096).unwrap();
        prop_assert_eq!(parsed.open(TYPE, key.public_key()).unwrap(), payload.as_slice());
    }
}
