//! Changes to bytes.

use super::{MAX_BYTES, Random};

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
    b"=",
    b"18446744073709551615",
    b"1e400",
    b"-0",
    b"\\u0000",
    b"\\ud800",
    b"true",
    b"null",
    b"{\"a\":1}",
    b"__lambda__",
    b"class_name",
    b"DISALLOW",
    b"\xe2\x80\x94 ",
    b"PK\x05\x06",
    b"PK\x01\x02",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\x30\x80",
    b"\x30\x82\xff\xff",
    b"\x0a\x00",
    b"&a",
    b"*a",
    b"!!",
    b"../",
];

/// One to four changes to one input of the corpus.
pub(super) fn changed(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = random.pick(inputs).cloned().unwrap_or_default();
    for _ in 0..=random.below(4) {
        change(&mut input, inputs, random);
        input.truncate(MAX_BYTES);
    }
    input
}

/// One change: a bit, a byte, a piece less, twice or from elsewhere, or a token more.
fn change(input: &mut Vec<u8>, inputs: &[Vec<u8>], random: &mut Random) {
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
            let token = random.pick(TOKENS).copied().unwrap_or_default();
            drop(input.splice(at..at, token.iter().copied()));
        }
        _ => {
            let other = random.pick(inputs).map(Vec::as_slice).unwrap_or_default();
            let from = random.below(other.len() + 1);
            let upto = (from + random.below(64)).min(other.len());
            let piece = other.get(from..upto).unwrap_or_default();
            drop(input.splice(at..end.max(at), piece.iter().copied()));
        }
    }
}
