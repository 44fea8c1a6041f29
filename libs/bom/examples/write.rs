//! Writes the AIBoM of the project's fixture, for other people's software to read:
//! `cargo run -p bom --example write -- DIR [PACKAGES]` makes `aibom-1.6.cdx.json` and `aibom-1.7.cdx.json`.
#![expect(clippy::unwrap_used, reason = "a command for people, on a fixture")]

use std::path::PathBuf;

use job::CycloneDx;
use testkit::evidence::Fixture;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap());
    let packages = arguments.next().map_or(8, |count| count.parse().unwrap());
    for (version, name) in [(CycloneDx::V1_6, "1.6"), (CycloneDx::V1_7, "1.7")] {
        let fixture = Fixture::new()
            .packages(packages)
            .request(move |request| request.spec.aibom.cyclone_dx = version);
        let aibom = fixture.aibom();
        std::fs::write(folder.join(format!("aibom-{name}.cdx.json")), aibom.as_bytes()).unwrap();
    }
}
