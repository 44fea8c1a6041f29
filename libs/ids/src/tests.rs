//! Tests of the identifiers: what they accept, and above all what they refuse.

use super::*;

#[test]
fn digest_text_round_trips_and_is_lower_case_hex() {
    let digest = Sha256Digest::of(b"abc");
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest.to_string(), text);
    assert_eq!(text.parse::<Sha256Digest>(), Ok(digest));
    assert!(text.to_uppercase().parse::<Sha256Digest>().is_err());
    assert!(text[1..].parse::<Sha256Digest>().is_err());
    assert!(format!("{text}00").parse::<Sha256Digest>().is_err());
}

#[test]
fn hasher_in_pieces_equals_hash_of_the_whole() {
    let mut hasher = Hasher::new();
    hasher.update(b"ab");
    hasher.update(b"c");
    assert_eq!(hasher.length(), 3);
    assert_eq!(hasher.finish(), Digests::of(b"abc"));
}

#[test]
fn spiffe_ids_outside_the_form_are_refused() {
    let good = "spiffe://mesh.example/executor/gpu-1";
    assert_eq!(good.parse::<SpiffeId>().map(|id| id.to_string()).as_deref(), Ok(good));
    for bad in [
        "",
        "spiffe://mesh.example",
        "spiffe://mesh.example/executor",
        "spiffe://mesh.example/executor/",
        "spiffe://mesh.example/executor/a/b",
        "spiffe://mesh.example/executor/..",
        "spiffe://mesh.example/executor/a%2fb",
        "spiffe://mesh.example/Executor/a",
        "spiffe://Mesh.example/executor/a",
        "spiffe://mesh.example:80/executor/a",
        "spiffe://u@mesh.example/executor/a",
        "spiffe://mesh.example/executor/a?x=1",
        "https://mesh.example/executor/a",
        "spiffe://mesh.example/admin/a",
        "spiffe://mesh.example//executor/a",
        "spiffe:///executor/a",
    ] {
        assert!(bad.parse::<SpiffeId>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn timestamps_have_one_text_per_instant() {
    let instant = Timestamp::from_unix_ms(1_700_000_000_123);
    assert_eq!(instant.to_string(), "2023-11-14T22:13:20.123Z");
    assert_eq!("2023-11-14T22:13:20.123Z".parse::<Timestamp>(), Ok(instant));
    for bad in
        ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20.123+00:00", "2023-11-14 22:13:20.123Z", ""]
    {
        assert!(bad.parse::<Timestamp>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn canonical_reader_refuses_every_other_spelling() {
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Doc {
        a: u32,
        b: std::collections::BTreeMap<String, u32>,
    }
    let good = br#"{"a":1,"b":{"k":2}}"#;
    assert!(canonical::from_slice::<Doc>(good, 100).is_ok());
    for bad in [
        &br#"{"a":1,"b":{"k":2}} "#[..],
        br#"{"a": 1,"b":{"k":2}}"#,
        br#"{"b":{"k":2},"a":1}"#,
        br#"{"a":1,"a":1,"b":{"k":2}}"#,
        br#"{"a":1,"b":{"k":2,"k":2}}"#,
        br#"{"a":1,"b":{"\u006b":2}}"#,
        br#"{"a":1,"b":{"k":2},"c":0}"#,
    ] {
        assert!(
            canonical::from_slice::<Doc>(bad, 100).is_err(),
            "{}",
            String::from_utf8_lossy(bad)
        );
    }
    assert!(matches!(canonical::from_slice::<Doc>(good, 5), Err(canonical::Error::TooLong { .. })));
}

#[test]
fn job_ids_are_uuid_v7_and_strict() {
    let id = JobId::new(1_700_000_000_123, [7; 10]);
    let text = id.to_string();
    assert_eq!(text.as_bytes()[14], b'7');
    assert_eq!(text.parse::<JobId>(), Ok(id));
    assert!(text.to_uppercase().parse::<JobId>().is_err());
    assert!(text.replace('-', "").parse::<JobId>().is_err());
}
