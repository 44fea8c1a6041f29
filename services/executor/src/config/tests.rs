//! The example is a configuration; every bad value names its key.

use super::*;

const EXAMPLE: &str = include_str!("../../config.example.toml");

fn refused(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    Config::parse(&EXAMPLE.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn the_example_is_a_configuration() {
    let config = Config::parse(EXAMPLE).unwrap();
    assert_eq!(config.slots, 1);
    assert_eq!(config.container_user, ContainerUser { uid: 65_532, gid: 65_532 });
    assert!(!config.any_image);
}

#[test]
fn bad_values_are_refused_by_name() {
    for (from, to, key) in [
        ("name = \"one\"", "name = \"One/Two\"", "name"),
        ("slots = 1", "slots = 0", "slots"),
        ("work_dir = \"/", "work_dir = \"", "work_dir"),
        ("uid = 65532", "uid = 0", "container_user"),
        ("/scheduler/main", "/signer/main", "scheduler.spiffe_id"),
        ("keras = \"sha256:", "keras = \"keras:latest\"\nold = \"sha256:", "trainers"),
        ("slots = 1", "slots = 1\nsolts = 2", "solts"),
    ] {
        let text = refused(from, to);
        assert!(text.contains(key), "{key}: {text}");
    }
}
