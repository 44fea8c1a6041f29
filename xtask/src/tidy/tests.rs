//! Each rule catches what it is for, and leaves the good alone.

use std::fs;

use super::findings;
use crate::root::Root;

const LINTS: &str = "[lints]\nworkspace = true\n";

/// The findings in a repository of these files, as text.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let found = findings(&Root::at(directory.path())).unwrap();
    found.iter().map(ToString::to_string).collect()
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!("[package]\nname = {name:?}\n{LINTS}[dependencies]\n{dependencies}\n")
}

#[test]
fn a_good_tree_has_no_findings() {
    let files = [
        ("libs/ids/Cargo.toml", manifest("ids", "serde = \"1\"")),
        ("libs/ids/src/lib.rs", "//! Ids.\n".to_owned()),
        ("services/signer/Cargo.toml", manifest("signer", "ids = {}\ntonic = {}")),
        ("services/signer/src/grpc.rs", "//! gRPC.\nuse tonic::Status;\n".to_owned()),
        ("services/signer/src/lib.rs", "//! It. // tonic::Status\n".to_owned()),
        ("README.md", "`cargo xtask demo`, `cargo xtask --help`\n".to_owned()),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(found(&files), Vec::<String>::new());
}

#[test]
fn layers_are_kept() {
    let cases = [
        ("services/a/Cargo.toml", manifest("a", "b = {}"), "a service never depends on a service"),
        ("libs/ids/Cargo.toml", manifest("ids", "tokio = \"1\""), "pure library"),
        ("libs/bom/Cargo.toml", manifest("bom", "store = {}"), "pure library"),
        ("libs/job/Cargo.toml", manifest("job", "proto = {}"), "pure library"),
        ("libs/rpc/Cargo.toml", manifest("rpc", "b = {}"), "a library never depends"),
        ("cli/Cargo.toml", manifest("cli", "b = {}"), "the command never depends"),
        ("cli/Cargo.toml", manifest("cli", "tonic = {}"), "through client alone"),
        ("libs/rpc/Cargo.toml", manifest("rpc", "testkit = {}"), "is for tests"),
        ("libs/rpc/Cargo.toml", manifest("other", ""), "directory of another name"),
        ("libs/rpc/Cargo.toml", "[package]\nname = \"rpc\"\n".to_owned(), "[lints]"),
    ];
    for (path, text, wanted) in cases {
        let others = [
            ("services/b/Cargo.toml", manifest("b", "")),
            ("libs/store/Cargo.toml", manifest("store", "")),
            ("libs/testkit/Cargo.toml", manifest("testkit", "")),
            ("proto/Cargo.toml", manifest("proto", "")),
            (path, text),
        ];
        let files: Vec<_> = others.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let found = found(&files);
        assert_eq!(found.len(), 1, "{wanted}: {found:?}");
        assert!(found[0].starts_with(path) && found[0].contains(wanted), "{found:?}");
    }
}

#[test]
fn the_transport_stays_at_the_border() {
    let inside = "//! It.\nuse tonic::Status;\nfn f(_: prost_types::Any) {}\nuse rpc::tonic::X;\n";
    let found = found(&[
        ("services/a/src/lib.rs", inside),
        ("services/a/src/grpc/jobs.rs", inside),
        ("services/a/tests/it/main.rs", inside),
        ("libs/rpc/src/server.rs", inside),
    ]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("services/a/src/lib.rs:2:"), "{found:?}");
    assert!(found[1].starts_with("services/a/src/lib.rs:3:"), "{found:?}");
}

#[test]
fn headers_and_sizes_are_held_and_the_ratchet_only_shrinks() {
    let long = format!("//! Long.\n{}", "\n".repeat(449));
    let headless = found(&[("a.rs", "fn main() {}\n"), ("b.rs", "//!\n"), ("c.sh", "echo\n")]);
    assert_eq!(headless.len(), 3, "{headless:?}");
    assert!(found(&[("a.rs", &long)])[0].contains("450 lines, the limit is 400"));
    let listed = |lines: usize, reason: &str| {
        format!("[[file]]\npath = \"a.rs\"\nlines = {lines}\nreason = {reason:?}\n")
    };
    let with = |text: &str, list: &str| found(&[("a.rs", text), ("xtask/ratchet.toml", list)]);
    assert_eq!(with(&long, &listed(450, "because")), Vec::<String>::new());
    assert!(with(&long, &listed(449, "because"))[0].contains("the limit is 449"));
    assert!(with(&long, &listed(460, "because"))[0].contains("only 450 lines"));
    assert!(with(&long, &listed(450, " "))[0].contains("without a reason"));
    assert!(with("//! Short.\n", &listed(450, "because"))[0].contains("short enough"));
    assert!(found(&[("xtask/ratchet.toml", &listed(450, "because"))])[0].contains("no file"));
}

#[test]
fn documents_name_commands_that_exist() {
    let cli = "//! It.\npub(crate) enum Command {\n    /// Up.\n    Up(UpArguments),\n    Jobs(JobsCommand),\n}\n\
               pub(crate) enum JobsCommand {\n    List(A),\n    #[command(x)]\n    FooBar,\n}\n";
    let good = "```\n$ aibom up --detach\naibom jobs foo-bar X\n```\n`aibom jobs list`, `aibom`, aibom nonsense\n";
    assert_eq!(found(&[("cli/src/a.rs", cli), ("a.md", good)]), Vec::<String>::new());
    let bad = "`aibom dance`\n`aibom jobs dance`\n```\ncargo xtask dance\n```\n";
    let found = found(&[("cli/src/a.rs", cli), ("a.md", bad)]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|finding| finding.contains("dance")));
}

