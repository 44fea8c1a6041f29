//! Where the database is looked for, and which failure ends with which exit code.

use std::path::Path;

use scandb::ImportError;

use super::{arguments::PlaceArguments, import::refusal, place::Place};
use crate::failure::Exit;

const CONFIGURATION: &str = r#"
    [identity]
    certificate = "-"
    [tool]
    path = "/opt/trivy"
    timeout_ms = 1
    [database]
    directory = "/srv/trivy"
    max_age_days = 3
    label = "test subset"
    update = { repository = "registry.example.org/trivy-db:2" }
"#;

#[test]
fn the_place_is_named_or_that_of_the_mesh() {
    let root = tempfile::tempdir().unwrap();
    let mesh = root.path().join("mesh.json");
    let nothing = PlaceArguments::default();
    let missing = Place::find(&nothing, &mesh).unwrap_err();
    assert_eq!(missing.exit(), Exit::CannotSay);
    assert!(missing.to_string().contains("--dir"), "{missing}");

    let path = root.path().join("config/scanner.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, CONFIGURATION).unwrap();
    let named = PlaceArguments { config: Some(path.clone()), ..PlaceArguments::default() };
    for (arguments, mesh) in [(&nothing, mesh.as_path()), (&named, Path::new("elsewhere.json"))] {
        let place = Place::find(arguments, mesh).unwrap();
        assert_eq!((place.directory.as_path(), place.max_age_days), (Path::new("/srv/trivy"), 3));
        assert_eq!(place.label.as_deref(), Some("test subset"));
        assert_eq!(place.trivy.as_deref(), Some(Path::new("/opt/trivy")));
        let repository = place.repository.unwrap().to_string();
        assert_eq!(repository, "registry.example.org/trivy-db:2");
    }
    let directory = PlaceArguments { dir: Some("here".into()), ..PlaceArguments::default() };
    assert_eq!(Place::find(&directory, &mesh).unwrap().directory, Path::new("here"));

    std::fs::write(&path, "[database]\nnothing = 1").unwrap();
    assert_eq!(Place::find(&nothing, &mesh).unwrap_err().exit(), Exit::CannotSay);
}

#[test]
fn a_refusal_says_what_to_do() {
    let at = |text: &str| text.parse().unwrap();
    let older = ImportError::Older {
        updated_at: at("2026-11-18T00:00:00.000Z"),
        in_place: at("2026-11-19T00:00:00.000Z"),
    };
    assert_eq!(refusal(&older).exit(), Exit::Refused);
    assert!(refusal(&older).to_string().contains("--allow-older"));
    let busy = refusal(&ImportError::Busy("/srv/trivy".into()));
    assert_eq!(busy.exit(), Exit::CannotSay);
}
