//! The bytes are a contract: a signed AIBoM is verified by making it again.

use testkit::evidence::Fixture;

/// Set to any value to write the golden file anew, after a deliberate change of the profile.
const UPDATE: &str = "AIBOM_UPDATE_GOLDEN";

#[test]
fn the_wine_aibom_has_its_golden_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/wine.cdx.json");
    let aibom = bom::assemble(&Fixture::new().verified()).unwrap();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, aibom.as_bytes()).unwrap();
    }
    let golden = std::fs::read(path).unwrap();
    let same = golden.iter().zip(aibom.as_bytes()).take_while(|(a, b)| a == b).count();
    assert!(golden == aibom.as_bytes(), "the first other byte is number {same}");
    assert_eq!(aibom.digests(), ids::Digests::of(&golden));
}

#[test]
fn another_job_gives_another_serial_number() {
    let serial = |fixture| crate::aibom(&fixture)["serialNumber"].clone();
    assert_eq!(serial(Fixture::new()), serial(Fixture::new()));
    assert_ne!(serial(Fixture::new()), serial(Fixture::new().number(2)));
}
