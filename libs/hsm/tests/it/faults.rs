//! Tokens that vanish, err and sign wrongly: a clear reason, and signing again without a restart.

use std::fs;

use keys::{Algorithm, FindKeyError, KeyStore as _};

use crate::bench::{away, isolated, sign, until};

#[test]
fn a_lost_token_is_used_again_when_it_is_back() {
    isolated("faults::a_lost_token_is_used_again_when_it_is_back", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let other = bench.generate(Algorithm::Ed25519, "other");
        let store = bench.store();
        let signer = store.find(key.key_id()).unwrap();
        signer.sign(b"before").unwrap();

        let elsewhere = bench.directory.join("elsewhere");
        fs::rename(bench.hsm.tokens(), &elsewhere).unwrap();
        // A token that is gone shows no keys: that must not read as a key that does not exist.
        let gone = store.find(other.key_id()).unwrap_err();
        assert!(matches!(gone, FindKeyError::Away { .. }), "{gone}");
        until("signing fails", || signer.sign(b"away").is_err());
        let reason = away(&store);
        assert!(reason.contains("no token fits") || reason.contains("C_"), "{reason}");
        let error = store.find(key.key_id()).unwrap_err();
        assert!(matches!(error, FindKeyError::Away { .. }), "{error}");

        fs::rename(&elsewhere, bench.hsm.tokens()).unwrap();
        until("the token is open", || store.ready().is_ok());
        signer.sign(b"after").unwrap();
        sign(&store, key.key_id(), b"after").unwrap();
    });
}

#[test]
fn an_idle_store_notices_that_its_token_is_gone() {
    isolated("faults::an_idle_store_notices_that_its_token_is_gone", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let store = bench.store();
        sign(&store, key.key_id(), b"before").unwrap();

        // Nobody asks for a signature: the store finds out by itself.
        let elsewhere = bench.directory.join("elsewhere");
        fs::rename(bench.hsm.tokens(), &elsewhere).unwrap();
        let reason = away(&store);
        assert!(reason.contains("no token fits") || reason.contains("C_"), "{reason}");
        fs::rename(&elsewhere, bench.hsm.tokens()).unwrap();
        until("the token is open", || store.ready().is_ok());

        // Also before it was asked for any key.
        bench.hsm.faults("*=err:32\n");
        let reason = away(&store);
        assert!(reason.contains("CKR_DEVICE_REMOVED"), "{reason}");
        bench.hsm.faults("");
        until("the token is open", || store.ready().is_ok());
        sign(&store, key.key_id(), b"after").unwrap();
    });
}

#[test]
fn an_idle_token_that_is_there_stays_open() {
    isolated("faults::an_idle_token_that_is_there_stays_open", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let store = bench.store();
        sign(&store, key.key_id(), b"before").unwrap();
        let logins = bench.hsm.count("C_Login");
        let probes = bench.hsm.count("C_GetSessionInfo");
        until("it was probed", || bench.hsm.count("C_GetSessionInfo") >= probes + 2);
        // A module that does not take the question says nothing about its token.
        bench.hsm.faults("C_GetSessionInfo=err:54\n");
        until("it was probed", || bench.hsm.count("C_GetSessionInfo") >= probes + 4);
        assert!(store.ready().is_ok());
        assert_eq!(bench.hsm.count("C_Login"), logins);
    });
}

#[test]
fn an_erring_token_is_away_and_comes_back() {
    isolated("faults::an_erring_token_is_away_and_comes_back", |bench| {
        let key = bench.generate(Algorithm::EcdsaP256Sha256, "platform");
        let store = bench.store();
        let codes = [
            ("30", "CKR_DEVICE_ERROR"),
            ("32", "CKR_DEVICE_REMOVED"),
            ("e0", "CKR_TOKEN_NOT_PRESENT"),
            ("b3", "CKR_SESSION_HANDLE_INVALID"),
        ];
        for (code, name) in codes {
            sign(&store, key.key_id(), b"before").unwrap();
            bench.hsm.faults(&format!("*=err:{code}\n"));
            let error = sign(&store, key.key_id(), b"away").unwrap_err();
            assert!(error.contains("away") || error.contains("lost"), "{error}");
            let reason = away(&store);
            assert!(reason.contains(name), "{reason}");
            bench.hsm.faults("");
            until("the token is open", || store.ready().is_ok());
        }
        sign(&store, key.key_id(), b"after").unwrap();
    });
}

