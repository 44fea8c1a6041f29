//! Runs every target over seeded mutations of its corpus, on stable Rust. A panic ends the run.
//!
//! `smoke [RUNS PER TARGET] [SEED] [TARGET]`, by default 20,000 runs from seed 1 of all targets.

use std::{error::Error, fs, path::Path, time::Instant};

use fuzz::{TARGETS, Target};

/// The longest input, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Values that parsers get wrong.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"-",
    b"0",
    b"18446744073709551615",
    b"1e400",
    b"__lambda__",
    b"class_name",
    b"null",
    b"\xe2\x80\x94 ",
    b"PK\x05\x06",
    b"PK\x01\x02",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"&a",
    b"*a",
    b"!!",
    b"../",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let runs: u64 = args.next().map_or(Ok(20_000), |text| text.parse())?;
    let seed: u64 = args.next().map_or(Ok(1), |text| text.parse())?;
    let only = args.next();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(root.join("artifacts"))?;
    for target in TARGETS
        .iter()
        .filter(|(name, _)| only.as_deref().is_none_or(|o| o == *name))
    {
        run(target, root, runs, seed)?;
    }
    Ok(())
}

fn run((name, function): &Target, root: &Path, runs: u64, seed: u64) -> Result<(), Box<dyn Error>> {
    let mut corpus = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(root.join("corpus").join(name))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        corpus.push(fs::read(path)?);
    }
    if corpus.is_empty() {
        return Err(format!("corpus/{name} is empty").into());
    }
    let artifact = root.join("artifacts").join(format!("smoke-{name}"));
    let start = Instant::now();
    let plain = corpus.iter().filter(|input| function(input)).count();
    let mut random = Random(seed);
    let mut accepted = 0_u64;
    for run in 0..runs {
        let input = mutate(&corpus, &mut random);
        // Written to disk only if the target panics.
        let hook = Saved {
            input: &input,
            path: &artifact,
            run,
        };
        accepted += u64::from(function(&input));
        std::mem::forget(hook);
    }
    println!(
        "{name}: {} corpus inputs ({plain} accepted), {runs} mutations ({accepted} accepted), {} ms",
        corpus.len(),
        start.elapsed().as_millis()
    );
    Ok(())
}

struct Saved<'a> {
    input: &'a [u8],
    path: &'a Path,
    run: u64,
}

impl Drop for Saved<'_> {
    /// Reached only while unwinding from a panic.
    fn drop(&mut self) {
        eprintln!(
            "run {} panicked; its input is in {}",
            self.run,
            self.path.display()
        );
        let _ = fs::write(self.path, self.input);
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when that is 0.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> Option<&'a T> {
        items.get(self.below(items.len())).copied()
    }
}

/// One to four changes to one input of the corpus.
fn mutate(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let inputs: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
    let mut input = random.pick(&inputs).unwrap_or_default().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        let end = (at + 1 + random.below(16)).min(input.len());
        match random.below(7) {
            0 | 1 => {
                let bit = random.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            2 => {
                let value = random.next().to_le_bytes()[0];
                if let Some(byte) = input.get_mut(at) {
                    *byte = value;
                }
            }
            3 => drop(input.drain(at.min(end)..end)),
            4 => {
                let copy = input.get(at..end).unwrap_or_default().to_vec();
                drop(input.splice(at..at, copy));
            }
            5 => {
                let token = random.pick(TOKENS).unwrap_or_default();
                drop(input.splice(at..at, token.iter().copied()));
            }
            _ => {
                let other = random.pick(&inputs).unwrap_or_default();
                let from = random.below(other.len() + 1);
                let upto = (from + random.below(64)).min(other.len());
                let piece = other.get(from..upto).unwrap_or_default();
                drop(input.splice(at..end.max(at), piece.iter().copied()));
            }
        }
        input.truncate(MAX_BYTES);
    }
    input
}
