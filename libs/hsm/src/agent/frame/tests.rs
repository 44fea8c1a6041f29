//! Frames: what is written is read again, and nothing else is read.

use proptest::prelude::*;

use super::*;

fn key_id() -> KeyId {
    KeyId::of_spki(b"a key")
}

fn body(frame: &[u8]) -> &[u8] {
    let length = u32::from_be_bytes(frame[..4].try_into().unwrap());
    assert_eq!(length as usize, frame.len() - 4);
    &frame[4..]
}

fn answers() -> impl Strategy<Value = FromAgent> {
    let bytes = || proptest::collection::vec(any::<u8>(), 1..=MAX_TEXT_BYTES);
    let text = "[ -~\u{e4}]{0,200}";
    let answered = prop_oneof![
        bytes().prop_map(Answer::Found),
        Just(Answer::Missing),
        text.prop_map(Answer::Unfit),
        text.prop_map(Answer::Away),
        bytes().prop_map(Answer::Signed),
        text.prop_map(Answer::Failed),
    ];
    prop_oneof![
        (any::<u64>(), answered).prop_map(|(id, answer)| FromAgent::Answer(id, answer)),
        Just(FromAgent::State(Ok(()))),
        text.prop_map(|text| FromAgent::State(Err(text))),
    ]
}

proptest! {
    #[test]
    fn requests_come_back(id: u64, message in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for request in [Request::Find(key_id()), Request::Sign(key_id(), &message)] {
            let frame = request.encode(id).unwrap();
            prop_assert_eq!(Request::decode(body(&frame)), Ok((id, request)));
        }
    }

    #[test]
    fn answers_come_back(answer in answers()) {
        let frame = answer.encode().unwrap();
        prop_assert_eq!(FromAgent::decode(body(&frame)), Ok(answer));
    }

    #[test]
    fn bytes_that_are_read_are_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(read) = FromAgent::decode(&bytes) {
            let written = read.encode().unwrap();
            prop_assert_eq!(body(&written), &bytes);
        }
        if let Ok((id, read)) = Request::decode(&bytes) {
            let written = read.encode(id).unwrap();
            prop_assert_eq!(body(&written), &bytes);
        }
    }

    #[test]
    fn a_stream_that_is_cut_gives_no_frame(answer in answers(), cut in 0.0..1.0f64) {
        let frame = answer.encode().unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in the frame")]
        let cut = (frame.len() as f64 * cut) as usize;
        let read = read_body(&mut &frame[..cut], MAX_FROM_AGENT_BYTES);
        match cut {
            0 => prop_assert_eq!(read.unwrap(), None),
            _ => prop_assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof),
        }
        let whole = read_body(&mut &frame[..], MAX_FROM_AGENT_BYTES).unwrap();
        prop_assert_eq!(whole.as_deref(), Some(body(&frame)));
    }

    #[test]
    fn any_reason_fits_a_log_line(reason in ".{0,2000}") {
        let frame = FromAgent::State(Err(reason)).encode().unwrap();
        match FromAgent::decode(body(&frame)).unwrap() {
            FromAgent::State(Err(text)) => prop_assert!(text.len() <= MAX_TEXT_BYTES),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn wrong_requests_are_refused() {
    let good = Request::Find(key_id()).encode(7).unwrap();
    let good = body(&good);
    let with = |position: usize, byte: u8| {
        let mut changed = good.to_vec();
        changed[position] = byte;
        changed
    };
    assert_eq!(Request::decode(&[]), Err(FrameError::Length(0)));
    assert_eq!(Request::decode(&good[..8]), Err(FrameError::Length(8)));
    assert_eq!(Request::decode(&good[..72]), Err(FrameError::Length(72)));
    assert_eq!(Request::decode(&[good, b"x"].concat()), Err(FrameError::Length(74)));
    for kind in [0, 3, FOUND, READY, 255] {
        assert_eq!(Request::decode(&with(8, kind)), Err(FrameError::Kind(kind)));
    }
    assert_eq!(Request::decode(&with(9, b'g')), Err(FrameError::KeyId));
    assert_eq!(Request::decode(&with(9, 0xff)), Err(FrameError::KeyId));
    assert_eq!(
        Request::Sign(key_id(), &vec![0; MAX_MESSAGE_BYTES + 1]).encode(1),
        Err(FrameError::TooLong { length: MAX_REQUEST_BYTES + 1, max: MAX_REQUEST_BYTES })
    );
    assert!(Request::Sign(key_id(), &vec![0; MAX_MESSAGE_BYTES]).encode(1).is_ok());
}

#[test]
fn wrong_answers_are_refused() {
    let of = |id: u64, kind: u8, rest: &[u8]| [&id.to_be_bytes()[..], &[kind], rest].concat();
    for (kind, rest) in [(FOUND, &b""[..]), (SIGNED, b""), (MISSING, b"x"), (READY, b"x")] {
        let wrong = of(u64::from(kind == FOUND), kind, rest);
        assert_eq!(FromAgent::decode(&wrong), Err(FrameError::Length(wrong.len())), "{kind}");
    }
    for kind in [READY, NOT_READY] {
        assert_eq!(FromAgent::decode(&of(1, kind, b"")), Err(FrameError::Length(9)));
    }
    for kind in [0, FIND, SIGN, 255] {
        assert_eq!(FromAgent::decode(&of(1, kind, b"")), Err(FrameError::Kind(kind)));
    }
    for text in [&b"two\nlines"[..], b"\xff", b"\x1b[2J"] {
        assert_eq!(FromAgent::decode(&of(1, AWAY, text)), Err(FrameError::Text));
    }
    let long = of(1, SIGNED, &[0; MAX_TEXT_BYTES + 1]);
    let too_long = FrameError::TooLong { length: long.len(), max: MAX_FROM_AGENT_BYTES };
    assert_eq!(FromAgent::decode(&long), Err(too_long.clone()));
    let long = Answer::Signed(vec![0; MAX_TEXT_BYTES + 1]);
    assert_eq!(FromAgent::Answer(1, long).encode(), Err(too_long));
}

#[test]
fn an_announced_length_is_refused_before_it_is_read() {
    let announced = 0xffff_ffff_u32.to_be_bytes();
    let error = read_body(&mut &announced[..], MAX_REQUEST_BYTES).unwrap_err();
    assert!(error.to_string().contains("4294967295 bytes"), "{error}");
}
