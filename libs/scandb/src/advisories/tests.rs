//! The committed list makes the same database each time, and a whole one.

use std::io::Cursor;

use super::*;
use crate::{Metadata, bolt};

const LIST: &str = include_str!("../../../../deploy/trivy-db/advisories.json");

fn committed() -> Advisories {
    Advisories::parse(LIST.as_bytes()).unwrap()
}

#[test]
fn the_committed_list_makes_the_same_bytes_each_time() {
    let one = committed().build().unwrap();
    assert_eq!(one, committed().build().unwrap());
    assert!(committed().len() >= 15);
    assert_eq!(Metadata::parse(&one.metadata).unwrap().version, SCHEMA_VERSION);
}

#[test]
fn pages_carry_their_own_number() {
    let file = committed().build().unwrap().database;
    assert_eq!(file.len() % 4096, 0);
    let mut page = 0;
    while page * 4096 < file.len() {
        let header = &file[page * 4096..];
        assert_eq!(header[..8], (page as u64).to_le_bytes());
        page += 1 + u32::from_le_bytes(header[12..16].try_into().unwrap()) as usize;
    }
    assert_eq!(page * 4096, file.len());
}

#[test]
fn every_advisory_is_counted_by_its_source() {
    let mut file = Cursor::new(committed().build().unwrap().database);
    let shape = bolt::check(&mut file).unwrap().unwrap();
    let sources = bolt::sources(&mut file, shape).unwrap();
    let names: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
    let known = [
        "Debian Security Tracker",
        "GitHub Security Advisory Pip",
        "GitHub Security Advisory Rust",
    ];
    assert_eq!(names, known);
    assert_eq!(sources[0].advisories, committed().debian_12.len() as u64);
    // One of them concerns two packages.
    assert_eq!(sources[1].advisories, committed().pip.len() as u64 + 1);
    assert_eq!(sources[2].advisories, committed().cargo.len() as u64);
}

#[test]
fn a_tree_that_leads_in_a_circle_or_outside_is_not_counted() {
    let built = committed().build().unwrap().database;
    let shape = bolt::check(&mut Cursor::new(&built)).unwrap().unwrap();
    let root = usize::try_from(shape.root).unwrap() * 4096;
    for child in [shape.root, shape.pages, u64::MAX] {
        let mut file = built.clone();
        // The root becomes a branch page with one element, which leads to `child`.
        file[root + 8..root + 12].copy_from_slice(&[1, 0, 1, 0]);
        file[root + 24..root + 32].copy_from_slice(&child.to_le_bytes());
        bolt::sources(&mut Cursor::new(file), shape).unwrap_err();
    }
}

#[test]
fn a_list_with_an_unknown_member_is_refused() {
    let text = LIST.replacen("\"updated_at\"", "\"extra\": 1, \"updated_at\"", 1);
    assert!(matches!(Advisories::parse(text.as_bytes()), Err(BuildError::List(_))));
}