#[test]
fn a_session_that_died_idle_costs_no_signature() {
    isolated("faults::a_session_that_died_idle_costs_no_signature", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let store = bench.store();
        let signer = store.find(key.key_id()).unwrap();
        for code in ["b3", "101", "82", "60", "80000001"] {
            // The first call fails, and the session that is opened after it works.
            let signed = bench.hsm.count("C_SignInit");
            bench.hsm.faults(&format!("C_SignInit=err:{code}\n"));
            std::thread::scope(|scope| {
                let signing = scope.spawn(|| signer.sign(b"message"));
                until("the first try failed", || bench.hsm.count("C_SignInit") > signed);
                bench.hsm.faults("");
                let _ = signing.join().unwrap();
            });
            until("the token is open", || store.ready().is_ok());
            signer.sign(b"message").unwrap();
        }
        bench.hsm.faults("C_SignInit=errafter:0:b3\n");
        assert!(signer.sign(b"message").is_err(), "two tries, then the caller hears of it");
    });
}

#[test]
fn a_token_that_opens_and_never_signs_is_away() {
    isolated("faults::a_token_that_opens_and_never_signs_is_away", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let store = bench.store();
        bench.hsm.faults("C_Sign=err:30\n");
        let mut reason = String::new();
        until("it is away for that reason", || {
            let _ = sign(&store, key.key_id(), b"message");
            reason = store.ready().map_err(|error| error.to_string()).err().unwrap_or_default();
            reason.contains("CKR_DEVICE_ERROR") && !reason.contains("being opened")
        });
        bench.hsm.faults("");
        until("it signs", || sign(&store, key.key_id(), b"message").is_ok());
    });
}

#[test]
fn a_flipped_signature_never_leaves() {
    isolated("faults::a_flipped_signature_never_leaves", |bench| {
        let store_key = |algorithm| bench.generate(algorithm, "platform").key_id();
        let key_ids = [Algorithm::Ed25519, Algorithm::EcdsaP256Sha256].map(store_key);
        let store = bench.store();
        bench.hsm.faults("C_Sign=flip\n");
        for key_id in key_ids {
            let signer = store.find(key_id).unwrap();
            for number in 0..50_u8 {
                let error = signer.sign(&[number]).unwrap_err();
                assert!(error.to_string().contains("does not verify"), "{error}");
            }
        }
        bench.hsm.faults("");
        for key_id in key_ids {
            sign(&store, key_id, b"message").unwrap();
        }
    });
}

#[test]
fn a_call_that_hangs_holds_up_nobody_else() {
    isolated("faults::a_call_that_hangs_holds_up_nobody_else", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let store = bench.store();
        let signer = store.find(key.key_id()).unwrap();
        bench.hsm.faults("C_Sign=hang\n");
        // It ends with the process.
        std::thread::spawn(move || signer.sign(b"never"));
        until("it hangs", || bench.hsm.count("hang") == 1);
        bench.hsm.faults("C_Sign=sleep:0\n");
        for _ in 0..3 * hsm::SESSIONS {
            sign(&store, key.key_id(), b"message").unwrap();
        }
    });
}

#[test]
fn a_refusal_is_not_taken_for_a_lost_token() {
    isolated("faults::a_refusal_is_not_taken_for_a_lost_token", |bench| {
        let key = bench.generate(Algorithm::Ed25519, "platform");
        let store = bench.store();
        let signer = store.find(key.key_id()).unwrap();
        let before = bench.hsm.count("C_Login");
        bench.hsm.faults("C_SignInit=err:70\n");
        for _ in 0..5 {
            let error = signer.sign(b"message").unwrap_err().to_string();
            assert!(error.contains("CKR_MECHANISM_INVALID"), "{error}");
        }
        assert!(store.ready().is_ok());
        assert_eq!(bench.hsm.count("C_Login"), before);
    });
}
