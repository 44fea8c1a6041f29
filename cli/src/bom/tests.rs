//! The summary names the main facts; the JSON form is the exact AIBoM.

use super::{read::read, records::compared, score, summary};
use crate::{arguments::Format, terminal::Terminal, verify::tests::made::Made};

#[test]
fn the_summary_names_the_main_facts() {
    let made = Made::wine();
    let aibom: serde_json::Value = serde_json::from_slice(&made.bundle.aibom).unwrap();
    let text = summary::lines(&Terminal::new(Format::Json), &aibom).join("\n");
    let wanted = [
        "wine-cultivar",
        "Metrics",
        "accuracy",
        "packages",
        "records",
        "Vulnerabilities",
        "CVE-",
        "networkMode",
        "none",
        "spiffe://mesh.test/executor/",
        "evidence/request.dsse.json",
    ];
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted} is not in:\n{text}");
    }
}

#[test]
fn an_aibom_from_elsewhere_cannot_steer_the_terminal() {
    let hostile = serde_json::json!({
        "metadata": {"component": {"name": "a\u{1b}[2Jb\nVERIFIED", "version": 7}},
        "components": "none",
        "vulnerabilities": [3, {"id": {"x": 1}}],
    });
    let lines = summary::lines(&Terminal::new(Format::Json), &hostile);
    assert!(lines.iter().all(|line| !line.chars().any(char::is_control)));
}

#[test]
fn the_exact_aibom_is_found_in_every_form() {
    let made = Made::wine();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bundle.aibom.json");
    std::fs::write(&file, made.bundle.to_bytes().unwrap()).unwrap();
    let plain = directory.path().join("aibom.cdx.json");
    std::fs::write(&plain, &made.bundle.aibom).unwrap();
    for path in [directory.path(), &file, &plain] {
        assert_eq!(read(path).unwrap().aibom, made.bundle.aibom, "{}", path.display());
    }
    std::fs::write(&plain, "{}").unwrap();
    assert_eq!(read(&plain).unwrap_err().exit().code(), 2);
}

/// Any command line that is written in a test.
#[derive(Debug, clap::Parser)]
struct Line {
    #[command(subcommand)]
    command: super::BomCommand,
}

/// The exit code of `aibom bom …`.
fn run(line: &[&std::ffi::OsStr]) -> u8 {
    let words = std::iter::once("bom".as_ref()).chain(line.iter().copied());
    let line: Line = clap::Parser::try_parse_from(words).unwrap();
    match super::bom(&Terminal::new(Format::Json), &line.command) {
        Ok(exit) => exit.code(),
        Err(failure) => failure.exit().code(),
    }
}

#[test]
fn a_score_can_be_too_low() {
    let made = Made::wine();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bundle.aibom.json");
    std::fs::write(&file, made.bundle.to_bytes().unwrap()).unwrap();
    let file = file.as_os_str();
    assert_eq!(run(&["score".as_ref(), file]), 0);
    assert_eq!(run(&["score".as_ref(), file, "--at-least".as_ref(), "30".as_ref()]), 0);
    assert_eq!(run(&["score".as_ref(), file, "--at-least".as_ref(), "50".as_ref()]), 1);
    let read = read(file.as_ref()).unwrap();
    assert!(read.signed);
    let score = report::score::score(&read.document(file.as_ref()).unwrap(), read.signed);
    let lines = score::lines(&Terminal::new(Format::Json), &score);
    assert_eq!(lines.len(), 50 + 7 + 1);
    assert!(lines.iter().any(|line| line.contains("observed  author signature")), "{lines:#?}");
    let sum = format!("{} of 50: ", score.present());
    assert!(lines.last().unwrap().starts_with(&sum), "{lines:#?}");
}

#[test]
fn a_document_without_a_bundle_is_not_signed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("aibom.cdx.json");
    std::fs::write(&file, Made::wine().bundle.aibom).unwrap();
    assert!(!read(&file).unwrap().signed);
    std::fs::write(&file, r#"{"bomFormat":"CycloneDX","specVersion":"1.4"}"#).unwrap();
    assert_eq!(run(&["score".as_ref(), file.as_os_str()]), 2);
    assert_eq!(run(&["diff".as_ref(), file.as_os_str(), file.as_os_str()]), 2);
}

/// A directory as `aibom fetch` makes it, with a dataset.
fn fetched(csv: &str, named: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let inputs = directory.path().join("artifacts/inputs");
    std::fs::create_dir_all(&inputs).unwrap();
    std::fs::write(inputs.join("wine.csv"), csv).unwrap();
    std::fs::write(inputs.join("model.keras"), "a model").unwrap();
    let digest = ids::Sha256Digest::of(named.as_bytes()).to_hex();
    let aibom = serde_json::json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        {"bom-ref": "input/dataset", "type": "data", "name": "Wine",
         "hashes": [{"alg": "SHA-256", "content": digest}]}]});
    std::fs::write(directory.path().join("aibom.cdx.json"), aibom.to_string()).unwrap();
    directory
}

#[test]
fn a_difference_ends_with_one() {
    let [a, b] = ["a\n1\n2\n", "a\n2\n3\n"].map(|csv| fetched(csv, csv));
    let [a, b] = [&a, &b].map(|directory| directory.path().join("aibom.cdx.json"));
    let (a, b) = (a.as_os_str(), b.as_os_str());
    assert_eq!(run(&["diff".as_ref(), a, a]), 0);
    assert_eq!(run(&["diff".as_ref(), a, b]), 1);
    assert_eq!(run(&["diff".as_ref(), a, b, "--only".as_ref(), "model,packages".as_ref()]), 0);
    let unknown = ["bom", "diff", "a", "b", "--only", "weather"];
    assert!(<Line as clap::Parser>::try_parse_from(unknown).is_err());
}

#[test]
fn records_are_compared_when_the_files_are_those_of_the_aiboms() {
    let (one, two) = ("a\n1\n2\n", "a\n2\n3\n4\n");
    let compare = |from: &tempfile::TempDir, to: &tempfile::TempDir| {
        let [from, to] = [from, to].map(|directory| directory.path().join("aibom.cdx.json"));
        let documents = [&from, &to].map(|path| read(path).unwrap().document(path).unwrap());
        compared([(&from, &documents[0]), (&to, &documents[1])]).unwrap()
    };
    let from = fetched(one, one);
    let found = compare(&from, &fetched(two, two)).unwrap();
    assert_eq!((found.added, found.removed, found.common, found.same_header), (2, 1, 1, true));
    assert_eq!(compare(&from, &fetched(one, two)), None, "not the file that the AIBoM names");
    assert_eq!(compare(&from, &from), None, "the same");
}
