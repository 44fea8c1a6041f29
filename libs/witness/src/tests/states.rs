//! What a witness remembers: it reads back, and no changed byte of it does.

use merkle::{
    Checkpoint, CosignerKey, VerifierKey,
    checkpoint::{cosign, sign},
};
use proptest::prelude::*;

use super::fixture::{ORIGIN, body, head, key, logs, tree};
use crate::{KeepError, Logs, MAX_LOGS, Refusal, Request, State, StateError, request_body};

const NAME: &str = "witness.example/w1";

fn cosigner() -> CosignerKey {
    CosignerKey::new(NAME, key(9).verifying_key()).unwrap()
}

fn cosigned(state: &State, body: &[u8]) -> Result<State, Refusal> {
    let request = Request::parse(body)?;
    let cosignable = state.decide(&request, &logs())?;
    let line = cosign(cosignable.checkpoint(), &key(9), NAME, 1_700_000_000).unwrap();
    Ok(state.with(&cosignable, &line, &cosigner()).unwrap())
}

fn state() -> State {
    cosigned(&State::new(), &body(&tree(0, 0, 9), 0, 5)).unwrap()
}

#[test]
fn a_state_goes_on_where_it_was_read() {
    let state = state();
    let read = State::parse(&state.to_bytes(&cosigner()).unwrap(), &cosigner()).unwrap();
    assert_eq!(read, state);
    let of: Vec<_> =
        read.remembered().map(|r| (&*r.checkpoint.origin, r.checkpoint.size)).collect();
    assert_eq!(of, [(ORIGIN, 5)]);
    let tree = tree(0, 0, 9);
    let again = cosigned(&read, &body(&tree, 0, 9)).unwrap_err();
    assert_eq!(again, Refusal::Conflict { cosigned: 5, old: 0 });
    let grown = cosigned(&read, &body(&tree, 5, 9)).unwrap();
    assert_eq!(grown.remembered().next().map(|r| r.checkpoint.size), Some(9));
    let empty = State::new();
    assert_eq!(State::parse(&empty.to_bytes(&cosigner()).unwrap(), &cosigner()).unwrap(), empty);
}

#[test]
fn a_state_of_another_witness_is_refused() {
    let other = CosignerKey::new(NAME, key(8).verifying_key()).unwrap();
    let bytes = state().to_bytes(&cosigner()).unwrap();
    assert!(matches!(State::parse(&bytes, &other), Err(StateError::Witness(_))));
    // An empty state has no note that tells whose it is: a key that lost its own does not take it.
    let empty = State::new().to_bytes(&other).unwrap();
    assert!(matches!(State::parse(&empty, &cosigner()), Err(StateError::Witness(_))));
    // Somebody who writes the key's name over it has no cosignatures of that key.
    let notes = State::parse(&bytes, &cosigner()).unwrap();
    let forged = notes.to_bytes(&other).unwrap();
    assert!(matches!(State::parse(&forged, &other), Err(StateError::Note { index: 1, .. })));
    let note = String::from_utf8(bytes).unwrap();
    let later = note.replace("state.v1", "state.v2");
    assert!(matches!(State::parse(later.as_bytes(), &cosigner()), Err(StateError::Schema(_))));
}

#[test]
fn a_line_of_somebody_else_is_never_remembered() {
    let request = Request::parse(&body(&tree(0, 0, 9), 0, 5)).unwrap();
    let cosignable = State::new().decide(&request, &logs()).unwrap();
    let line = cosign(cosignable.checkpoint(), &key(8), NAME, 1).unwrap();
    assert!(State::new().with(&cosignable, &line, &cosigner()).is_err());
    // The own line is the last: it is what is answered.
    let own = cosign(cosignable.checkpoint(), &key(9), NAME, 1).unwrap();
    assert!(State::new().with(&cosignable, &(own.clone() + &line), &cosigner()).is_err());
    assert!(State::new().with(&cosignable, &own, &cosigner()).is_ok());
}

#[test]
fn a_state_takes_no_more_logs_than_it_reads_again() {
    let whole = (0..=MAX_LOGS).try_fold(State::new(), |state, number| {
        let origin = format!("log.example/{number:03}");
        let logs = Logs::new().with(VerifierKey::new(&origin, key(1).verifying_key()).unwrap());
        let head = Checkpoint { origin: origin.clone(), ..head(&tree(0, 0, 9), 5) };
        let note = sign(&head, &key(1), &origin).unwrap();
        let request = Request::parse(request_body(0, &[], &note).as_bytes()).unwrap();
        let cosignable = state.decide(&request, &logs).unwrap();
        let line = cosign(cosignable.checkpoint(), &key(9), NAME, 1_700_000_000).unwrap();
        let next = state.with(&cosignable, &line, &cosigner());
        assert_eq!(next.is_err(), number == MAX_LOGS);
        assert!(
            next.as_ref().is_err() || next.as_ref().unwrap().of(&origin).unwrap().line() == line
        );
        next.map_err(|error| (state, error))
    });
    let (full, error) = whole.unwrap_err();
    assert!(matches!(error, KeepError::Full));
    let bytes = full.to_bytes(&cosigner()).unwrap();
    assert_eq!(State::parse(&bytes, &cosigner()).unwrap(), full);
}

proptest! {
    #[test]
    fn no_changed_bit_is_read(place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = state().to_bytes(&cosigner()).unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(State::parse(&bytes, &cosigner()).is_err());
    }

    #[test]
    fn no_shortened_state_is_read(place in any::<prop::sample::Index>()) {
        let bytes = state().to_bytes(&cosigner()).unwrap();
        prop_assert!(State::parse(&bytes[..place.index(bytes.len())], &cosigner()).is_err());
    }
}
