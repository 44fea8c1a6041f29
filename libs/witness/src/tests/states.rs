//! What a witness remembers: it reads back, and no changed byte of it does.

use merkle::{CosignerKey, checkpoint::cosign};
use proptest::prelude::*;

use super::fixture::{ORIGIN, body, key, logs, tree};
use crate::{Refusal, Request, State, StateError};

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
    let read = State::parse(&state.to_bytes().unwrap(), &cosigner()).unwrap();
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
    assert_eq!(State::parse(&empty.to_bytes().unwrap(), &cosigner()).unwrap(), empty);
}

#[test]
fn a_state_of_another_witness_is_refused() {
    let other = CosignerKey::new(NAME, key(8).verifying_key()).unwrap();
    let bytes = state().to_bytes().unwrap();
    assert!(matches!(State::parse(&bytes, &other), Err(StateError::Note { index: 1, .. })));
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
}

proptest! {
    #[test]
    fn no_changed_bit_is_read(place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = state().to_bytes().unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(State::parse(&bytes, &cosigner()).is_err());
    }

    #[test]
    fn no_shortened_state_is_read(place in any::<prop::sample::Index>()) {
        let bytes = state().to_bytes().unwrap();
        prop_assert!(State::parse(&bytes[..place.index(bytes.len())], &cosigner()).is_err());
    }
}
