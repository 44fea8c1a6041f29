//! The Sigsum project's crate verifies what our witness cosigned, and ours what Sigsum's witnesses did.
//!
//! A Sigsum log's tree head is a C2SP checkpoint, with an origin that its key gives, and its witnesses
//! cosign as C2SP tlog-cosignature says (Sigsum log.md, "Merkle tree head" and "Cosigned tree head").

mod log;
mod proof;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ed25519_dalek::{SigningKey, VerifyingKey};
use ids::Sha256Digest;
use merkle::{
    Checkpoint, CosignerKey, SignedCheckpoint, VerifierKey, checkpoint, leaf_hash, verify_inclusion,
};

use log::{Log, Witness};
use proof::{Proof, hex};

/// Where the log stood when the witnesses were asked first, and where it is, in leaves.
const SIZES: [(u64, u64); 5] = [(1, 2), (1, 255), (7, 256), (256, 257), (200, 300)];
const NOW: u64 = 1_770_193_051;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn key_hash(key: &VerifyingKey) -> Sha256Digest {
    Sha256Digest::of(key.as_bytes())
}

/// The origin of a Sigsum log's checkpoints.
fn origin(log: &VerifyingKey) -> String {
    format!("sigsum.org/v1/tree/{}", key_hash(log).to_hex())
}

/// The reader over the Sigsum project's crate; tests that run side by side wait for one build.
fn reader() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/interop/sigsum/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sigsum");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--manifest-path"]);
    build.arg(source).arg("--target-dir").arg(&target);
    let built = build.output().unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "its crates come from the registry, once: {said}");
    target.join("debug/sigsum-reader")
}

