//! The body of a request: what is read, and what is not.

use super::fixture::{body, note, tree};
use crate::{BadRequest, MAX_PROOF_LINES, MAX_REQUEST_BYTES, Request};

fn refused(text: &str) -> BadRequest {
    Request::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn a_request_reads_back_as_the_same_bytes() {
    let tree = tree(0, 0, 20);
    for (old, size) in [(0, 0), (0, 20), (7, 13), (20, 20)] {
        let body = body(&tree, old, size);
        let request = Request::parse(&body).unwrap();
        assert_eq!((request.old, request.checkpoint.unverified().size), (old, size));
        assert_eq!(request.proof, tree.consistency(old, size).unwrap());
        assert_eq!(request.to_body().into_bytes(), body);
    }
}

#[test]
fn the_request_of_the_specification_is_read() {
    // C2SP tlog-witness, "Example request body". The key names have no '+', and nothing is verified.
    let example = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    let request = Request::parse(example.as_bytes()).unwrap();
    assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
    assert_eq!(request.origin(), "example.com/behind-the-sofa");
    assert_eq!(request.to_body(), example);
}

#[test]
fn every_other_form_is_refused() {
    let note = note(&tree(0, 0, 3), 3);
    let hash = "A".repeat(43) + "=";
    assert_eq!(refused(&format!("old 0\n{note}")), BadRequest::ProofLine(1));
    assert_eq!(refused("old 0"), BadRequest::Frame);
    for old in ["old", "old ", "old 00", "old 01", "old -1", "old +1", "old 1 ", " old 1", "OLD 1"]
    {
        assert_eq!(refused(&format!("{old}\n\n{note}")), BadRequest::OldSize, "{old:?}");
    }
    let beyond = format!("old {}0\n\n{note}", u64::MAX);
    assert_eq!(refused(&beyond), BadRequest::OldSize);
    assert_eq!(refused(&format!("old 1\r\n\n{note}")), BadRequest::OldSize);
    for line in
        ["", "AAAA", " ", &format!("{hash} "), &hash.replace('=', ""), &hash.replace("A=", "B=")]
    {
        let body = format!("old 1\n{hash}\n{line}x\n\n{note}");
        assert_eq!(refused(&body), BadRequest::ProofLine(2), "{line:?}");
    }
    let long = |lines| format!("old 1\n{}\n{note}", format!("{hash}\n").repeat(lines));
    assert!(Request::parse(long(MAX_PROOF_LINES).as_bytes()).is_ok());
    assert_eq!(refused(&long(MAX_PROOF_LINES + 1)), BadRequest::ProofTooLong);
    assert_eq!(refused(&format!("old 4\n\n{note}")), BadRequest::OldLarger { old: 4, size: 3 });
    assert!(matches!(refused("old 0\n\nno note\n"), BadRequest::Checkpoint(_)));
    assert_eq!(
        refused(&"x".repeat(MAX_REQUEST_BYTES + 1)),
        BadRequest::TooLong(MAX_REQUEST_BYTES + 1)
    );
    assert_eq!(Request::parse(b"old 0\n\n\xff"), Err(BadRequest::NoText));
}
