//! Reads a log that we published with Cloudflare's crates: `signed_note` opens the checkpoint,
//! `tlog_tiles` authenticates the tiles and checks the proofs.
//!
//! usage: tlog-tiles-reader DIRECTORY VERIFIER-KEY [OLD-CHECKPOINT]
//!
//! Prints what held, and ends with 1 and the reason when something does not.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error, Hash, Tile, TileHashReader, TileReader, check_record, check_tree,
    prove_record, prove_tree, record_hash,
};

const HEIGHT: u8 = 8;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Directory(PathBuf);

impl TileReader for Directory {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            // C2SP tlog-tiles leaves the height out of the path.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            fs::read(self.0.join(&path)).map_err(|_| Error::InvalidTile)
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn open(path: &Path, key: &str) -> Outcome<Checkpoint> {
    let note = Note::from_bytes(&fs::read(path)?)?;
    note.verify(&VerifierList::new(vec![Box::new(StandardVerifier::new(key)?)]))?;
    Ok(Checkpoint::from_bytes(note.text()).map_err(|_| "the note is not a checkpoint")?)
}

/// One entry from its bundle, which has the places of the tile over it.
fn entry(root: &Path, size: u64, index: u64) -> Outcome<Vec<u8>> {
    let first = index >> HEIGHT << HEIGHT;
    let width = (size - first).min(256);
    let tile = Tile::new(HEIGHT, 0, index >> HEIGHT, u32::try_from(width)?, true);
    let path = tile.path().replacen("tile/8/data/", "tile/entries/", 1);
    let bytes = fs::read(root.join(&path))?;
    let mut rest = bytes.as_slice();
    for _ in first..index {
        rest = split(rest).ok_or("a bundle ends too early")?.1;
    }
    Ok(split(rest).ok_or("a bundle ends too early")?.0.to_vec())
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

fn run(arguments: &[String]) -> Outcome<()> {
    let [directory, key, old @ ..] = arguments else {
        return Err("usage: tlog-tiles-reader DIRECTORY VERIFIER-KEY [OLD-CHECKPOINT]".into());
    };
    let directory = Directory(PathBuf::from(directory));
    let head = open(&directory.0.join("checkpoint"), key)?;
    let (size, root): (u64, Hash) = (head.size(), *head.hash());
    let tiles = TileHashReader::new(size, root, &directory);
    let mut entries = 0;
    for index in (0..size).filter(|index| index % 256 < 2 || index % 256 > 253 || size <= 600) {
        let hash = record_hash(&entry(&directory.0, size, index)?);
        let proof = prove_record(size, index, &tiles).map_err(|e| format!("{index}: {e}"))?;
        check_record(&proof, size, root, index, hash).map_err(|e| format!("{index}: {e}"))?;
        entries += 1;
    }
    println!("size {size}\nentries {entries}");
    if let [old] = old {
        let old = open(Path::new(old), key)?;
        let proof = prove_tree(size, old.size(), &tiles)?;
        check_tree(&proof, size, root, old.size(), *old.hash())?;
        println!("extends {}", old.size());
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("refused: {error}");
            ExitCode::FAILURE
        }
    }
}
