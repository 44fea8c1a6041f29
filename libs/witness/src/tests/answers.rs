//! Every answer of the specification, with its status code.

use super::fixture::{ORIGIN, body, head, key, logs, note, tree, vkey};
use merkle::{Checkpoint, Tree, checkpoint};

use crate::{Refusal, Request, SIZE_MEDIA_TYPE, decide, request_body};

fn asked(cosigned: Option<&Checkpoint>, body: &[u8]) -> Result<u64, Refusal> {
    let request = Request::parse(body)?;
    decide(cosigned, &request, &logs()).map(|cosign| cosign.checkpoint().size)
}

fn status(cosigned: Option<(&Tree, u64)>, body: &[u8]) -> u16 {
    let cosigned = cosigned.map(|(tree, size)| head(tree, size));
    asked(cosigned.as_ref(), body).map_or_else(|refusal| refusal.status(), |_| 200)
}

#[test]
fn a_log_that_grows_is_cosigned() {
    let tree = tree(0, 0, 30);
    assert_eq!(status(None, &body(&tree, 0, 0)), 200, "an empty tree is one");
    assert_eq!(status(None, &body(&tree, 0, 5)), 200, "the first checkpoint needs no proof");
    assert_eq!(status(Some((&tree, 5)), &body(&tree, 5, 30)), 200);
    assert_eq!(status(Some((&tree, 30)), &body(&tree, 30, 30)), 200, "the same once more");
}

#[test]
fn another_old_size_is_a_conflict_that_names_the_right_one() {
    let tree = tree(0, 0, 30);
    let cosigned = head(&tree, 8);
    for old in [0, 7, 9, 30] {
        let refusal = asked(Some(&cosigned), &body(&tree, old, 30)).unwrap_err();
        assert_eq!(refusal, Refusal::Conflict { cosigned: 8, old });
        let answer = (refusal.status(), refusal.media_type(), refusal.body());
        assert_eq!(answer, (409, SIZE_MEDIA_TYPE, "8\n".to_owned()));
    }
    let first = asked(None, &body(&tree, 3, 30)).unwrap_err();
    assert_eq!((first.status(), first.body()), (409, "0\n".to_owned()));
}

#[test]
fn a_rollback_and_a_fork_are_not_cosigned() {
    let (honest, forked) = (tree(0, 0, 20), tree(1, 6, 20));
    let cosigned = head(&honest, 12);
    assert_eq!(status(Some((&honest, 12)), &body(&honest, 3, 9)), 409, "a rollback");
    let same_size = asked(Some(&cosigned), &body(&forked, 12, 12)).unwrap_err();
    assert_eq!(same_size, Refusal::Forked(12));
    assert!(same_size.blames_the_log());
    assert_eq!((same_size.status(), same_size.body()), (409, "12\n".to_owned()));
    let grown = asked(Some(&cosigned), &body(&forked, 12, 20)).unwrap_err();
    assert_eq!(grown.status(), 422, "{grown}");
}

#[test]
fn a_proof_that_does_not_hold_is_unprocessable() {
    let tree = tree(0, 0, 20);
    let proof = tree.consistency(7, 20).unwrap();
    let ask = |proof: &[_]| request_body(7, proof, &note(&tree, 20)).into_bytes();
    assert_eq!(status(Some((&tree, 7)), &ask(&proof)), 200);
    assert_eq!(status(Some((&tree, 7)), &ask(&proof[1..])), 422);
    assert_eq!(status(Some((&tree, 7)), &ask(&[&proof[..], &proof[..1]].concat())), 422);
    let padded = request_body(0, &proof[..1], &note(&tree, 20));
    assert_eq!(status(None, padded.as_bytes()), 422, "from nothing the proof is empty");
    let same = request_body(20, &proof[..1], &note(&tree, 20));
    assert_eq!(status(Some((&tree, 20)), same.as_bytes()), 422, "and so it is to the same size");
}

#[test]
fn only_known_logs_are_listened_to_and_only_their_own_keys() {
    let tree = tree(0, 0, 3);
    let sign = |origin: &str, seed, name: &str| {
        let checkpoint = Checkpoint { origin: origin.to_owned(), ..head(&tree, 3) };
        let note = checkpoint::sign(&checkpoint, &key(seed), name).unwrap();
        request_body(0, &[], &note).into_bytes()
    };
    assert_eq!(status(None, &sign(ORIGIN, 1, ORIGIN)), 200);
    assert_eq!(status(None, &sign("log.example/other", 1, ORIGIN)), 404);
    assert_eq!(status(None, &sign(ORIGIN, 2, ORIGIN)), 403, "another key of that name");
    assert_eq!(
        status(None, &sign(ORIGIN, 1, "log.example/other")),
        403,
        "another name of that key"
    );
    let honest = String::from_utf8(sign(ORIGIN, 1, ORIGIN)).unwrap();
    assert_eq!(status(None, honest.replace("\n3\n", "\n2\n").as_bytes()), 403, "a changed size");
    assert_eq!(status(None, b"old 0\n"), 400);
    assert_eq!(status(None, &request_body(4, &[], &note(&tree, 3)).into_bytes()), 400);
    let two = logs().with(vkey(2, ORIGIN));
    let request = Request::parse(&sign(ORIGIN, 2, ORIGIN)).unwrap();
    assert!(decide(None, &request, &two).is_ok(), "a log may have two keys for a while");
    let mixed_up = Checkpoint { origin: "log.example/other".into(), ..head(&tree, 3) };
    assert!(decide(Some(&mixed_up), &request, &two).is_err());
}
