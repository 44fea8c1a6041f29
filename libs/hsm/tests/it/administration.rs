//! Making tokens, choosing among them, and generating keys.

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    session::UserType,
    slot::Slot,
    types::AuthPin,
};
use hsm::{GenerateError, InitialiseError, Token, TokenError, Uri, initialise};
use keys::Algorithm;

use crate::bench::{Bench, PIN, SO_PIN, isolated};

#[test]
fn a_token_is_chosen_by_its_uri() {
    isolated("administration::a_token_is_chosen_by_its_uri", |bench| {
        let other = initialise(&bench.hsm.module(), None, "other", SO_PIN, PIN).unwrap();
        let twin = foreign_twin(bench);
        assert_ne!(twin.serial, bench.uri.serial);
        let open = |uri: Uri| Token::open(&Uri { pin_source: bench.uri.pin_source.clone(), ..uri });
        for uri in [bench.uri.clone(), other.clone(), twin] {
            assert_eq!(open(uri).unwrap().public_keys().unwrap(), []);
        }
        let by_label = Uri { serial: None, ..bench.uri.clone() };
        let error = open(by_label).unwrap_err();
        assert!(matches!(error, TokenError::Ambiguous { .. }), "{error}");

        let missing = Uri { token: Some("none".to_owned()), serial: None, ..bench.uri.clone() };
        let error = open(missing).unwrap_err();
        assert!(matches!(error, TokenError::NoToken { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("\"mesh\"") && text.contains("\"other\""), "{text}");
        for (name, uri) in [
            ("manufacturer", Uri { manufacturer: Some("x".to_owned()), ..other.clone() }),
            ("model", Uri { model: Some("x".to_owned()), ..other.clone() }),
            ("slot", Uri { slot_id: Some(987), ..other.clone() }),
        ] {
            assert!(matches!(open(uri), Err(TokenError::NoToken { .. })), "{name}");
        }
        let no_module = Uri { module_path: None, ..other.clone() };
        assert!(matches!(open(no_module), Err(TokenError::Uri { .. })));
        let certificate = Uri { object_type: Some(hsm::ObjectType::Cert), ..other };
        assert!(matches!(open(certificate), Err(TokenError::Uri { .. })));
    });
}

/// A second token with the same label, as the vendor's tool makes it.
fn foreign_twin(bench: &Bench) -> Uri {
    let pkcs11 = Pkcs11::new(bench.hsm.module()).unwrap();
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slots = pkcs11.get_slots_with_token().unwrap();
    let empty = |slot: &Slot| !pkcs11.get_token_info(*slot).unwrap().token_initialized();
    let slot = slots.into_iter().find(empty).unwrap();
    pkcs11.init_token(slot, &AuthPin::from(SO_PIN), "mesh").unwrap();
    let session = pkcs11.open_rw_session(slot).unwrap();
    session.login(UserType::So, Some(&AuthPin::from(SO_PIN))).unwrap();
    session.init_pin(&AuthPin::from(PIN)).unwrap();
    drop(session);
    let serial = pkcs11.get_token_info(slot).unwrap().serial_number().to_owned();
    pkcs11.finalize().unwrap();
    Uri { serial: Some(serial), ..bench.uri.clone() }
}

#[test]
fn a_making_that_is_repeated_makes_no_second_token() {
    isolated("administration::a_making_that_is_repeated_makes_no_second_token", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let before = bench.hsm.count("C_InitToken");
        let error = initialise(&bench.hsm.module(), None, "mesh", SO_PIN, PIN).unwrap_err();
        assert!(matches!(error, InitialiseError::Exists { .. }), "{error}");
        assert!(error.to_string().contains("use it as it is, or remove it"), "{error}");
        assert_eq!(bench.hsm.count("C_InitToken"), before);
        let by_label = Uri { serial: None, ..bench.uri.clone() };
        let listed = Token::open(&by_label).unwrap().public_keys().unwrap();
        assert_eq!(listed, [("platform".to_owned(), key)]);
    });
}

#[test]
fn a_token_with_keys_is_never_made_anew() {
    isolated("administration::a_token_with_keys_is_never_made_anew", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let module = bench.hsm.module();
        let pkcs11 = cryptoki::context::Pkcs11::new(&module).unwrap();
        let flags = cryptoki::context::CInitializeFlags::OS_LOCKING_OK;
        pkcs11.initialize(cryptoki::context::CInitializeArgs::new(flags)).unwrap();
        let slot = pkcs11.get_slots_with_initialized_token().unwrap()[0].id();
        pkcs11.finalize().unwrap();

        let error = initialise(&module, Some(slot), "again", SO_PIN, PIN).unwrap_err();
        assert!(matches!(error, InitialiseError::Occupied { .. }), "{error}");
        let error = initialise(&module, Some(slot + 1_000), "again", SO_PIN, PIN).unwrap_err();
        assert!(matches!(error, InitialiseError::NoSlot { .. }), "{error}");
        for label in ["", "a label that is longer than the thirty-two bytes", "a\nb"] {
            let error = initialise(&module, None, label, SO_PIN, PIN).unwrap_err();
            assert!(matches!(error, InitialiseError::Label { .. }), "{error}");
        }
        let listed = Token::open(&bench.uri).unwrap().public_keys().unwrap();
        assert_eq!(listed, [("platform".to_owned(), key)]);
    });
}

#[test]
fn keys_are_listed_and_chosen_by_label() {
    isolated("administration::keys_are_listed_and_chosen_by_label", |bench| {
        let ed25519 = bench.generate(Algorithm::Ed25519, "platform");
        let p256 = bench.generate(Algorithm::EcdsaP256Sha256, "model signing");
        let list = |uri: &Uri| Token::open(uri).unwrap().public_keys().unwrap();
        assert_eq!(list(&bench.uri).len(), 2);
        let one = Uri { object: Some("model signing".to_owned()), ..bench.uri.clone() };
        assert_eq!(list(&one), [("model signing".to_owned(), p256.clone())]);
        let id = ed25519.key_id().as_bytes().to_vec();
        let one = Uri { id: Some(id), ..bench.uri.clone() };
        assert_eq!(list(&one), [("platform".to_owned(), ed25519)]);

        let token = Token::open(&bench.uri).unwrap();
        for label in ["", "a\u{7}b", &"x".repeat(hsm::MAX_LABEL_BYTES + 1)] {
            let error = token.generate(Algorithm::Ed25519, label).unwrap_err();
            assert!(matches!(error, GenerateError::Label { .. }), "{error}");
        }
        let second = Token::open(&bench.uri).unwrap_err().to_string();
        assert!(second.contains("in use by another part"), "{second}");
    });
}

#[test]
fn a_key_that_cannot_be_named_is_removed_again() {
    isolated("administration::a_key_that_cannot_be_named_is_removed_again", |bench| {
        bench.hsm.faults("C_SetAttributeValue=err:30\n");
        let token = Token::open(&bench.uri).unwrap();
        let error = token.generate(Algorithm::Ed25519, "platform").unwrap_err().to_string();
        assert!(error.contains("CKR_DEVICE_ERROR"), "{error}");
        assert_eq!(token.public_keys().unwrap(), []);
    });
}
