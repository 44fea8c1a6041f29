//! When a PIN is offered, and when not.

use super::*;

fn files() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let pin = directory.path().join("pin");
    keys::write_secret(&pin, "1234\n").unwrap();
    let state = directory.path().join("state");
    (directory, pin, state)
}

#[test]
fn a_refused_pin_is_not_offered_again_until_its_file_changes() {
    let (_directory, path, _) = files();
    let guard = PinGuard::new(None);
    let secret = guard.pin(&path).unwrap();
    assert_eq!(*secret.text, "1234");
    guard.refuse(secret.stamp, "CKR_PIN_INCORRECT");
    for _ in 0..3 {
        let error = guard.pin(&path).unwrap_err().to_string();
        assert!(
            error.contains("CKR_PIN_INCORRECT") && error.contains("write the right"),
            "{error}"
        );
        assert!(!error.contains("1234"));
    }
    keys::write_secret(&path, "1235\n").unwrap();
    assert_eq!(*guard.pin(&path).unwrap().text, "1235");
}

#[test]
fn a_refusal_is_remembered_across_restarts_without_the_pin() {
    let (_directory, path, state) = files();
    let guard = PinGuard::new(Some(state.clone()));
    let secret = guard.pin(&path).unwrap();
    guard.refuse(secret.stamp, "CKR_PIN_INCORRECT");
    let record = std::fs::read_to_string(&state).unwrap();
    assert!(!record.contains("1234"), "{record}");

    let guard = PinGuard::new(Some(state.clone()));
    assert!(matches!(guard.pin(&path), Err(PinError::Refused { .. })));
    keys::write_secret(&path, "1235\n").unwrap();
    assert!(guard.pin(&path).is_ok());
    guard.forget();
    assert!(!state.exists());
}

#[test]
fn a_pin_that_got_no_answer_is_offered_a_few_times_across_restarts() {
    let (_directory, path, state) = files();
    for _ in 0..MAX_UNANSWERED {
        let guard = PinGuard::new(Some(state.clone()));
        guard.attempt(guard.pin(&path).unwrap().stamp).unwrap();
    }
    let error = PinGuard::new(Some(state.clone())).pin(&path).unwrap_err();
    assert!(matches!(error, PinError::Unanswered { .. }), "{error}");
    assert!(error.to_string().contains("log in by hand"), "{error}");

    keys::write_secret(&path, "1234\n").unwrap();
    let guard = PinGuard::new(Some(state));
    for _ in 0..2 * MAX_UNANSWERED {
        guard.attempt(guard.pin(&path).unwrap().stamp).unwrap();
        guard.forget();
    }
    assert!(guard.pin(&path).is_ok(), "attempts with an answer do not count");
}

#[test]
fn an_attempt_that_cannot_be_counted_is_not_made() {
    let (directory, path, _) = files();
    let guard = PinGuard::new(Some(directory.path().join("none").join("state")));
    let stamp = guard.pin(&path).unwrap().stamp;
    assert!(matches!(guard.attempt(stamp), Err(PinError::Count { .. })));
}

#[test]
fn a_state_file_that_cannot_be_read_stops_every_attempt() {
    let (_directory, path, state) = files();
    for text in [
        "",
        "{}",
        "null!",
        r#"{"pin_file":null,"outcome":{"unanswered":1}}"#,
        r#"{"pin_file":1,"reason":""}"#,
        &"x".repeat(10_000),
    ] {
        std::fs::write(&state, text).unwrap();
        let error = PinGuard::new(Some(state.clone())).pin(&path).unwrap_err();
        assert!(matches!(error, PinError::State { .. }), "{text}: {error}");
    }
}
