//! What hides a hazard from a scanner that reads a file otherwise than its loader does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{io::Cursor, thread};

use inspect::{Format, Inspection, Limits, Rule, Severity, inspect};

fn look(name: &str, bytes: &[u8]) -> Inspection {
    inspect(name, Cursor::new(bytes), &Limits::default()).unwrap()
}

/// On a thread with little stack, as a service may have.
fn look_on_a_small_stack(name: &'static str, bytes: Vec<u8>) -> Inspection {
    let thread = thread::Builder::new().stack_size(2 << 20);
    thread.spawn(move || look(name, &bytes)).unwrap().join().unwrap()
}

fn has(found: &Inspection, rule: Rule, severity: Severity) -> bool {
    found.at_least(severity).any(|hazard| hazard.rule == rule)
}

/// A header of an empty entry.
fn tar_header(name: &str) -> Vec<u8> {
    let mut block = vec![0; 512];
    for (to, from) in block.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    for (to, from) in block.iter_mut().skip(124).zip(*b"00000000000\0        0") {
        *to = from;
    }
    block.splice(257..263, *b"ustar\0");
    block.splice(148..156, *b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
    block
}

#[test]
fn archives_behind_the_end_of_an_archive_take_no_stack() {
    let unit = [tar_header("a"), vec![0; 512]].concat();
    let bytes: Vec<u8> = unit.iter().copied().cycle().take(9 << 20).collect();
    let found = look_on_a_small_stack("a.tar", bytes);
    assert_eq!(found.format, Format::Tar);
    assert!(has(&found, Rule::TarMismatch, Severity::Medium), "{found:?}");
}

#[test]
fn what_stands_far_behind_an_archives_end_makes_it_unread() {
    let far = [tar_header("a"), vec![0; 3 << 20], tar_header("../b"), vec![0; 1024]].concat();
    assert!(look("a.tar", &far).unread.is_some());
    let near = [tar_header("a"), vec![0; 1024], tar_header("../b"), vec![0; 1024]].concat();
    assert!(has(&look("a.tar", &near), Rule::TarPath, Severity::High));
}

/// A text with a zip behind it that stores another such text, many times.
fn nested_behind_texts(levels: u32) -> Vec<u8> {
    const TEXT: &[u8; 5] = b"text\n";
    let (mut fronts, mut back, mut size) = (Vec::new(), Vec::new(), 5_u32);
    for _ in 0..levels {
        let sizes = [size.to_le_bytes(), size.to_le_bytes()].concat();
        let common = [&b"\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0"[..], &sizes].concat();
        fronts.push([TEXT, &b"PK\x03\x04"[..], &common, b"\x01\0\0\0a"].concat());
        // The directory has 47 bytes; it stands behind the text, the entry's header and the entry.
        let start = 5 + 31 + size;
        back.extend(
            [&b"PK\x01\x02\x14\0"[..], &common, b"\x01", &[0; 13], b"\x05\0\0\0a"].concat(),
        );
        let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0", &start.to_le_bytes()[..], b"\0\0"];
        back.extend(end.concat());
        size = start + 47 + 22;
    }
    fronts.reverse();
    [&fronts.concat(), &TEXT[..], &back].concat()
}

#[test]
fn archives_behind_texts_inside_of_archives_are_bounded() {
    let two = look("a.txt", &nested_behind_texts(2));
    assert!(!has(&two, Rule::ArchiveDepth, Severity::High), "{two:?}");
    let bytes = nested_behind_texts(80_000);
    assert!(bytes.len() >= 8 << 20);
    let found = look_on_a_small_stack("a.txt", bytes);
    assert!(has(&found, Rule::ArchiveDepth, Severity::High), "{found:?}");
    assert!(found.unread.is_some());
}

/// Loads as `os.system('true')`, if a PUT of this place is the one that a GET of `1` finds.
fn put_at(place: &str) -> Vec<u8> {
    let names = format!(
        "S'collections'\np1\n0S'OrderedDict'\np2\n0S'os'\np{place}\n0S'system'\np2\n0g1\ng2\n"
    );
    [names.as_bytes(), b"\x93(S'true'\ntR."].concat()
}

#[test]
fn the_place_of_a_put_is_what_python_takes_it_for() {
    for place in [&format!("{}1", "0".repeat(32)), "0_1", " 1", "+1", "1 ", "1\0x"] {
        let found = look("a.pkl", &put_at(place));
        assert!(has(&found, Rule::PickleCode, Severity::Critical), "{place:?} {found:?}");
        assert!(has(&found, Rule::PickleHiddenImport, Severity::High), "{place:?} {found:?}");
        assert!(has(&found, Rule::PickleBroken, Severity::High), "{place:?} {found:?}");
        assert!(found.unread.is_some(), "{place:?}");
    }
    let long = look("a.pkl", &put_at(&format!("{}1", "0".repeat(5_000))));
    assert!(has(&long, Rule::PickleHiddenImport, Severity::High), "{long:?}");
    assert!(long.unread.is_some());
    let plain = look("a.pkl", &put_at("1"));
    assert!(has(&plain, Rule::PickleCode, Severity::Critical), "{plain:?}");
    assert_eq!(plain.unread, None);
}

#[test]
fn numbers_as_no_pickler_writes_them_hide_nothing() {
    for number in ["I0B1\n", "I0O7\n", "I 1\n", "I1_0\n", "I+1\n", "L0x1L\n", "F 1_0.5\n", "I010\n"]
    {
        for rest in ["cevil\nrun\n(tR.", "S'evil'\nS'run'\n\u{93})R.", "ios\nsystem\n."] {
            let mark = if rest.starts_with('i') { "(" } else { "" };
            let text = format!("{number}{mark}{rest}");
            let bytes: Vec<u8> = text.chars().map(|char| u8::try_from(char).unwrap()).collect();
            for name in ["a.pkl", "a.bin", "a.csv", "a"] {
                let found = look(name, &bytes);
                assert_eq!(found.format, Format::Pickle, "{name} {text:?} {found:?}");
                assert!(has(&found, Rule::PickleBroken, Severity::High), "{text:?} {found:?}");
                assert!(found.unread.is_some(), "{text:?}");
                let called = has(&found, Rule::PickleUnknownCall, Severity::High)
                    || has(&found, Rule::PickleCode, Severity::Critical);
                assert!(called, "{text:?} {found:?}");
            }
        }
    }
}

#[test]
fn an_operand_that_fails_leaves_the_stack() {
    let found = look("a.pkl", b"S'os'\nS'system'\nIx\n0\x93(S'true'\ntR.");
    assert!(has(&found, Rule::PickleCode, Severity::Critical), "{found:?}");
    assert!(has(&found, Rule::PickleBroken, Severity::High), "{found:?}");
    assert!(found.unread.is_some());
}

#[test]
fn numbers_and_texts_as_picklers_write_them_are_no_hazard() {
    let long = "x".repeat(100_000);
    let text = format!("(lp0\nI5\naI01\naL-5L\naF1e-05\naFnan\naS'{long}'\np1\naV{long}\np10\na.");
    let found = look("a.pkl", text.as_bytes());
    assert_eq!((found.hazards, found.unread), (vec![], None));
}

#[test]
fn a_call_of_what_is_on_no_list_is_worse_than_its_import() {
    for called in [
        &b"\x80\x04cevil\nNet\n)R."[..],
        b"\x80\x04cevil\nNet\n)\x81.",
        b"\x80\x04cevil\nNet\n)}\x92.",
        b"(cevil\nNet\no.",
        b"(ievil\nNet\n.",
        b"\x80\x04cevil\nNet\n}b.",
        b"\x80\x04cevil\nNet\nq\x000h\x00)R.",
        b"ccopy_reg\n_reconstructor\n(cevil\nNet\nc__builtin__\nobject\nNtR.",
    ] {
        let found = look("a.pkl", called);
        assert!(has(&found, Rule::PickleUnknownCall, Severity::High), "{called:?} {found:?}");
    }
    let found = look("a.pkl", b"\x80\x04]cevil\nNet\na.");
    assert!(has(&found, Rule::PickleUnknownImport, Severity::Medium), "{found:?}");
    assert_eq!(found.refusal(), None);
}

#[test]
fn more_imports_than_are_noted_make_a_pickle_unread() {
    let mut bytes = b"\x80\x02".to_vec();
    for number in 0..5_000 {
        bytes.extend_from_slice(format!("ca{number}\nName\n0").as_bytes());
    }
    bytes.extend_from_slice(b"cevil\nrun\n)R.");
    assert!(look("a.pkl", &bytes).unread.is_some());
}

#[test]
fn an_npy_without_a_readable_header_is_unread() {
    let long =
        [&b"\x93NUMPY\x02\x00\x00\x00\x20\x00{'descr': '|O'"[..], &vec![b' '; 3 << 20]].concat();
    for bytes in [&long[..], b"\x93NUMPY\x07\x00\x10\x00{'descr': '|O', "] {
        let found = look("a.npy", bytes);
        assert!(has(&found, Rule::NumpyHeader, Severity::High), "{found:?}");
        assert!(found.unread.is_some());
    }
}

#[test]
fn a_module_any_distance_in_front_of_its_class_is_seen() {
    for distance in [10, 1 << 20, 5 << 20] {
        let space = " ".repeat(distance);
        let text =
            format!(r#"{{"module": "os",{space}"class_name": "function", "config": "system"}}"#);
        let found = look("a.json", text.as_bytes());
        assert!(has(&found, Rule::KerasFunction, Severity::High), "{distance} {found:?}");
        let text = format!(r#"{{"class_name": "function",{space}"module": "os"}}"#);
        let found = look("a.json", text.as_bytes());
        assert!(has(&found, Rule::KerasFunction, Severity::High), "{distance} {found:?}");
    }
}
