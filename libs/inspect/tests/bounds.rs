//! Bounds: bytes read, bytes inflated, hazards; no bytes make it panic.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    cell::Cell,
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
};

use inspect::{Inspection, Limits, MAX_HAZARDS, Rule, Severity, inspect};
use proptest::prelude::*;

/// Counts what is read.
struct Counted<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// `length` bytes: a start, then zeros, of which none are in memory.
struct Sparse {
    start: Vec<u8>,
    length: u64,
    at: u64,
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        for slot in buffer.iter_mut().take(count) {
            let at = usize::try_from(self.at).unwrap_or(usize::MAX);
            *slot = self.start.get(at).copied().unwrap_or(0);
            self.at += 1;
        }
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.length.checked_add_signed(by).unwrap(),
            SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
        };
        Ok(self.at)
    }
}

fn look(name: &str, bytes: &[u8]) -> Inspection {
    inspect(name, Cursor::new(bytes), &Limits::default()).unwrap()
}

fn read_of(name: &str, file: impl Read + Seek, limits: &Limits) -> (Inspection, u64) {
    let read = Rc::new(Cell::new(0));
    let counted = Counted { inner: file, read: Rc::clone(&read) };
    (inspect(name, counted, limits).unwrap(), read.get())
}

#[test]
fn every_file_of_the_corpora_is_read_a_few_times_at_most() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"));
    for kind in ["hostile", "benign"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap();
            let (_, read) = read_of(name, Cursor::new(&bytes), &Limits::default());
            // The tail of a file is looked through for an end record, and its head for others.
            assert!(
                read <= 24 * bytes.len() as u64 + (64 << 10),
                "{name}: {read} of {}",
                bytes.len()
            );
        }
    }
}

#[test]
fn a_large_file_is_not_read_into_memory() {
    let start = b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }        \n";
    let file = Sparse { start: start.to_vec(), length: 1 << 40, at: 0 };
    let (found, read) = read_of("a.npy", file, &Limits::default());
    assert_eq!(found.hazards, []);
    assert!(read < 1 << 20, "{read}");
}

#[test]
fn reading_stops_at_its_limit_and_says_so() {
    let limits = Limits { max_read_bytes: 1 << 20, ..Limits::default() };
    let file = Sparse { start: b"\x80\x04]".to_vec(), length: 1 << 40, at: 0 };
    let (found, read) = read_of("a.pkl", file, &limits);
    assert!(found.unread.is_some());
    assert!(read <= 2 << 20, "{read}");
}

#[test]
fn a_stack_that_grows_without_end_is_stopped() {
    let limits = Limits { max_pickle_bytes: 1 << 16, ..Limits::default() };
    for opcode in [b'(', b'N', b'}', b')'] {
        let bytes = [&b"\x80\x04"[..], &vec![opcode; 1 << 20]].concat();
        let found = inspect("a.pkl", Cursor::new(&bytes), &limits).unwrap();
        assert!(found.unread.is_some(), "{opcode}");
    }
    // Tuples inside of tuples, a million deep.
    let bytes = [&b"\x80\x04N"[..], &vec![0x85; 1 << 20], b"."].concat();
    assert_eq!(look("a.pkl", &bytes).hazards, []);
}

#[test]
fn a_full_memo_never_makes_a_wrong_name() {
    let mut bytes = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94".to_vec();
    for number in 0..5_000_u32 {
        bytes.extend_from_slice(b"\x8c\x08");
        bytes.extend_from_slice(format!("{number:08}").as_bytes());
        bytes.push(0x94);
    }
    bytes.extend_from_slice(b"\x8c\x06system\x94j\x8a\x13\x00\x00j\x8a\x13\x00\x00\x93.");
    let limits = Limits { max_pickle_bytes: 1 << 20, ..Limits::default() };
    let small = Limits { max_pickle_bytes: 1 << 16, ..Limits::default() };
    for limits in [limits, small] {
        let found = inspect("a.pkl", Cursor::new(&bytes), &limits).unwrap();
        assert!(found.refusal().is_some() || found.unread.is_some(), "{found:?}");
    }
}