/// Whether the Sigsum project's crate believes a proof, and what it says.
fn read(
    reader: &Path,
    policy: &str,
    proof: &str,
    message: &str,
    submitter: &str,
) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let beside = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (policy, proof) = (beside("policy", policy), beside("proof", proof));
    let read = Command::new(reader).args([&policy, &proof]).args([message, submitter]).output();
    let read = read.unwrap();
    let said = [read.stdout, read.stderr].concat();
    (read.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn sigsums_crate_believes_what_our_witness_cosigned() {
    let reader = reader();
    let log = Log::new(300);
    for (old, size) in SIZES {
        let (mut one, mut two) =
            (Witness::new(11, "w.example/one"), Witness::new(12, "w.example/two"));
        let mut note = log.note(size);
        note += &log.cosigned(&mut one, old, size);
        note += &log.cosigned(&mut two, old, size);
        let policy = log.policy(&[&one, &two], 2);
        for index in [0, size / 2, size - 1] {
            let proof = log.proof(&note, &[&one, &two], index);
            let (believed, said) = log.read(&reader, &policy, &proof);
            assert!(believed && said == "holds\n", "{index} of {size}: {said}");
        }
    }
}

/// A proof, what is done to it, and why the crate refuses it then.
type Spoilt = (&'static str, fn(&mut Proof), &'static str);

const SPOILT: [Spoilt; 12] = [
    ("a later time", |proof| proof.cosignatures[0].time += 1, "bad witness cosignature"),
    ("an earlier time", |proof| proof.cosignatures[1].time -= 1, "bad witness cosignature"),
    (
        "a cosignature's byte",
        |proof| proof.cosignatures[0].signature[0] ^= 1,
        "bad witness cosignature",
    ),
    (
        "one witness's cosignature under the other's name",
        |proof| proof.cosignatures[0].signature = proof.cosignatures[1].signature,
        "bad witness cosignature",
    ),
    (
        "a stranger's cosignature",
        |proof| proof.cosignatures[0].witness = key_hash(&key(13).verifying_key()),
        "not enough valid cosignatures",
    ),
    (
        "a missing cosignature",
        |proof| proof.cosignatures.truncate(1),
        "not enough valid cosignatures",
    ),
    (
        "one witness twice",
        |proof| proof.cosignatures[1] = proof.cosignatures[0].clone(),
        "not enough valid cosignatures",
    ),
    ("another root", |proof| proof.root = Sha256Digest::of(b"another"), "bad log signature"),
    ("another size", |proof| proof.size += 1, "bad log signature"),
    ("the log's signature", |proof| proof.signature[5] ^= 1, "bad log signature"),
    ("another log", |proof| proof.log = key_hash(&key(3).verifying_key()), "unknown log keyhash"),
    ("a hash of the path", |proof| proof.nodes[1] = Sha256Digest::of(b"x"), "bad inclusion proof"),
];

#[test]
fn sigsums_crate_refuses_what_our_witness_did_not_cosign() {
    let reader = reader();
    let log = Log::new(300);
    let (mut one, mut two) = (Witness::new(11, "w.example/one"), Witness::new(12, "w.example/two"));
    let lines = log.cosigned(&mut one, 7, 300) + &log.cosigned(&mut two, 7, 300);
    let note = log.note(300) + &lines;
    let policy = log.policy(&[&one, &two], 2);
    let good = log.proof(&note, &[&one, &two], 42);
    for (what, spoil, why) in SPOILT {
        let mut proof = good.clone();
        spoil(&mut proof);
        let (believed, said) = log.read(&reader, &policy, &proof);
        assert!(!believed && said.contains(why), "{what}: {said}");
    }
    assert_eq!(log.read(&reader, &policy, &good), (true, "holds\n".to_owned()));

    // The log signs another root of that size, and shows it with what the witnesses cosigned.
    let mut forked = Log::new(299);
    forked.tree.append(leaf_hash(b"another entry"));
    let head = SignedCheckpoint::parse(&forked.note(300)).unwrap();
    let fork = Proof {
        root: head.unverified().root,
        signature: head.signatures()[0].signature.as_slice().try_into().unwrap(),
        nodes: forked.tree.inclusion(42, 300).unwrap(),
        ..good.clone()
    };
    let (believed, said) = log.read(&reader, &policy, &fork);
    assert!(!believed && said.contains("bad witness cosignature"), "a fork: {said}");
    // The fork is refused for its cosignatures alone: by who asks for none, it is believed.
    let alone = format!("log {}\nquorum none\n", hex(log.key.verifying_key().as_bytes()));
    let unwitnessed = Proof { cosignatures: Vec::new(), ..fork };
    assert!(log.read(&reader, &alone, &unwitnessed).0, "the fork is well made");

    // What our witness cosigned of a log of another origin says nothing of this one.
    let head = Checkpoint {
        origin: "log.example/ledger".to_owned(),
        size: 300,
        root: log.tree.root_at(300).unwrap(),
    };
    let elsewhere = checkpoint::cosign(&head, &one.key, one.name, NOW).unwrap();
    let note = checkpoint::sign(&head, &log.key, "log.example/ledger").unwrap() + &elsewhere;
    let mut proof = log.proof(&note, &[&one], 42);
    proof.signature = good.signature;
    let (believed, said) = log.read(&reader, &log.policy(&[&one], 1), &proof);
    assert!(!believed && said.contains("bad witness cosignature"), "another origin: {said}");
}

/// A proof of Sigsum's test log, with the cosignatures of eight witnesses that others run, from the
/// documentation of the crate `sigsum` 0.3.0, and the policy `sigsum-test-2025-3` in that crate.
const HELLO: (&str, &str) =
    (include_str!("sigsum/hello.proof"), include_str!("sigsum/hello.policy"));

#[test]
fn our_reader_believes_what_sigsums_witnesses_cosigned() {
    let proof: Proof = HELLO.0.parse().unwrap();
    let keys = |what: &str, at: usize| -> Vec<_> {
        let of = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let bytes: [u8; 32] = proof::bytes(words.get(at)?)?;
            (words[0] == what)
                .then(|| (words[1].to_owned(), VerifyingKey::from_bytes(&bytes).unwrap()))
        };
        HELLO.1.lines().filter_map(of).collect()
    };
    let (logs, witnesses) = (keys("log", 1), keys("witness", 2));
    let (_, log) = logs.iter().find(|(_, key)| key_hash(key) == proof.log).unwrap();
    let origin = origin(log);
    let head = Checkpoint { origin: origin.clone(), size: proof.size, root: proof.root };
    let log = VerifierKey::new(&origin, *log).unwrap();
    let note = checkpoint::assemble(&head, &log, &proof.signature).unwrap();
    assert_eq!((witnesses.len(), proof.cosignatures.len()), (8, 8));
    for (name, key) in witnesses {
        let witness = CosignerKey::new(&name, key).unwrap();
        let cosigned = proof.cosignatures.iter().find(|one| one.witness == key_hash(&key)).unwrap();
        let line = |time| proof::line(&witness, time, &cosigned.signature);
        let good = SignedCheckpoint::parse(&(note.clone() + &line(cosigned.time))).unwrap();
        assert_eq!(good.cosigned(&witness), Ok(cosigned.time), "{name}");
        let bad = SignedCheckpoint::parse(&(note.clone() + &line(cosigned.time + 1))).unwrap();
        assert!(bad.cosigned(&witness).is_err(), "{name}");
    }
    let leaf = leaf_of(&proof);
    let proved = verify_inclusion(&leaf, proof.index, proof.size, &proof.nodes, &proof.root);
    assert_eq!(proved, Ok(()));
}

/// The hash of the leaf: what it commits to is "Hello, Sigsum!".
fn leaf_of(proof: &Proof) -> Sha256Digest {
    let message = Sha256Digest::of(b"Hello, Sigsum!\n");
    let checksum = Sha256Digest::of(message.as_bytes());
    leaf_hash(&[&checksum.as_bytes()[..], &proof.leaf, proof.submitter.as_bytes()].concat())
}
