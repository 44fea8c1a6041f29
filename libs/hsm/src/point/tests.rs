//! Points of both curves, wrapped and not, and what is no point.

use keys::{FileKey, SigningKey as _, generate_ed25519, generate_p256};
use proptest::prelude::*;

use super::*;

fn sample(pem: &str, bytes: usize) -> (PublicKey, Vec<u8>) {
    let public = FileKey::from_pem(pem).unwrap().public_key().clone();
    let spki = public.spki_der();
    let point = spki[spki.len() - bytes..].to_vec();
    (public, point)
}

#[test]
fn points_are_read_wrapped_and_bare() {
    let ed25519 = sample(&generate_ed25519(&[3; 32]).unwrap(), ED25519_BYTES);
    let p256 = sample(&generate_p256(&[3; 32]).unwrap(), P256_BYTES);
    let cases = [
        (ED25519_PARAMS, 0x20, &ed25519),
        (ED25519_NAME, 0x20, &ed25519),
        (P256_PARAMS, 0x41, &p256),
    ];
    for (params, length, (public, point)) in cases {
        let wrapped = [&[0x04, length], &point[..]].concat();
        assert_eq!(public_key(params, point).as_ref(), Some(public));
        assert_eq!(public_key(params, &wrapped).as_ref(), Some(public));
        assert_eq!(public_key(params, &wrapped[..wrapped.len() - 1]), None);
        assert_eq!(public_key(params, &[&wrapped[..], &[0]].concat()), None);
        assert_eq!(public_key(params, &[&[0x04, length + 1], &point[..]].concat()), None);
        assert_eq!(public_key(params, &[]), None);
        assert_eq!(public_key(b"\x06\x05\x2b\x81\x04\x00\x22", point), None, "another curve");
    }
    assert_eq!(public_key(P256_PARAMS, &[4; P256_BYTES]), None, "not on the curve");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(point in proptest::collection::vec(any::<u8>(), 0..80)) {
        for params in [ED25519_PARAMS, P256_PARAMS] {
            let _ = public_key(params, &point);
        }
    }
}
