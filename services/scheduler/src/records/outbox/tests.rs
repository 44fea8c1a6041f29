//! What is kept of records, commitments and tree heads, over a restart.

use evidence::{About, Record};
use ids::Role;

use super::*;

fn owner() -> SpiffeId {
    SpiffeId::new("mesh.test", Role::User, "alice").unwrap()
}

fn policy(digest: Sha256Digest) -> Due {
    let about = About::Policy { name: "standard".to_owned(), version: 1, digest };
    Due::new(owner(), Record::new(about, Timestamp::from_unix_ms(1_790_000_000_000)))
}

#[tokio::test]
async fn going_back_to_an_older_policy_is_a_change_too() {
    let directory = tempfile::tempdir().unwrap();
    let [a, b] = [b"a", b"b"].map(|text| Sha256Digest::of(text));
    let (mut made, mut records) = (Vec::new(), Records::open(directory.path()).unwrap());
    for digest in [a, a, b, b, a, a] {
        made.push(records.due_anew("policy", digest, policy(digest)).await.unwrap());
        drop(records);
        records = Records::open(directory.path()).unwrap();
    }
    assert_eq!(made, [true, false, true, false, true, false]);
    assert!(records.due_anew("trust-root", a, policy(a)).await.unwrap(), "kinds are apart");
    let due = records.due(&[], 10).unwrap();
    assert_eq!(due.iter().map(|(_, due)| due.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_logged_record_is_kept_once_and_told_as_before() {
    let directory = tempfile::tempdir().unwrap();
    let records = Records::open(directory.path()).unwrap();
    let (due, salt) = (policy(Sha256Digest::of(b"a")), vec![7; 32]);
    let document = Document { envelope: b"envelope".to_vec(), certificates: Vec::new() };
    let commitment = bundle::commitment(&salt, &document.envelope);
    let what = What::Record { document: document.clone(), salt: salt.clone() };
    let committed = Committed { owner: owner(), job: None, what };
    records.sealed(&due, &commitment, &committed).await.unwrap();
    let inclusion = Inclusion { salt, entry: b"entry".to_vec(), proof: "proof".to_owned() };
    let record = LoggedRecord { document, inclusion };
    records.logged(&due, None, &record).await.unwrap();
    let Committed { owner: of, what, .. } = records.committed(&commitment).unwrap().unwrap();
    let What::Logged(key) = what else { panic!("a second copy: {what:?}") };
    assert_eq!((of, records.logged_at(&key).unwrap().document), (owner(), record.document));
    assert!(records.due(&[], 10).unwrap().is_empty());
}

#[tokio::test]
async fn what_an_older_scheduler_signed_is_explained_too() {
    let directory = tempfile::tempdir().unwrap();
    let records = Records::open(directory.path()).unwrap();
    let commitment = Sha256Digest::of(b"commitment");
    assert!(records.committed(&commitment).unwrap().is_none());
    for answer in [b"first", b"later"] {
        let what = What::Attestation(Sha256Digest::of(answer));
        let committed = Committed { owner: owner(), job: None, what };
        records.commit_to(&commitment, &committed).await.unwrap();
    }
    let What::Attestation(answer) = records.committed(&commitment).unwrap().unwrap().what else {
        panic!("another thing")
    };
    assert_eq!(answer, Sha256Digest::of(b"first"), "what is kept stays");
}

#[tokio::test]
async fn each_log_has_a_head_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let records = Records::open(directory.path()).unwrap();
    let head = |origin: &str, size| Head {
        origin: origin.to_owned(),
        size,
        root: Sha256Digest::of(b"root"),
    };
    for head in [head("a", 9), head("b", 1), head("a", 10)] {
        records.put_head(&head).await.unwrap();
    }
    let mut heads = records.heads().unwrap();
    heads.sort_by(|one, other| one.origin.cmp(&other.origin));
    assert_eq!(heads, [head("a", 10), head("b", 1)]);
}
