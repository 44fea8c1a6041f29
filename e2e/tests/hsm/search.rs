//! Searches bytes for private keys of which only the public halves are known.
//!
//! A token never tells a private key, so the search cannot look for its value. It computes instead:
//! every 32 bytes that might be random are tried as an Ed25519 seed (RFC 8032) and as a P-256 scalar,
//! in memory in both byte orders, and what they make is compared with the public halves. Text is decoded from
//! hexadecimal and base64, and so from PEM, at every alignment, and searched in the same way.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    io::ErrorKind,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use evidence::{KeyUse, TrustRoot};
use keys::{Algorithm, KeyId};

/// The length of both kinds of private key, in bytes.
const KEY: usize = 32;
/// Of 32 random bytes so many differ: fewer do for one key in thousands of millions.
const DISTINCT_MIN: u32 = 20;
/// So many have their highest bit set, which text never has: fewer have for one key in a million.
const HIGH_MIN: u32 = 4;
/// Memory is searched at every address that this divides: keys lie in allocations of their own, or
/// at such an offset of a PKCS#8 document. Files are searched at every byte.
const ALIGNMENT: usize = 4;
/// So many digits on end are an encoded document: it begins where they begin.
const DOCUMENT: usize = 4096;
/// A page, in bytes; pages of zeros are passed over.
const PAGE: usize = 4096;

/// A search, and what it found.
pub(crate) struct Search {
    /// What a private key makes: 32 bytes, or an uncompressed point.
    pub(crate) wanted: Vec<(KeyId, Vec<u8>)>,
    /// The different 32 bytes that were tried.
    pub(crate) tried: HashSet<[u8; KEY]>,
    /// Whether scalars may be as a processor keeps them: the lowest byte first. In files they never
    /// are.
    lowest_first: bool,
    /// How many bytes were looked at.
    pub(crate) bytes: usize,
    /// Which keys were found.
    pub(crate) found: BTreeSet<KeyId>,
}

/// How often each byte is in the last 32.
struct Window {
    counts: [u8; 256],
    distinct: u32,
    high: u32,
}

impl Window {
    const EMPTY: Self = Self { counts: [0; 256], distinct: 0, high: 0 };

    fn enter(&mut self, byte: u8) {
        let count = &mut self.counts[usize::from(byte)];
        *count += 1;
        self.distinct += u32::from(*count == 1);
        self.high += u32::from(byte >> 7);
    }

    fn leave(&mut self, byte: u8) {
        let count = &mut self.counts[usize::from(byte)];
        *count -= 1;
        self.distinct -= u32::from(*count == 0);
        self.high -= u32::from(byte >> 7);
    }

    const fn may_be_random(&self) -> bool {
        self.distinct >= DISTINCT_MIN && self.high >= HIGH_MIN
    }
}

impl Search {
    /// For every signing key that the trust root names.
    pub(crate) fn of(root: &TrustRoot) -> Self {
        let keys = KeyUse::SIGNER.into_iter().flat_map(|usage| root.keys(usage));
        let wanted = keys.map(|(key, _)| {
            // Both kinds of SubjectPublicKeyInfo end with the key (RFC 8410, RFC 5480).
            let length = match key.algorithm() {
                Algorithm::Ed25519 => 32,
                Algorithm::EcdsaP256Sha256 => 65,
            };
            let spki = key.spki_der();
            (key.key_id(), spki[spki.len() - length..].to_vec())
        });
        Self {
            wanted: wanted.collect(),
            tried: HashSet::new(),
            lowest_first: false,
            bytes: 0,
            found: BTreeSet::new(),
        }
    }

    /// Searches the writable memory of a process.
    pub(crate) fn memory(&mut self, process: i32) -> anyhow::Result<()> {
        self.lowest_first = true;
        let memory = fs::File::open(format!("/proc/{process}/mem"))?;
        for line in fs::read_to_string(format!("/proc/{process}/maps"))?.lines() {
            let mut fields = line.split_ascii_whitespace();
            let (range, access) = (fields.next().context("a range")?, fields.next());
            if !access.is_some_and(|access| access.starts_with("rw")) {
                continue;
            }
            let (start, end) = range.split_once('-').context("a range")?;
            let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
            let mut bytes = vec![0; usize::try_from(end - start)?];
            // A region may go away meanwhile; that the rest was read is asked of `bytes`.
            if memory.read_exact_at(&mut bytes, start).is_ok() {
                self.bytes(&bytes, ALIGNMENT);
            }
        }
        Ok(())
    }

