//! What a witness is asked, and what it answers a log.

use merkle::{Checkpoint, CosignerKey, VerifierKey};
use witness::{Answered, Asked, Logs, Request, decide, request_body};

/// The log of the corpus' requests.
const LOG_KEY: &str = "log.example/aibom+b41fabbf+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
/// Its checkpoint of 13 leaves.
const NOTE: &str = "log.example/aibom\n\
    13\n\
    317hMOWiR2ANGQwxB0RY3jwNxY8LDYpqKz3U/X5WlQE=\n\
    \n\
    \u{2014} log.example/aibom tB+rv5DYdPopj/UgfslfNx5irAYLrbwvusqtAmCZwLJgDvTEua/DeUuFwQHytRLFi6PHfQWpoZlszDY8VR4NynAXeww=\n";
/// A witness that cosigned nothing in the corpus.
const WITNESS_KEY: &str =
    "witness.example.com/w1+7e6f4aaa+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

/// The body of a request, and, read as one, the answer to it: one spelling, bounded, and nothing is
/// cosigned that is not an extension of what was; no answer counts that the witness did not sign.
pub fn witness_request(data: &[u8]) -> bool {
    let (Ok(log), Ok(witness)) =
        (LOG_KEY.parse::<VerifierKey>(), WITNESS_KEY.parse::<CosignerKey>())
    else {
        unreachable!("constant keys")
    };
    let asked = Asked { note: NOTE, size: 13, old: 3 };
    for status in [200, 409, 422, 500] {
        let answered = asked.read(status, witness::SIZE_MEDIA_TYPE, data, &witness);
        assert!(!matches!(answered, Answered::Cosigned(_)), "a cosignature that nobody made");
        let named = matches!(answered, Answered::Ahead(0..=13) | Answered::AskFrom(14..));
        assert!(!named, "a size on the wrong side of ours");
    }
    let Ok(request) = Request::parse(data) else {
        return false;
    };
    assert_eq!(request.to_body().as_bytes(), data, "a request has one spelling");
    assert!(request.proof.len() <= witness::MAX_PROOF_LINES, "a proof beyond its bound");
    let logs = Logs::new().with(log);
    let Ok(first) = decide(None, &request, &logs) else {
        return true;
    };
    assert!(request.old == 0 && request.proof.is_empty(), "the first needs no proof");
    let again = request_body(first.checkpoint().size, &[], &request.note);
    let Ok(same) = Request::parse(again.as_bytes()) else { unreachable!("its own form") };
    assert!(decide(Some(first.checkpoint()), &same, &logs).is_ok(), "the same again is cosigned");
    let other = Checkpoint { root: merkle::leaf_hash(b"other"), ..first.checkpoint().clone() };
    assert!(decide(Some(&other), &same, &logs).is_err(), "two roots of one size");
    let larger = Checkpoint { size: other.size.saturating_add(1), ..other };
    assert!(decide(Some(&larger), &request, &logs).is_err(), "a tree that shrank");
    true
}
