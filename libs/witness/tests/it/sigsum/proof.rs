//! A Sigsum proof: its text (sigsum-go doc/sigsum-proof.md), written and read.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ids::Sha256Digest;
use merkle::CosignerKey;

/// A witness's line of it.
#[derive(Debug, Clone)]
pub(super) struct Cosignature {
    /// SHA-256 of its key.
    pub(super) witness: Sha256Digest,
    /// Seconds since the epoch.
    pub(super) time: u64,
    pub(super) signature: [u8; 64],
}

/// The proof.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    /// SHA-256 of the log's key.
    pub(super) log: Sha256Digest,
    /// SHA-256 of the key that signed the leaf.
    pub(super) submitter: Sha256Digest,
    /// The leaf's signature.
    pub(super) leaf: [u8; 64],
    pub(super) size: u64,
    pub(super) root: Sha256Digest,
    /// The log's signature.
    pub(super) signature: [u8; 64],
    pub(super) cosignatures: Vec<Cosignature>,
    pub(super) index: u64,
    pub(super) nodes: Vec<Sha256Digest>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "version=2\nlog={}", self.log.to_hex())?;
        writeln!(f, "leaf={} {}\n", self.submitter.to_hex(), hex(&self.leaf))?;
        writeln!(f, "size={}\nroot_hash={}", self.size, self.root.to_hex())?;
        writeln!(f, "signature={}", hex(&self.signature))?;
        for Cosignature { witness, time, signature } in &self.cosignatures {
            writeln!(f, "cosignature={} {time} {}", witness.to_hex(), hex(signature))?;
        }
        writeln!(f, "\nleaf_index={}", self.index)?;
        self.nodes.iter().try_for_each(|node| writeln!(f, "node_hash={}", node.to_hex()))
    }
}

impl FromStr for Proof {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = |name: &str| {
            let prefix = format!("{name}=");
            text.lines().filter_map(move |line| line.strip_prefix(&prefix).map(str::to_owned))
        };
        let one = |name: &str| all(name).next().ok_or_else(|| format!("no {name}"));
        let digest = |digits: &str| {
            bytes(digits)
                .map(Sha256Digest::from_bytes)
                .ok_or_else(|| format!("no digest: {digits}"))
        };
        let signature =
            |digits: &str| bytes(digits).ok_or_else(|| format!("no signature: {digits}"));
        let number = |digits: &str| digits.parse().map_err(|_| format!("no number: {digits}"));
        let cosignature = |line: String| match *line.split(' ').collect::<Vec<_>>() {
            [witness, time, cosigned] => Ok(Cosignature {
                witness: digest(witness)?,
                time: number(time)?,
                signature: signature(cosigned)?,
            }),
            _ => Err(format!("no cosignature: {line}")),
        };
        let leaf = one("leaf")?;
        let (submitter, leaf) = leaf.split_once(' ').ok_or("no leaf")?;
        Ok(Self {
            log: digest(&one("log")?)?,
            submitter: digest(submitter)?,
            leaf: signature(leaf)?,
            size: number(&one("size")?)?,
            root: digest(&one("root_hash")?)?,
            signature: signature(&one("signature")?)?,
            cosignatures: all("cosignature").map(cosignature).collect::<Result<_, _>>()?,
            index: number(&one("leaf_index")?)?,
            nodes: all("node_hash").map(|node| digest(&node)).collect::<Result<_, _>>()?,
        })
    }
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What hex digits stand for, if they are of that length.
pub(super) fn bytes<const LENGTH: usize>(digits: &str) -> Option<[u8; LENGTH]> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes?.try_into().ok()
}

/// A cosignature as it stands in a note (C2SP tlog-cosignature, "Format").
pub(super) fn line(witness: &CosignerKey, time: u64, signature: &[u8; 64]) -> String {
    let payload = [&witness.id()[..], &time.to_be_bytes(), &signature[..]].concat();
    format!("\u{2014} {} {}\n", witness.name(), STANDARD.encode(payload))
}
