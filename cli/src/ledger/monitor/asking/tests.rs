//! What the mesh tells is believed once it is verified, and is mine when the journal has its request.

use std::cell::RefCell;

use bundle::commitment;
use client::SubmissionEntry;
use evidence::Document;
use ids::{JobId, Sha256Digest};
use testkit::{
    bundle::{LOG_DELAY_MS, bundle},
    evidence::Fixture,
    mesh::Mesh as TestMesh,
};

use super::*;

/// A journal with these requests.
fn journal(requests: &[Sha256Digest]) -> Submissions {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("submissions.jsonl");
    for request in requests {
        let (idempotency_key, at) = (uuid::Uuid::from_u128(1), Timestamp::from_unix_ms(1));
        let entry = SubmissionEntry { request: *request, idempotency_key, at };
        Submissions::append(&path, &entry).unwrap();
    }
    Submissions::open(&path).unwrap()
}

fn job() -> JobId {
    JobId::new(1, [9; 10])
}

/// The fixture's attestation as the mesh discloses it, when it was logged, and its request.
fn attestation(fixture: &Fixture) -> (Disclosed, Timestamp, Sha256Digest) {
    let bundle = bundle(fixture);
    let request = bundle.evidence.request.digest();
    let document = Document { envelope: bundle.attestation, certificates: Vec::new() };
    // The scheduler's word for the request is another one: it is not asked.
    let disclosed = Disclosed {
        document,
        salt: bundle.inclusion.salt,
        job: job(),
        request: Some(Sha256Digest::of(b"the scheduler's word")),
    };
    (disclosed, fixture.at().plus_ms(LOG_DELAY_MS), request)
}

#[test]
fn only_what_is_verified_is_mine_or_not_by_the_journal() {
    let fixture = Fixture::new();
    let (disclosed, at, request) = attestation(&fixture);
    let root = fixture.trust_root();
    assert_eq!(judge(&disclosed, at, &root, &journal(&[request])), Told::Mine);

    let said = disclosed.request.unwrap();
    for made in [&[][..], &[Sha256Digest::of(b"another")], &[said]] {
        let origin = Origin { job: job(), request, what: "AIBoM".to_owned() };
        assert_eq!(judge(&disclosed, at, &root, &journal(made)), Told::NotMine(origin));
    }

    let stranger = TestMesh::new("stranger", fixture.at()).trust_root();
    let mut changed = disclosed.clone();
    changed.document.envelope.pop();
    for (disclosed, root) in [(&disclosed, &stranger), (&changed, &root)] {
        let told = judge(disclosed, at, root, &journal(&[request]));
        assert!(matches!(&told, Told::Nothing(why) if why.contains("not verified")), "{told:?}");
    }
}

#[test]
fn one_that_is_not_there_is_passed_over_and_a_mesh_that_is_away_is_asked_once() {
    let fixture = Fixture::new();
    let (disclosed, logged_at, request) = attestation(&fixture);
    let (root, made) = (fixture.trust_root(), journal(&[request]));
    let open: Vec<Open> = (0..4)
        .map(|index| Open {
            index,
            commitment: commitment(&[0; 32], &index.to_be_bytes()),
            logged_at,
        })
        .collect();
    let asked = RefCell::new(Vec::new());
    let fake = async |one: Open| {
        asked.borrow_mut().push(one.index);
        match one.index {
            0 => Err(Unanswered { reason: "none of yours".to_owned(), away: false }),
            1 => Ok(disclosed.clone()),
            _ => Err(Unanswered { reason: "away".to_owned(), away: true }),
        }
    };
    let runtime = crate::runtime::runtime().unwrap();
    let told = runtime.block_on(ask(&open, &root, &made, fake));
    let nothing = |why: &str| Told::Nothing(why.to_owned());
    let expected = [nothing("none of yours"), Told::Mine, nothing("away"), nothing("away")];
    assert_eq!(told, open.into_iter().zip(expected).collect::<Vec<_>>());
    assert_eq!(*asked.borrow(), [0, 1, 2]);
}
