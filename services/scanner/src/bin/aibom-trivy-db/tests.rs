//! The committed list makes the same database each time, in bbolt's layout.

use crate::{advisories::Advisories, bolt};

const LIST: &str = include_str!("../../../../../deploy/trivy-db/advisories.json");

fn committed() -> Advisories {
    serde_json::from_str(LIST).unwrap()
}

#[test]
fn the_committed_list_makes_the_same_bytes_each_time() {
    let one = bolt::file(&committed().buckets().unwrap()).unwrap();
    let two = bolt::file(&committed().buckets().unwrap()).unwrap();
    assert_eq!(one, two);
    assert!(committed().len() >= 15);
}

#[test]
fn pages_carry_the_magic_number_and_their_own_number() {
    let file = bolt::file(&committed().buckets().unwrap()).unwrap();
    assert_eq!(file.len() % 4096, 0);
    assert_eq!(file[16..20], 0xED0C_DAED_u32.to_le_bytes());
    let mut page = 0;
    while page * 4096 < file.len() {
        let header = &file[page * 4096..];
        assert_eq!(header[..8], (page as u64).to_le_bytes());
        page += 1 + u32::from_le_bytes(header[12..16].try_into().unwrap()) as usize;
    }
    assert_eq!(page * 4096, file.len());
}

#[test]
fn a_list_with_an_unknown_member_is_refused() {
    let text = LIST.replacen("\"updated_at\"", "\"extra\": 1, \"updated_at\"", 1);
    assert!(serde_json::from_str::<Advisories>(&text).is_err());
}
