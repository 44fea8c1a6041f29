//! The summary names the main facts; the JSON form is the exact AIBoM.

use super::{
    diff,
    read::read,
    records::{Records, compared},
    score, summary,
};
use crate::{arguments::Format, terminal::Terminal, verify::tests::made::Made};

#[test]
fn the_summary_names_the_main_facts() {
    let made = Made::wine();
    let aibom = report::Aibom::parse(&made.bundle.aibom).unwrap();
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
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"name": "a\u{1b}[2Jb\nVERIFIED", "version": 7}},
        "components": [
            {"bom-ref": "output/model.keras", "modelCard": {"quantitativeAnalysis": {"performanceMetrics": [
                {"type": "loss\u{1b}[2J\nVERIFIED\u{202e}", "value": "1\u{2066}", "slice": "s\u{7}"}]}}},
            {"bom-ref": "input/dataset", "properties": [
                {"name": format!("aibom:dataset:\u{1b}]0;x\u{7}{}", "n".repeat(500)), "value": "v\u{61c}"}]}],
        "vulnerabilities": [3, {"id": {"x": 1}}],
    });
    let lines = summary::lines(&Terminal::new(Format::Json), &parse(&hostile));
    let steers = |c: char| c.is_control() || "\u{202e}\u{2066}\u{61c}".contains(c);
    assert!(lines.iter().all(|line| !line.chars().any(steers)), "{lines:#?}");
    assert!(lines.iter().all(|line| line.chars().count() < 250), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("loss[2J VERIFIED  1  s")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("no scan is named")), "{lines:#?}");
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

fn parse(value: &serde_json::Value) -> report::Aibom {
    report::Aibom::parse(value.to_string().as_bytes()).unwrap()
}

#[test]
fn what_was_not_scanned_has_no_clean_bill() {
    let summary = |more: serde_json::Value| {
        let mut document = serde_json::json!({"bomFormat": "CycloneDX", "specVersion": "1.6"});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        summary::lines(&Terminal::new(Format::Json), &parse(&document)).join("\n")
    };
    let status = |status: &str| {
        serde_json::json!({"metadata": {"properties": [
            {"name": "aibom:scan:0:status", "value": status}]}})
    };
    assert!(summary(serde_json::json!({})).contains("known  not scanned"));
    assert!(summary(status("complete")).contains("none in what was scanned"));
    let failed = summary(status("not scanned: x"));
    assert!(failed.contains("1 of 1 scans are incomplete"), "{failed}");
    assert!(!failed.contains("none in what"), "{failed}");
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
    assert_eq!(run(&["show".as_ref(), file.as_os_str()]), 2);
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
    let Records::Compared(found) = compare(&from, &fetched(two, two)) else { panic!() };
    assert_eq!((found.added, found.removed, found.common, found.same_header), (2, 1, 1, true));
    let why = |other: &tempfile::TempDir| match compare(&from, other) {
        Records::NotCompared(why) => why,
        other => panic!("{other:?}"),
    };
    let other = fetched(one, two);
    assert!(why(&other).contains("has the digest that the AIBoM names"), "not that file");
    std::fs::remove_dir_all(other.path().join("artifacts")).unwrap();
    assert!(why(&other).starts_with("the dataset's file is not here"));
    assert_eq!(compare(&from, &from), Records::Same);
}

#[test]
fn a_statement_about_another_aibom_is_no_signature() {
    let mut made = Made::wine();
    made.bundle.aibom.push(b' ');
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bundle.aibom.json");
    std::fs::write(&file, made.bundle.to_bytes().unwrap()).unwrap();
    assert!(!read(&file).unwrap().signed);
}

/// A document with a dataset of so many statistics and classes, and a run of so many seconds.
fn trained(statistic: &str, seconds: &str) -> serde_json::Value {
    let property = |name: String| serde_json::json!({"name": name, "value": statistic});
    let columns = (0..60).map(|n| property(format!("aibom:dataset:statistic:c{n}.mean")));
    let classes = (0..30).map(|n| property(format!("aibom:dataset:statistic:kind.count.{n}")));
    let properties: Vec<_> = columns.chain(classes).collect();
    serde_json::json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        {"bom-ref": "input/dataset", "type": "data", "data": [{"contents": {"properties": properties}}]},
        {"bom-ref": "output/model.keras", "type": "machine-learning-model", "modelCard": {
            "quantitativeAnalysis": {"performanceMetrics": [{"type": "training time (s)",
                "value": seconds, "slice": "operation; observed by the executor"}]}}}]})
}

#[test]
fn a_long_difference_is_short_on_a_terminal() {
    let (from, to) = (parse(&trained("1", "5")), parse(&trained("2", "5")));
    let found = report::diff::diff(&from, &to);
    let lines = diff::lines(&Terminal::new(Format::Json), &found, &Records::Same);
    assert_eq!(lines.len(), 1 + 40 + 1, "{lines:#?}");
    assert!(lines[1].starts_with("  ~ dataset statistic:kind: 30 classes: 0 1 → 2, 1 1 → 2"));
    assert_eq!(lines[41], "  and 21 more: --format json");
    let why = Records::NotCompared("no file".to_owned());
    let lines = diff::lines(&Terminal::new(Format::Json), &found, &why);
    assert_eq!(lines.last().unwrap(), "  records: not compared: no file");
}

#[test]
fn two_runs_of_one_job_do_not_differ_by_their_time() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, document: serde_json::Value| {
        let path = directory.path().join(name);
        std::fs::write(&path, document.to_string()).unwrap();
        path.into_os_string()
    };
    let (a, b) = (file("a", trained("1", "5")), file("b", trained("1", "6")));
    let only =
        |area: &'static str| run(&["diff".as_ref(), &a, &b, "--only".as_ref(), area.as_ref()]);
    assert_eq!(run(&["diff".as_ref(), &a, &b]), 0);
    assert_eq!(only("cost"), 1);
    assert_eq!(only("metrics"), 0);
}
