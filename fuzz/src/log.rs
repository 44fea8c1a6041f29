//! What a ledger says: checkpoints, proofs, and the entry of one attestation.

use ids::{Sha256Digest, canonical};

use crate::fixture::{one_spelling, signed};

/// The key of the corpus' notes.
const LOG_KEY: &str = "log.example/aibom+b41fabbf+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";

/// A signed checkpoint: what reads back must be what was signed.
pub fn checkpoint_note(data: &[u8]) -> bool {
    let Ok(note) = std::str::from_utf8(data) else {
        return false;
    };
    if let Ok(key) = note.parse::<merkle::VerifierKey>() {
        assert_eq!(key.to_string(), note, "a verifier key has one spelling");
        return true;
    }
    if let Ok(key) = note.parse::<merkle::CosignerKey>() {
        assert_eq!(key.to_string(), note, "a cosigner's key has one spelling");
        assert!(note.parse::<merkle::VerifierKey>().is_err(), "a witness is no log");
        return true;
    }
    let Ok(parsed) = merkle::SignedCheckpoint::parse(note) else {
        return false;
    };
    let body = parsed.unverified().to_note_body();
    assert!(note.starts_with(&body), "a checkpoint has one spelling");
    let Ok(key) = LOG_KEY.parse::<merkle::VerifierKey>() else { unreachable!("a constant key") };
    parsed.verify(&key).is_ok()
}

/// The text of a proof: it has one spelling; under the root's policy only the one that was made holds.
pub fn tlog_proof(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(proof) = merkle::TlogProof::parse(text) else {
        return false;
    };
    assert_eq!(proof.to_string(), text, "a proof has one spelling");
    let wine = signed();
    let policy = wine.root.log_policy().expect("the root names the ledger and its witnesses");
    let made = &wine.bundle.inclusion;
    let inclusion = bundle::Inclusion { proof: text.to_owned(), ..made.clone() };
    let holds = inclusion.check(&wine.bundle.attestation, &policy).is_ok();
    assert!(!holds || inclusion == *made, "a proof that nobody made");
    true
}

/// A log policy in the text of C2SP tlog-policy: what is written reads back as the same.
pub fn log_policy(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(policy) = text.parse::<merkle::LogPolicy>() else {
        return false;
    };
    assert!(policy.quorum() <= policy.counting(), "a quorum that nobody can reach");
    let again = policy.to_string().parse::<merkle::LogPolicy>();
    assert_eq!(again.as_ref(), Ok(&policy), "what is written reads back");
    true
}

/// Index, size, leaf, root and hashes, packed: a proof that fits one root fits no other.
pub fn inclusion_proof(data: &[u8]) -> bool {
    let Some((index, rest)) = data.split_first_chunk::<8>() else {
        return false;
    };
    let Some((size, rest)) = rest.split_first_chunk::<8>() else {
        return false;
    };
    let (index, size) = (u64::from_le_bytes(*index), u64::from_le_bytes(*size));
    let (hashes, _) = rest.as_chunks::<32>();
    let hashes: Vec<_> = hashes.iter().map(|hash| Sha256Digest::from_bytes(*hash)).collect();
    let [leaf, root, proof @ ..] = hashes.as_slice() else {
        return false;
    };
    let other = merkle::leaf_hash(b"another root");
    let included = merkle::verify_inclusion(leaf, index, size, proof, root).is_ok();
    let consistent = merkle::verify_consistency(index, leaf, size, root, proof).is_ok();
    if *root != other {
        let both = merkle::verify_inclusion(leaf, index, size, proof, &other).is_ok();
        assert!(!(included && both), "one proof for two roots");
        let both = merkle::verify_consistency(index, leaf, size, &other, proof).is_ok();
        // An empty old tree is the start of every tree.
        assert!(index == 0 || !(consistent && both), "one consistency proof for two roots");
    }
    included || consistent
}

/// The ledger's proof of an attestation: only the one that was made holds.
pub fn ledger_inclusion(data: &[u8]) -> bool {
    let wine = signed();
    let Ok(inclusion) = canonical::from_slice::<bundle::Inclusion>(data, 1 << 20) else {
        return false;
    };
    assert!(one_spelling(&inclusion, data), "an inclusion has one spelling");
    let attestation = &wine.bundle.attestation;
    let key = wine.root.log_policy().expect("the root names the ledger's key");
    let made = &wine.bundle.inclusion;
    if let Ok(entry) = inclusion.check_entry(attestation) {
        assert!(inclusion.salt == made.salt, "one salt for one commitment");
        let bytes = canonical::to_vec(&entry).expect("an entry");
        assert!(bytes == inclusion.entry, "an entry has one spelling");
    }
    if inclusion.parts(attestation, &key).index().is_ok() {
        assert!(inclusion.entry == made.entry, "only what is in the log is proved");
    }
    let holds = inclusion.check(attestation, &key).is_ok();
    assert!(!holds || inclusion == *made, "an inclusion that nobody made");
    true
}