    /// Searches every file below `directory`, but for what is below a directory of `except`.
    pub(crate) fn files(&mut self, directory: &Path, except: &[PathBuf]) -> anyhow::Result<()> {
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if except.contains(&path) {
                continue;
            }
            if kind.is_dir() {
                self.files(&path, except)?;
            } else if kind.is_file() {
                match fs::read(&path) {
                    Ok(bytes) => self.bytes(&bytes, 1),
                    // Services make files and remove them while this runs.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error).context(path.display().to_string()),
                }
            }
        }
        Ok(())
    }

    /// Searches bytes for keys that begin at every one that `step` divides, and what they encode.
    pub(crate) fn bytes(&mut self, bytes: &[u8], step: usize) {
        self.bytes += bytes.len();
        // Pages of zeros, of which memory is full, part the rest.
        let mut kept = 0;
        for (index, page) in bytes.chunks(PAGE).enumerate() {
            if page.iter().all(|byte| *byte == 0) {
                self.part(&bytes[kept..index * PAGE], step);
                kept = (index * PAGE + page.len()).min(bytes.len());
            }
        }
        self.part(&bytes[kept..], step);
    }

    fn part(&mut self, bytes: &[u8], step: usize) {
        self.raw(bytes, step);
        self.encoded(bytes, &HEX);
        self.encoded(bytes, &BASE64);
    }

    fn raw(&mut self, bytes: &[u8], step: usize) {
        let mut window = Window::EMPTY;
        for (index, byte) in bytes.iter().enumerate() {
            window.enter(*byte);
            if index >= KEY {
                window.leave(bytes[index - KEY]);
            }
            let Some(start) = (index + 1).checked_sub(KEY) else { continue };
            if start % step == 0
                && window.may_be_random()
                && let Ok(candidate) = <[u8; KEY]>::try_from(&bytes[start..=index])
            {
                self.attempt(candidate);
            }
        }
    }

    /// Decodes runs of digits, beginning at every digit that may begin a byte; line ends do not end
    /// a run.
    fn encoded(&mut self, bytes: &[u8], code: &Code) {
        let mut run = Vec::new();
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match (code.digit)(*byte) {
                Some(value) => run.push(value),
                None if matches!(*byte, b'\r' | b'\n') => {}
                // A line end within a JSON string.
                None if *byte == b'\\' && after.first() == Some(&b'n') => rest = &after[1..],
                None => self.run(&mut run, code),
            }
        }
        self.run(&mut run, code);
    }

    fn run(&mut self, run: &mut Vec<u32>, code: &Code) {
        if run.len() >= code.shortest && (code.plausible)(run) {
            // What is this long is a document, and not a key behind something else.
            let phases = if run.len() > DOCUMENT { 1 } else { code.phases };
            for skipped in 0..phases {
                self.raw(&decode(&run[skipped..], code.bits), 1);
            }
        }
        run.clear();
    }

    fn attempt(&mut self, candidate: [u8; KEY]) {
        if !self.tried.insert(candidate) {
            return;
        }
        let mut reversed = candidate;
        reversed.reverse();
        let orders = if self.lowest_first { 2 } else { 1 };
        let seed = Ed25519KeyPair::from_seed_unchecked(&candidate).ok();
        self.compare(seed.as_ref().map(|pair| pair.public_key().as_ref()));
        for scalar in [candidate, reversed].into_iter().take(orders) {
            let key = PrivateKey::from_private_key(&ECDH_P256, &scalar).ok();
            let public = key.and_then(|key| key.compute_public_key().ok());
            self.compare(public.as_ref().map(AsRef::as_ref));
        }
    }

    fn compare(&mut self, made: Option<&[u8]>) {
        let wanted = self.wanted.iter().find(|(_, public)| Some(public.as_slice()) == made);
        self.found.extend(wanted.map(|(id, _)| *id));
    }
}

/// How bytes are written as text.
struct Code {
    /// What one digit stands for, in bits.
    bits: u32,
    /// How many digits may have to be skipped until one begins a byte, and one more.
    phases: usize,
    /// The digits of a whole key.
    shortest: usize,
    digit: fn(u8) -> Option<u32>,
    /// Whether digits that many may be random at all.
    plausible: fn(&[u32]) -> bool,
}

const HEX: Code = Code {
    bits: 4,
    phases: 2,
    shortest: KEY * 2,
    digit: |byte| char::from(byte).to_digit(16),
    plausible: |_| true,
};

const BASE64: Code = Code {
    bits: 6,
    phases: 4,
    shortest: (KEY * 8).div_ceil(6),
    digit: base64_digit,
    // Capital and small letters, which digests and most paths do not mix: a key lacks one of them
    // once in thousands of millions.
    plausible: |run| {
        let among = |range: std::ops::Range<u32>| run.iter().any(|digit| range.contains(digit));
        among(0..26) && among(26..52)
    },
};

/// The value of a digit of base64, or base64url (RFC 4648).
fn base64_digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

fn decode(digits: &[u32], bits: u32) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(digits.len());
    let (mut gathered, mut count) = (0_u32, 0);
    for digit in digits {
        gathered = (gathered << bits | digit) & 0xffff;
        count += bits;
        if count >= 8 {
            count -= 8;
            decoded.extend((gathered >> count).to_le_bytes().first());
        }
    }
    decoded
}
