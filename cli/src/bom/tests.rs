//! The summary names the main facts; the JSON form is the exact AIBoM.

use super::{read, summary};
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
        assert_eq!(read(path).unwrap(), made.bundle.aibom, "{}", path.display());
    }
    std::fs::write(&plain, "{}").unwrap();
    assert_eq!(read(&plain).unwrap_err().exit().code(), 2);
}
