//! A log in Sigsum's form, and witnesses of ours that cosign it.

use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey};
use ids::Sha256Digest;
use merkle::{Checkpoint, CosignerKey, SignedCheckpoint, Tree, VerifierKey, checkpoint, leaf_hash};
use witness::{Answered, Asked, Logs, Request, State, request_body};

use super::{
    NOW, key, key_hash, origin,
    proof::{Cosignature, Proof, hex},
    read,
};

/// A witness of ours, and what it remembers.
pub(super) struct Witness {
    pub(super) key: SigningKey,
    pub(super) name: &'static str,
    state: State,
}

impl Witness {
    pub(super) fn new(seed: u8, name: &'static str) -> Self {
        Self { key: key(seed), name, state: State::new() }
    }

    pub(super) fn public(&self) -> CosignerKey {
        CosignerKey::new(self.name, self.key.verifying_key()).unwrap()
    }

    /// The answer of the process to `add-checkpoint`, without the process.
    fn answer(&mut self, body: &[u8], logs: &Logs, time: u64) -> String {
        let request = Request::parse(body).unwrap();
        let cosignable = self.state.decide(&request, logs).unwrap();
        let line = checkpoint::cosign(cosignable.checkpoint(), &self.key, self.name, time).unwrap();
        self.state = self.state.with(&cosignable, &line, &self.public()).unwrap();
        line
    }
}

/// A log in Sigsum's form; its leaves are of one submitter.
pub(super) struct Log {
    pub(super) key: SigningKey,
    submitter: SigningKey,
    pub(super) tree: Tree,
}

impl Log {
    pub(super) fn new(size: u64) -> Self {
        let mut log = Self { key: key(1), submitter: key(2), tree: Tree::default() };
        for index in 0..size {
            let leaf = leaf_hash(&log.leaf(index));
            log.tree.append(leaf);
        }
        log
    }

    fn message(index: u64) -> Sha256Digest {
        Sha256Digest::of(&index.to_be_bytes())
    }

    fn leaf_signature(&self, index: u64) -> [u8; 64] {
        let checksum = Sha256Digest::of(Self::message(index).as_bytes());
        let signed = [&b"sigsum.org/v1/tree-leaf\0"[..], checksum.as_bytes()].concat();
        self.submitter.sign(&signed).to_bytes()
    }

    /// Checksum, signature and key hash (Sigsum log.md, "Merkle tree leaf").
    fn leaf(&self, index: u64) -> Vec<u8> {
        let checksum = Sha256Digest::of(Self::message(index).as_bytes());
        let submitter = key_hash(&self.submitter.verifying_key());
        [&checksum.as_bytes()[..], &self.leaf_signature(index), submitter.as_bytes()].concat()
    }

    fn origin(&self) -> String {
        origin(&self.key.verifying_key())
    }

    pub(super) fn note(&self, size: u64) -> String {
        let root = self.tree.root_at(size).unwrap();
        let head = Checkpoint { origin: self.origin(), size, root };
        checkpoint::sign(&head, &self.key, &self.origin()).unwrap()
    }

    /// Has a witness cosign it at `old` leaves and again at `size`; the second answer counts.
    pub(super) fn cosigned(&self, witness: &mut Witness, old: u64, size: u64) -> String {
        let logs =
            Logs::new().with(VerifierKey::new(&self.origin(), self.key.verifying_key()).unwrap());
        let mut asked = |old: u64, size: u64, time: u64| {
            let note = self.note(size);
            let body = request_body(old, &self.tree.consistency(old, size).unwrap(), &note);
            let answer = witness.answer(body.as_bytes(), &logs, time);
            let asked = Asked { note: &note, size, old };
            match asked.read(200, "text/plain", answer.as_bytes(), &witness.public()) {
                Answered::Cosigned(line) => line,
                other => panic!("{other:?}"),
            }
        };
        asked(0, old, NOW);
        asked(old, size, NOW + 7)
    }

    /// The Sigsum proof of a leaf, out of a note with cosignatures.
    pub(super) fn proof(&self, note: &str, witnesses: &[&Witness], index: u64) -> Proof {
        let note = SignedCheckpoint::parse(note).unwrap();
        let head = note.unverified();
        let signed = note.signatures().first().unwrap();
        let cosignature = |witness: &&Witness| {
            let time = note.cosigned(&witness.public()).unwrap();
            let line = note.signatures().iter().find(|line| line.name == witness.name).unwrap();
            let signature = line.signature[8..].try_into().unwrap();
            Cosignature { witness: key_hash(&witness.key.verifying_key()), time, signature }
        };
        Proof {
            log: key_hash(&self.key.verifying_key()),
            submitter: key_hash(&self.submitter.verifying_key()),
            leaf: self.leaf_signature(index),
            size: head.size,
            root: head.root,
            signature: signed.signature.as_slice().try_into().unwrap(),
            cosignatures: witnesses.iter().map(cosignature).collect(),
            index,
            nodes: self.tree.inclusion(index, head.size).unwrap(),
        }
    }

    pub(super) fn policy(&self, witnesses: &[&Witness], quorum: usize) -> String {
        let mut text = format!("log {}\n", hex(self.key.verifying_key().as_bytes()));
        for Witness { key, name, .. } in witnesses {
            text += &format!("witness {name} {}\n", hex(key.verifying_key().as_bytes()));
        }
        let names: Vec<_> = witnesses.iter().map(|witness| witness.name).collect();
        text + &format!("group all {quorum} {}\nquorum all\n", names.join(" "))
    }

    pub(super) fn read(&self, reader: &Path, policy: &str, proof: &Proof) -> (bool, String) {
        let (message, submitter) = (Self::message(proof.index), self.submitter.verifying_key());
        read(reader, policy, &proof.to_string(), &message.to_hex(), &hex(submitter.as_bytes()))
    }
}
