//! Tests of the weights: real HDF5 files with each feature that reaches outside are refused.

use std::io::Cursor;

use super::*;

const PLAIN: &[u8] = include_bytes!("../../fixtures/plain.h5");

fn read(bytes: &[u8]) -> Result<Vec<Array>, Refusal> {
    arrays(Window::whole(Cursor::new(bytes)).unwrap(), &Limits::default())
}

macro_rules! fixture {
    ($name:literal) => {
        ($name, &include_bytes!(concat!("../../fixtures/", $name, ".h5"))[..])
    };
}

#[test]
fn a_plain_file_is_read() {
    let path = "layers/dense/vars/0".to_owned();
    assert_eq!(read(PLAIN).unwrap(), [Array { path, elements: 4 }]);
}

#[test]
fn every_feature_that_reaches_outside_is_refused() {
    let table = [
        (fixture!("external_storage"), "/layers/dense/vars/0: external data storage"),
        (fixture!("external_link"), "a link message (external or soft links)"),
        (fixture!("soft_link"), "a soft link"),
        (fixture!("hard_link"), "one structure in two places, or a cycle"),
        (fixture!("virtual"), "not the superblock that Keras writes"),
        (fixture!("virtual_old"), "/layers: a virtual or newer layout"),
        (fixture!("chunked"), "/layers: a chunked layout"),
        (fixture!("gzip"), "is refused"),
        (fixture!("shape_bomb"), "data that is not in the file"),
        (fixture!("text"), "/layers: data other than plain numbers"),
        (fixture!("reference"), "/layers: data other than plain numbers"),
        (fixture!("named_type"), "/layers: an object that is neither group nor array"),
        (fixture!("new_style"), "not the superblock that Keras writes"),
        (fixture!("tracked"), "not an object header of version 1"),
    ];
    for ((name, bytes), expected) in table {
        let refusal = read(bytes).expect_err(name).to_string();
        assert!(refusal.contains(expected), "{name} gave {refusal:?}");
    }
}

#[test]
fn broken_frames_are_refused() {
    for (at, value) in [(0, 0), (8, 2), (13, 4), (24, 1), (40, 1), (48, 0), (72, 2), (64, 255)] {
        let mut bytes = PLAIN.to_vec();
        bytes[at] = value;
        assert!(read(&bytes).is_err(), "byte {at}");
    }
    assert!(read(&[PLAIN, b"x"].concat()).is_err());
    for length in 0..PLAIN.len() {
        assert!(read(&PLAIN[..length]).is_err(), "cut at {length}");
    }
    let few = Limits { max_weight_objects: 4, ..Limits::default() };
    assert!(arrays(Window::whole(Cursor::new(PLAIN)).unwrap(), &few).is_err());
}

#[test]
fn no_changed_byte_panics_or_claims_more_than_is_there() {
    for at in 0..PLAIN.len() {
        for value in [0, 1, 2, 0x7F, 0x80, 0xFF] {
            let mut bytes = PLAIN.to_vec();
            bytes[at] = value;
            let Ok(arrays) = read(&bytes) else { continue };
            let elements: u64 = arrays.iter().map(|array| array.elements).sum();
            assert!(elements <= PLAIN.len() as u64);
        }
    }
}