#[test]
fn words_are_found_where_they_stand() {
    let text =
        format!("//! It.\n// {}: later\n// see {}x\n", concat!("TO", "DO"), concat!("/ho", "me/"));
    let found = found(&[("a.rs", &text), ("Cargo.lock", &text)]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("a.rs:2:") && found[1].starts_with("a.rs:3:"), "{found:?}");
}

#[test]
fn promises_name_tests_that_exist() {
    let code = ("libs/a/src/tests.rs", "//! Tests.\n#[test]\nfn it_holds() {}\n");
    let found_in = |text: &str| {
        let manifest = manifest("a", "");
        let files = [("libs/a/Cargo.toml", manifest.as_str()), code, ("SPECIFICATION.md", text)];
        found(&files).join("\n")
    };
    assert_eq!(found_in("1. Good — `a`: `it_holds`.\n2. Later — *pending*.\n"), "");
    assert!(found_in("1. Good — `a`: `it_falls`.\n").contains("\"it_falls\""));
    assert!(found_in("1. Nothing holds it.\n").contains("names no test"));
}

const BIN: &str = "[[bin]]\nname = \"grant\"\npath = \"fuzz_targets/grant.rs\"\n";
const TARGET: &str = "//! It.\npub const TARGETS: &[Target] = &[target(\"grant\", grant)];\n";

#[test]
fn a_fuzz_target_has_its_entry_its_binary_and_a_corpus() {
    let whole = [
        ("fuzz/src/lib.rs", TARGET),
        ("fuzz/Cargo.toml", BIN),
        ("fuzz/fuzz_targets/grant.rs", "//! It.\n"),
        ("fuzz/corpus/grant/good", "a"),
        ("fuzz/corpus/grant/bad", "b"),
    ];
    assert_eq!(found(&whole), Vec::<String>::new());
    for (place, text, wanted) in [
        (1, "", "add a [[bin]] grant"),
        (2, "", "has no fuzz/fuzz_targets/grant.rs"),
        (4, "", "fuzz/corpus/grant lacks"),
        (0, "//! It.\npub const TARGETS: &[Target] = &[];\n", "no target is called grant"),
    ] {
        let mut files = whole.to_vec();
        if place == 0 || place == 1 {
            files[place].1 = text;
        } else {
            files.remove(place);
        }
        let found = found(&files);
        assert_eq!(found.len(), 1, "{wanted}: {found:?}");
        assert!(found[0].contains(wanted), "{found:?}");
    }
}