#[test]
fn hazards_are_bounded_sorted_and_the_same_twice() {
    let mut bytes = b"\x80\x02".to_vec();
    for number in 0..3_000 {
        bytes.extend_from_slice(format!("cunknown{number}\nName\n0").as_bytes());
    }
    bytes.extend_from_slice(b"cos\nsystem\n.");
    let found = look("a.pkl", &bytes);
    assert_eq!(found.hazards.len(), MAX_HAZARDS);
    assert!(found.hazards.is_sorted());
    assert_eq!(found.hazards.first().map(|hazard| hazard.severity), Some(Severity::Critical));
    assert_eq!(found, look("a.pkl", &bytes));
}

#[test]
fn names_from_the_file_cannot_write_to_a_terminal() {
    let found = look("a.pkl", b"\x80\x04\x8c\x05o\x1b[2m\x8c\x04\xe2\x80\xaea\x93.");
    let hazard = found.hazards.first().expect("an import");
    assert!(!hazard.detail.contains(['\u{1b}', '\u{202e}']), "{hazard:?}");
}

#[test]
fn rules_have_ids_of_their_own() {
    let mut ids: Vec<&str> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Rule::ALL.len());
}

#[test]
fn a_failing_disk_is_the_only_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(100)
        }
    }
    assert!(inspect("a", Failing, &Limits::default()).is_err());
}

/// Opcodes with operands that are likely to fit.
fn opcode() -> impl Strategy<Value = Vec<u8>> {
    let plain = b"().0112NR]}abdelostu\x81\x85\x86\x87\x88\x8f\x90\x91\x92\x93\x94\x97\x98Q";
    prop_oneof![
        prop::sample::select(plain.as_slice()).prop_map(|opcode| vec![opcode]),
        (prop::sample::select(b"qhKU\x8cC\x82".as_slice()), 0_u8..4).prop_map(|(op, n)| {
            let text = if b"U\x8cC".contains(&op) { "osab".get(..n.into()) } else { None };
            [&[op, n], text.unwrap_or_default().as_bytes()].concat()
        }),
        prop::sample::select(vec![
            "cos\nsystem\n",
            "inumpy\nndarray\n",
            "S'os'\n",
            "Vx\n",
            "I1\n",
            "g1\n",
            "p1\n"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        any::<u8>().prop_map(|byte| vec![byte]),
    ]
}

proptest! {
    #[test]
    fn no_pickle_panics(opcodes in prop::collection::vec(opcode(), 0..200)) {
        let bytes = opcodes.concat();
        let found = look("a.pkl", &bytes);
        prop_assert_eq!(&found, &look("a.pkl", &bytes));
        look("a.csv", &bytes);
    }

    #[test]
    fn no_bytes_panic(magic in 0_usize..12, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let magics: [&[u8]; 12] = [
            b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08", b"\x93NUMPY\x01\x00", b"GGUF\x03\0\0\0",
            b"\x1f\x8b\x08\0", b"\x80\x04", b"\x78\x9c", b"\x08\x07", b"\x08\x01\x12", b"{\"a\":",
            b"OHDR\x02\x04",
        ];
        let bytes = [magics[magic], &bytes].concat();
        look("", &bytes);
        look("a.keras", &bytes);
        look("a.safetensors", &bytes);
    }

    #[test]
    fn an_import_in_front_of_anything_is_found(rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [&b"\x80\x04cos\nsystem\n"[..], &rest].concat();
        prop_assert!(look("a.pkl", &bytes).refusal().is_some());
        prop_assert!(look("a.csv", &bytes).refusal().is_some());
    }

    #[test]
    fn a_changed_byte_of_a_zip_never_panics(at in 0_usize..400, value in any::<u8>()) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/hostile/zip64.zip");
        let mut bytes = std::fs::read(path).unwrap();
        let at = at % bytes.len();
        bytes[at] = value;
        look("a.zip", &bytes);
    }
}
