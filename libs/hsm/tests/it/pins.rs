//! Wrong PINs: one attempt, a clear reason, and signing again when the PIN is right.

use hsm::{PinGuard, Token, TokenError, TokenStore};
use keys::{Algorithm, FindKeyError, KeyStore as _};

use crate::bench::{PIN, away, isolated, sign, until};

#[test]
fn a_wrong_pin_is_tried_once() {
    isolated("pins::a_wrong_pin_is_tried_once", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let before = bench.hsm.count("C_Login");
        bench.write_pin("wrong-pin");
        let store = TokenStore::new(bench.uri.clone(), Some(bench.state_file())).unwrap();
        let reason = away(&store);
        assert!(reason.contains("CKR_PIN_INCORRECT"), "{reason}");
        assert!(reason.contains("write the right PIN"), "{reason}");
        assert!(!reason.contains("wrong-pin"), "{reason}");
        for _ in 0..50 {
            let error = store.find(key.key_id()).unwrap_err();
            assert!(matches!(error, FindKeyError::Away { .. }), "{error}");
        }
        // A restart is no reason to try again: the state file remembers.
        drop(store);
        let guard = || PinGuard::new(Some(bench.state_file()));
        for _ in 0..3 {
            let error = Token::open_guarded(&bench.uri, &guard()).unwrap_err();
            assert!(matches!(error, TokenError::Pin(_)), "{error}");
        }
        let store = TokenStore::new(bench.uri.clone(), Some(bench.state_file())).unwrap();
        away(&store);
        assert_eq!(bench.hsm.count("C_Login"), before + 1);

        bench.write_pin(PIN);
        until("the token is open", || store.ready().is_ok());
        sign(&store, key.key_id(), b"message").unwrap();
        assert_eq!(bench.hsm.count("C_Login"), before + 2);
        assert!(!bench.state_file().exists());
    });
}

#[test]
fn a_token_near_its_lock_is_left_alone() {
    isolated("pins::a_token_near_its_lock_is_left_alone", |bench| {
        let before = bench.hsm.count("C_Login");
        for (flag, word) in [("20000", "one attempt left"), ("40000", "locked")] {
            bench.hsm.faults(&format!("C_GetTokenInfo=flags:{flag}\n"));
            let error = Token::open(&bench.uri).unwrap_err();
            assert!(matches!(error, TokenError::PinLow { .. }), "{error}");
            assert!(error.to_string().contains(word), "{error}");
        }
        assert_eq!(bench.hsm.count("C_Login"), before);
        bench.hsm.faults("C_GetTokenInfo=flags:10000\n");
        assert!(Token::open(&bench.uri).is_ok(), "a low count alone is no reason");
    });
}

#[test]
fn a_locked_or_expired_pin_is_not_tried_again() {
    isolated("pins::a_locked_or_expired_pin_is_not_tried_again", |bench| {
        for (code, name) in [("a4", "CKR_PIN_LOCKED"), ("a3", "CKR_PIN_EXPIRED")] {
            bench.write_pin(PIN);
            let guard = PinGuard::new(None);
            let before = bench.hsm.count("C_Login");
            bench.hsm.faults(&format!("C_Login=err:{code}\n"));
            for _ in 0..3 {
                let error = Token::open_guarded(&bench.uri, &guard).unwrap_err().to_string();
                assert!(error.contains(name), "{error}");
            }
            assert_eq!(bench.hsm.count("C_Login"), before + 1);
        }
    });
}

#[test]
fn a_pin_file_that_others_may_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    isolated("pins::a_pin_file_that_others_may_read_is_not_used", |bench| {
        let before = bench.hsm.count("C_Login");
        let path = bench.directory.join("pin");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = Token::open(&bench.uri).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        std::fs::remove_file(&path).unwrap();
        let error = Token::open(&bench.uri).unwrap_err().to_string();
        assert!(error.contains("pin"), "{error}");
        assert_eq!(bench.hsm.count("C_Login"), before);
    });
}
