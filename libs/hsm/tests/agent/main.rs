//! A service and its key agent in two processes, with everything that a module can do wrong.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod faulty;
mod lies;
mod supervised;
mod token;

use std::{sync::mpsc::channel, thread};

use hsm::agent::IN_FLIGHT_MAX;
use keys::{FindKeyError, KeyId, KeyStore as _};

use supervised::{Supervised, until};

#[test]
#[ignore = "the agent process that the other tests start"]
fn agent_process() {
    faulty::serve();
}

#[test]
fn both_algorithms_sign_and_a_missing_key_is_missing() {
    let agent = Supervised::start();
    for key_id in faulty::key_ids() {
        let key = agent.store.find(key_id).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
    }
    let key_id = KeyId::of_spki(b"no key");
    let store = agent.store.to_string();
    assert_eq!(agent.store.find(key_id).map(drop), Err(FindKeyError::Missing { key_id, store }));
}

#[test]
fn the_largest_message_is_signed_and_a_larger_one_refused() {
    let agent = Supervised::start();
    let key = agent.key();
    let mut message = vec![b'm'; hsm::agent::MAX_MESSAGE_BYTES];
    key.sign(&message).unwrap();
    message.push(b'm');
    let error = key.sign(&message).unwrap_err();
    assert!(error.reason.contains("are the most"), "{error}");
    key.sign(b"message").unwrap();
}

#[test]
fn a_call_that_hangs_ends_the_agent_and_the_next_one_signs() {
    let agent = Supervised::start();
    let key = agent.key();
    let error = key.sign(b"hang").unwrap_err();
    assert!(error.reason.contains("the key agent ended"), "{error}");
    until("a new agent signs", || key.sign(b"message").is_ok());
    assert_eq!(agent.started(), 2);
}

#[test]
fn a_crash_fails_everything_in_flight_at_once_and_the_next_agent_signs() {
    let agent = Supervised::start();
    let key = agent.key();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| key.sign(b"gate"));
        until("it waits", || agent.at_the_gate() == 1);
        let crashed = key.sign(b"crash").unwrap_err();
        assert!(crashed.reason.contains("the key agent ended"), "{crashed}");
        let waiting = waiting.join().unwrap().unwrap_err();
        assert!(waiting.reason.contains("the key agent ended"), "{waiting}");
    });
    until("a new agent signs", || key.sign(b"message").is_ok());
    until("the store is ready", || agent.store.ready().is_ok());
}

#[test]
fn a_wrong_signature_never_leaves() {
    let agent = Supervised::start();
    for key_id in faulty::key_ids() {
        let key = agent.store.find(key_id).unwrap();
        for wrong in [&b"flip"[..], b"empty", b"other"] {
            let error = key.sign(wrong).unwrap_err();
            assert!(error.reason.contains("wrong signature"), "{error}");
        }
        key.sign(b"message").unwrap();
    }
    assert_eq!(agent.started(), 1, "no agent was ended for it");
}

#[test]
fn what_the_module_says_is_told() {
    let agent = Supervised::start();
    let error = agent.key().sign(b"fail").unwrap_err();
    assert_eq!(error.reason, "CKR_DEVICE_ERROR");
    agent.say_away("the token is not\nthere");
    let away = || match agent.store.ready() {
        Err(FindKeyError::Away { reason, .. }) => reason == "the token is not there",
        _ => false,
    };
    until("the store is away", away);
    agent.say_ready();
    until("the store is ready again", || agent.store.ready().is_ok());
    assert_eq!(agent.started(), 1);
}

#[test]
fn more_requests_than_the_bound_are_refused_and_the_others_answered() {
    let agent = Supervised::start();
    let key = agent.key();
    let (result, results) = channel();
    thread::scope(|scope| {
        for _ in 0..=IN_FLIGHT_MAX {
            let (key, result) = (&key, result.clone());
            scope.spawn(move || result.send(key.sign(b"gate")).unwrap());
        }
        let first = results.recv().unwrap().unwrap_err();
        assert!(first.reason.contains("64 requests wait"), "{first}");
        agent.open_gate();
        for _ in 0..IN_FLIGHT_MAX {
            results.recv().unwrap().unwrap();
        }
    });
}

#[test]
fn without_a_supervisor_the_store_says_what_to_do() {
    let agent = Supervised::start();
    let key = agent.key();
    let store = agent.stop();
    until("the end is seen", || key.sign(b"message").is_err());
    until("the remedy is named", || {
        store.ready().is_err_and(|error| error.to_string().contains("restart the service"))
    });
}
