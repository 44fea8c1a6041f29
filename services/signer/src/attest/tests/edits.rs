//! A thousand single edits of evidence that holds: none is signed.

use evidence::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;

const EDITS: u32 = 1_000;

/// Numbers that are the same on every run.
struct Dice(Sha256Digest);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = Sha256Digest::of(self.0.as_bytes());
        let bytes = self.0.as_bytes().first_chunk().unwrap();
        usize::try_from(u64::from_le_bytes(*bytes) % u64::try_from(bound).unwrap()).unwrap()
    }
}

fn documents(set: &mut EvidenceSet) -> [&mut Document; 7] {
    let EvidenceSet { request, grant, training, scans, submission, release: _ } = set;
    let [image, inputs, outputs] = scans.as_mut_slice() else { unreachable!("three scans") };
    [request, grant, training, image, inputs, outputs, submission]
}

/// A DSSE envelope, with its payload as it can be edited.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(with = "envelope::b64")]
    payload: Vec<u8>,
    payload_type: String,
    signatures: Value,
}

/// A byte changed, removed, or added.
fn edit_byte(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    match dice.below(4) {
        0 => drop(bytes.remove(at)),
        1 => bytes.insert(at, bytes[at] ^ 1),
        _ => bytes[at] ^= 1 << dice.below(8),
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a mut Value, at: &mut usize) -> Option<&'a mut Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, at)),
        Value::Object(members) => members.values_mut().find_map(|member| nth(member, at)),
        _ => None,
    }
}

/// A member or item changed, removed, or added, anywhere in the document.
fn edit_member(document: &mut Value, dice: &mut Dice) {
    let mut at = dice.below(count(document));
    let node = nth(document, &mut at).unwrap();
    match node {
        Value::Null => *node = json!(false),
        Value::Bool(value) => *value = !*value,
        Value::Number(number) => *node = json!(number.as_f64().unwrap() + 1.0),
        Value::String(text) => text.push('x'),
        Value::Array(items) if items.is_empty() || dice.below(2) == 0 => items.push(json!(1)),
        Value::Array(items) => drop(items.remove(dice.below(items.len()))),
        Value::Object(members) if members.is_empty() || dice.below(2) == 0 => {
            members.insert("extra".to_owned(), json!(1));
        }
        Value::Object(members) => {
            let name = members.keys().nth(dice.below(members.len())).cloned().unwrap();
            members.remove(&name);
        }
    }
}

/// A member of the envelope, of its payload, or of the link.
fn edit_json(bytes: &mut Vec<u8>, inside: bool, dice: &mut Dice) {
    let edited = |bytes: &[u8], dice: &mut Dice| {
        let mut document: Value = serde_json::from_slice(bytes).unwrap();
        edit_member(&mut document, dice);
        canonical::to_vec(&document).unwrap()
    };
    *bytes = match serde_json::from_slice::<Wire>(bytes) {
        Ok(mut wire) if inside => {
            wire.payload = edited(&wire.payload, dice);
            canonical::to_vec(&wire).unwrap()
        }
        _ => edited(bytes, dice),
    };
}

/// A certificate missing, there twice, in company, or another party's.
fn edit_chain(set: &mut EvidenceSet, root: &TrustRoot, place: usize, dice: &mut Dice) {
    let other = documents(set)[dice.below(5)].certificates.clone();
    let chain = &mut documents(set)[place].certificates;
    match dice.below(4) {
        0 => chain.clear(),
        1 => chain.extend(other),
        2 => chain.extend(root.mesh_ca.clone()),
        _ if *chain == other => chain.extend(other),
        _ => *chain = other,
    }
}

/// A scan missing, there twice, or of the other job.
fn edit_scans(scans: &mut Vec<Document>, other: &Document, dice: &mut Dice) {
    match dice.below(3) {
        0 => scans.clear(),
        1 => scans.push(other.clone()),
        _ => scans.push(scans[0].clone()),
    }
}

/// One edit of `one`; `two` is another job of the same parties.
fn edited(one: &EvidenceSet, two: &EvidenceSet, root: &TrustRoot, number: u32) -> EvidenceSet {
    let mut set = one.clone();
    let mut dice = Dice(Sha256Digest::of(&number.to_le_bytes()));
    let place = dice.below(7);
    match number % 8 {
        0 => edit_byte(&mut documents(&mut set)[place].envelope, &mut dice),
        1 => edit_byte(&mut documents(&mut set)[place].certificates[0], &mut dice),
        2 | 3 => edit_json(&mut documents(&mut set)[place].envelope, false, &mut dice),
        4 | 5 => edit_json(&mut documents(&mut set)[place].envelope, true, &mut dice),
        6 => {
            // Every mixture of the two but the two themselves.
            let (mask, mut other) = (1 + dice.below(126), two.clone());
            for (bit, from) in documents(&mut other).into_iter().enumerate() {
                if mask & (1 << bit) != 0 {
                    documents(&mut set)[bit].envelope.clone_from(&from.envelope);
                }
            }
        }
        _ => match dice.below(3) {
            0 => {
                // Scans among themselves are the same evidence in another order.
                let is_scan = (3..6).contains(&place);
                let other = if is_scan { dice.below(3) } else { (place + 1 + dice.below(6)) % 7 };
                let (here, there) = (place, other);
                let moved = documents(&mut set)[here].clone();
                *documents(&mut set)[here] = documents(&mut set)[there].clone();
                *documents(&mut set)[there] = moved;
            }
            1 => edit_chain(&mut set, root, place, &mut dice),
            _ => {
                let other = Document {
                    envelope: two.scans[0].envelope.clone(),
                    certificates: one.scans[0].certificates.clone(),
                };
                edit_scans(&mut set.scans, &other, &mut dice);
            }
        },
    }
    set
}

#[test]
fn no_single_edit_is_signed() {
    let (fixture, journal) = (Fixture::new(), Memory::default());
    let (one, root) = (fixture.set(), fixture.trust_root());
    // The parties have the same keys in every fixture, so the first's certificates serve both.
    let mut two = Fixture::new().number(2).set();
    let mut first = one.clone();
    for (to, from) in documents(&mut two).into_iter().zip(documents(&mut first)) {
        to.certificates.clone_from(&from.certificates);
    }
    let ring = Ring::new(Arc::new(Store::of(fixture.mesh())));
    let policy = Ok(fixture.signed_policy());
    let attester = Attester { root: &root, ring: &ring, policy };
    let attest = |set: &EvidenceSet, journal| attester.attest(set, fixture.at(), [5; 32], journal);
    for number in 0..EDITS {
        let set = edited(&one, &two, &root, number);
        assert_ne!(set, one, "edit {number} is none");
        let answer = attest(&set, &journal);
        let refused = matches!(&answer, Err(AttestError::Refused { rule, .. }) if !rule.is_empty());
        assert!(refused, "edit {number}: {answer:?}");
    }
    assert_eq!(journal.len(), 0);
    assert!(journal.requests.lock().unwrap().is_empty());
    // Without an edit both are signed.
    attest(&one, &journal).unwrap();
    attest(&two, &journal).unwrap();
}
