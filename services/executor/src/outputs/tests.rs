//! Only plain files with plain names come out; everything else has its reason.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

const LIMIT: u64 = 1_000;

fn dir(files: &[(&str, usize)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, size) in files {
        std::fs::write(dir.path().join(name), vec![7; *size]).unwrap();
    }
    dir
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn reason(dir: &TempDir, wanted: &[&str]) -> Reason {
    collect(dir.path(), &names(wanted), LIMIT).unwrap_err().reason
}

#[test]
fn named_files_are_hashed_and_leftovers_stay() {
    let dir = dir(&[("model.keras", 10), ("leftover.tmp", 5)]);
    let outputs = collect(dir.path(), &names(&["model.keras"]), LIMIT).unwrap();
    let [output] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!(output.file.digests, ids::Digests::of(&[7; 10]));
    assert_eq!(output.file.size, 10);
}

#[test]
fn the_model_must_be_there() {
    let dir = dir(&[("model.keras", 10)]);
    assert_eq!(reason(&dir, &[]), Reason::ContractBroken);
    assert_eq!(reason(&dir, &["metrics.json"]), Reason::ContractBroken);
    assert_eq!(reason(&dir, &["model.keras", "metrics.json"]), Reason::ContractBroken);
    assert_eq!(reason(&dir, &["model.keras", "model.keras"]), Reason::ContractBroken);
}

#[test]
fn names_are_names() {
    let dir = dir(&[("model.keras", 10)]);
    for bad in ["../x", "a/b", "", ".", "..", "a b", "ä", "/etc/passwd", "x\n"] {
        assert_eq!(reason(&dir, &["model.keras", bad]), Reason::ContractBroken, "{bad:?}");
    }
    let many: Vec<String> = (0..65).map(|n| format!("f{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(reason(&dir, &many), Reason::ContractBroken);
}

#[test]
fn links_directories_and_pipes_are_refused() {
    let link = dir(&[("model.keras", 10)]);
    symlink("/etc/passwd", link.path().join("metrics.json")).unwrap();
    assert_eq!(reason(&link, &["model.keras", "metrics.json"]), Reason::ContractBroken);
    assert_eq!(reason(&link, &["model.keras"]), Reason::ContractBroken, "as a leftover too");
    let sub = dir(&[("model.keras", 10)]);
    std::fs::create_dir(sub.path().join("inner")).unwrap();
    assert_eq!(reason(&sub, &["model.keras"]), Reason::ContractBroken);
    let strange = dir(&[("model.keras", 10), ("sp ace", 1)]);
    assert_eq!(reason(&strange, &["model.keras"]), Reason::ContractBroken);
}

#[test]
fn sizes_are_taken_at_every_depth_and_never_through_links() {
    let dir = dir(&[("a", 600)]);
    assert!(!usage(dir.path(), LIMIT).unwrap().over(LIMIT));
    let inner = dir.path().join("one").join("two");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("b"), vec![0; 401]).unwrap();
    assert!(usage(dir.path(), LIMIT).unwrap().over(LIMIT));
    std::fs::remove_file(inner.join("b")).unwrap();
    symlink("/", inner.join("root")).unwrap();
    assert!(!usage(dir.path(), LIMIT).unwrap().over(LIMIT));
    assert_eq!(
        reason(&super::tests::dir(&[("model.keras", 1_001)]), &["model.keras"]),
        Reason::OutputLimit
    );
}

#[test]
fn a_directory_nested_without_end_is_too_large() {
    let dir = dir(&[]);
    let deep = (0..40).fold(dir.path().to_owned(), |path, _| path.join("d"));
    std::fs::create_dir_all(deep).unwrap();
    assert!(usage(dir.path(), LIMIT).unwrap().over(LIMIT));
}
