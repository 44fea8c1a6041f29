//! Signatures by keys in a token, and which keys may make them.

use std::path::Path;

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    mechanism::Mechanism,
    object::Attribute,
    session::UserType,
    types::AuthPin,
};
use keys::{Algorithm, FindKeyError, KeyId, KeyStore as _};

use crate::bench::{Bench, PIN, isolated, sign, until};

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Ed25519, Algorithm::EcdsaP256Sha256];

#[test]
fn both_algorithms_sign() {
    isolated("signing::both_algorithms_sign", |bench| {
        let made = ALGORITHMS.map(|algorithm| bench.generate(algorithm, "platform"));
        let store = bench.store();
        for (key, algorithm) in made.iter().zip(ALGORITHMS) {
            assert_eq!(key.algorithm(), algorithm);
            let signer = store.find(key.key_id()).unwrap();
            assert_eq!(signer.public_key(), key);
            for message in [&b""[..], b"message", &[7; 100_000]] {
                let signature = signer.sign(message).unwrap();
                assert_eq!(key.verify(message, &signature), Ok(()));
                assert!(key.verify(b"another", &signature).is_err());
            }
        }
        assert!(store.ready().is_ok());
        let stranger = KeyId::of_spki(b"stranger");
        assert!(matches!(store.find(stranger), Err(FindKeyError::Missing { .. })));
        assert_eq!(bench.hsm.count("C_Login") - 1, 1 + ALGORITHMS.len(), "one per opening");
    });
}

#[test]
fn many_threads_share_the_sessions() {
    isolated("signing::many_threads_share_the_sessions", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let store = bench.store();
        let signer = store.find(key.key_id()).unwrap();
        bench.hsm.faults("C_Sign=sleep:2\n");
        std::thread::scope(|scope| {
            for thread in 0..3 * hsm::SESSIONS {
                let (signer, key) = (&signer, &key);
                scope.spawn(move || {
                    for number in 0..20_usize {
                        let message = [thread.to_be_bytes(), number.to_be_bytes()].concat();
                        let signature = signer.sign(&message).unwrap();
                        assert_eq!(key.verify(&message, &signature), Ok(()));
                    }
                });
            }
        });
        let made = bench.hsm.calls().iter().filter(|call| *call == "C_Sign 0x0").count();
        assert_eq!(made, 3 * hsm::SESSIONS * 20);
    });
}

#[test]
fn a_slow_token_signs() {
    isolated("signing::a_slow_token_signs", |bench| {
        let key = bench.generate(Algorithm::EcdsaP256Sha256, "platform");
        let store = bench.store();
        bench.hsm.faults("C_Sign=sleep:1500\n");
        sign(&store, key.key_id(), b"slowly").unwrap();
        assert!(store.ready().is_ok());
    });
}

#[test]
fn a_key_that_can_leave_the_token_is_refused() {
    isolated("signing::a_key_that_can_leave_the_token_is_refused", |bench| {
        let (sensitive, extractable) = (Attribute::Sensitive, Attribute::Extractable);
        let cases = [
            ([sensitive(true), extractable(true), Attribute::Sign(true)], "CKA_EXTRACTABLE"),
            ([sensitive(false), extractable(false), Attribute::Sign(true)], "CKA_SENSITIVE"),
            ([sensitive(true), extractable(false), Attribute::Sign(false)], "CKA_SIGN"),
        ];
        for (number, (attributes, _)) in (1_u8..).zip(&cases) {
            foreign_key(bench, &[number], attributes);
        }
        let sound = [sensitive(true), extractable(false), Attribute::Sign(true)];
        foreign_key(bench, &[9], &sound);

        let listed = hsm::Token::open(&bench.uri).unwrap().public_keys().unwrap();
        let id_of = |number: u8| {
            let label = format!("foreign-{number}");
            listed.iter().find(|(name, _)| *name == label).unwrap().1.key_id()
        };
        let store = bench.store();
        until("the token is open", || store.ready().is_ok());
        for (number, (_, name)) in (1_u8..).zip(&cases) {
            let error = store.find(id_of(number)).unwrap_err();
            assert!(matches!(error, FindKeyError::Unfit { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        // A key that another program made, whose CKA_ID is not its key id, is found all the same.
        sign(&store, id_of(9), b"message").unwrap();
    });
}

/// A key pair as some other program might make it.
fn foreign_key(bench: &Bench, id: &[u8], attributes: &[Attribute]) {
    let pkcs11 = Pkcs11::new(bench.hsm.module()).unwrap();
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = pkcs11.get_slots_with_initialized_token().unwrap()[0];
    let session = pkcs11.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    let label = Attribute::Label(format!("foreign-{}", id[0]).into_bytes());
    let shared = [Attribute::Token(true), Attribute::Id(id.to_vec()), label];
    let p256 = Attribute::EcParams(b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07".to_vec());
    let public = [&shared[..], &[Attribute::Private(false), p256]].concat();
    let private = [&shared[..], &[Attribute::Private(true)], attributes].concat();
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
    drop(session);
    pkcs11.finalize().unwrap();
}

#[test]
fn a_generated_key_signs_and_never_leaves() {
    isolated("signing::a_generated_key_signs_and_never_leaves", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let token = hsm::Token::open(&bench.uri).unwrap();
        assert_eq!(token.public_keys().unwrap(), [("platform".to_owned(), key)]);
        drop(token);
        let held = held_attributes(bench);
        let want = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::AlwaysSensitive(true),
            Attribute::NeverExtractable(true),
            Attribute::Local(true),
            Attribute::Sign(true),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
        ];
        for attribute in want {
            assert!(held.contains(&attribute), "{attribute:?} is not in {held:?}");
        }
        assert!(!held.iter().any(|attribute| matches!(attribute, Attribute::Value(_))));
    });
}

fn held_attributes(bench: &Bench) -> Vec<Attribute> {
    use cryptoki::object::{AttributeType as Type, ObjectClass};
    let pkcs11 = Pkcs11::new(bench.hsm.module()).unwrap();
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = pkcs11.get_slots_with_initialized_token().unwrap()[0];
    let session = pkcs11.open_ro_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    let private = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap();
    let types = [
        Type::Token,
        Type::Private,
        Type::Sensitive,
        Type::Extractable,
        Type::AlwaysSensitive,
        Type::NeverExtractable,
        Type::Local,
        Type::Sign,
        Type::Decrypt,
        Type::Unwrap,
        Type::Derive,
        Type::Value,
    ];
    assert_eq!(private.len(), 1);
    let held = session.get_attributes(private[0], &types).unwrap();
    drop(session);
    pkcs11.finalize().unwrap();
    held
}

#[test]
fn a_module_that_is_none_is_named() {
    let uri: hsm::Uri =
        "pkcs11:token=a?module-path=/etc/hostname&pin-source=/etc/hostname".parse().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let pin = directory.path().join("pin");
    keys::write_secret(&pin, "1234").unwrap();
    for module in [Path::new("/etc/hostname"), &directory.path().join("none.so")] {
        let uri = hsm::Uri {
            module_path: Some(module.to_owned()),
            pin_source: Some(pin.clone()),
            ..uri.clone()
        };
        let error = hsm::Token::open(&uri).unwrap_err().to_string();
        assert!(error.contains(module.to_str().unwrap()), "{error}");
    }
}
