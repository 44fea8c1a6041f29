//! An agent over a real token, whose module hangs or crashes while the token is opened.

use std::{path::PathBuf, sync::Arc, thread};

use hsm::{MAX_UNANSWERED, Token, TokenStore, Uri};
use keys::{Algorithm, KeyId, KeyStore as _, SigningKey};
use testkit::softhsm::SoftHsm;

use crate::{
    faulty,
    supervised::{Supervised, until},
};

const PIN: &str = "correct-pin";

#[test]
#[ignore = "the agent process that the other tests start"]
fn token_process() {
    let directory = PathBuf::from(std::env::var_os(faulty::DIRECTORY).unwrap());
    let uri = made_once(&directory);
    let refused = directory.join("pin-state");
    let open = move || match TokenStore::new(uri, Some(refused)) {
        Ok(store) => Ok(Arc::new(store) as Arc<_>),
        Err(error) => Err(error.to_string()),
    };
    let _ = hsm::agent::serve(hsm::agent::inherited().unwrap(), open);
    hsm::agent::end_process();
}

/// The first agent makes the token and its key: the module reads its environment as it is loaded.
fn made_once(directory: &std::path::Path) -> Uri {
    let (named, pin) = (directory.join("uri"), directory.join("pin"));
    if let Ok(uri) = std::fs::read_to_string(&named) {
        return uri.parse().unwrap();
    }
    let module = SoftHsm::at(directory).module();
    let uri = hsm::initialise(&module, None, "mesh", "officer-pin", PIN).unwrap();
    keys::write_secret(&pin, PIN).unwrap();
    let uri = Uri { pin_source: Some(pin), ..uri };
    let key = Token::open(&uri).unwrap().generate(Algorithm::Ed25519, "platform").unwrap();
    std::fs::write(directory.join("key"), key.spki_der()).unwrap();
    std::fs::write(named, uri.to_string()).unwrap();
    uri
}

/// Agents over a token that signs, and the key in it.
fn start() -> (Supervised, SoftHsm, Arc<dyn SigningKey>) {
    let directory = tempfile::tempdir().unwrap();
    let hsm = SoftHsm::create(directory.path());
    let agent = Supervised::start_as("token::token_process", directory);
    let key_id = KeyId::of_spki(&std::fs::read(agent.directory.path().join("key")).unwrap());
    let key = agent.store.find(key_id).unwrap();
    key.sign(b"before").unwrap();
    (agent, hsm, key)
}

/// The signature loses the token, so that it is opened again, and `fault` strikes then.
fn reopen_with(hsm: &SoftHsm, key: &dyn SigningKey, fault: &str) {
    hsm.faults(&format!("C_SignInit=err:30\n{fault}\n"));
    until("the token is lost", || key.sign(b"lost").is_err());
}

#[test]
fn a_call_that_hangs_while_the_token_is_opened_ends_the_agent_and_the_next_one_signs() {
    thread::scope(|scope| {
        for call in ["C_Initialize", "C_GetSlotList", "C_OpenSession", "C_Login"] {
            scope.spawn(move || {
                let (agent, hsm, key) = start();
                reopen_with(&hsm, &*key, &format!("{call}=hang"));
                until("it hangs", || hsm.count("hang") == 1);
                hsm.faults("");
                until("the next agent signs", || key.sign(b"after").is_ok());
                assert_eq!(agent.started(), 2, "{call}");
                let state = agent.directory.path().join("pin-state");
                assert!(!state.exists(), "{call}: the attempt was answered");
            });
        }
    });
}

#[test]
fn a_login_that_never_answers_is_tried_a_few_times_and_then_left_alone() {
    let (agent, hsm, key) = start();
    reopen_with(&hsm, &*key, "C_Login=crash");
    let mut reason = String::new();
    until("it is left alone", || {
        reason = agent.store.ready().map_err(|error| error.to_string()).err().unwrap_or_default();
        reason.contains("it is not tried again")
    });
    assert!(reason.contains("hung or crashed 3 times"), "{reason}");
    assert_eq!(hsm.count("crash"), MAX_UNANSWERED as usize);
    let started = agent.started();
    assert_eq!(started, 1 + MAX_UNANSWERED as usize);

    // That the fault is gone is no reason: somebody must say that the PIN is right.
    hsm.faults("");
    assert!(key.sign(b"message").is_err());
    keys::write_secret(&agent.directory.path().join("pin"), PIN).unwrap();
    until("it signs", || key.sign(b"after").is_ok());
    assert_eq!(agent.started(), started);
}
