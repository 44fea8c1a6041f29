//! Every form is written, and nothing is lost on the way.

use std::path::Path;

use testkit::evidence::Fixture;

use super::{ExportArguments, Form, Profile, export};
use crate::{arguments::Format, failure::Exit, terminal::Terminal, verify::tests::made::Made};

fn arguments(bundle: &Path, to: Form, out: &Path) -> ExportArguments {
    ExportArguments {
        bundle: bundle.to_owned(),
        to,
        profile: None,
        out: Some(out.to_owned()),
        trust_root: None,
        force: false,
    }
}

#[test]
fn every_form_is_written_once_and_replaced_only_by_force() {
    let made = Made::wine();
    let directory = tempfile::tempdir().unwrap();
    let bundle = directory.path().join("bundle.aibom.json");
    std::fs::write(&bundle, made.bundle.to_bytes().unwrap()).unwrap();
    let terminal = Terminal::new(Format::Json);
    for (to, name) in [
        (Form::Spdx, "a.spdx.json"),
        (Form::Html, "a.html"),
        (Form::ModelCard, "a.md"),
        (Form::Cyclonedx, "a.cdx.json"),
        (Form::Inventory, "a.15.json"),
        (Form::AnnexIv, "annex"),
    ] {
        let out = directory.path().join(name);
        let mut arguments = arguments(&bundle, to, &out);
        assert_eq!(export(&terminal, &arguments).unwrap(), Exit::Done, "{name}");
        let again = export(&terminal, &arguments).unwrap_err().to_string();
        assert!(again.contains("there already") && again.contains("--force"), "{again}");
        arguments.force = true;
        assert_eq!(export(&terminal, &arguments).unwrap(), Exit::Done, "{name}");
    }
    assert_eq!(std::fs::read(directory.path().join("a.cdx.json")).unwrap(), made.bundle.aibom);
    let inventory = std::fs::read(directory.path().join("a.15.json")).unwrap();
    let inventory: serde_json::Value = serde_json::from_slice(&inventory).unwrap();
    assert_eq!(inventory["specVersion"], "1.5");
    assert_eq!(inventory["components"].as_array().unwrap().len(), 10);
    let pack = directory.path().join("annex");
    assert_eq!(std::fs::read(pack.join("aibom.cdx.json")).unwrap(), made.bundle.aibom);
    assert_eq!(std::fs::read_dir(pack).unwrap().count(), 7);
}

#[test]
fn the_vulnerabilities_are_parted_from_the_sbom() {
    let made = Made::wine();
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("aibom.cdx.json");
    std::fs::write(&plain, &made.bundle.aibom).unwrap();
    let out = directory.path().join("bsi");
    let mut arguments = arguments(&plain, Form::Cyclonedx, &out);
    arguments.profile = Some(Profile::Bsi);
    assert_eq!(export(&Terminal::new(Format::Json), &arguments).unwrap(), Exit::Done);
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(out.join(name)).unwrap()).unwrap()
    };
    assert_eq!(read("aibom.bsi.cdx.json").get("vulnerabilities"), None);
    assert!(!read("aibom.vdr.cdx.json")["vulnerabilities"].as_array().unwrap().is_empty());
    arguments.to = Form::Spdx;
    let failure = export(&Terminal::new(Format::Json), &arguments).unwrap_err();
    assert!(failure.to_string().contains("--to cyclonedx"));
}

#[test]
fn a_directory_needs_a_name() {
    let made = Made::wine();
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("aibom.cdx.json");
    std::fs::write(&plain, &made.bundle.aibom).unwrap();
    let failure =
        export(&Terminal::new(Format::Json), &arguments(&plain, Form::AnnexIv, Path::new("-")));
    assert!(failure.unwrap_err().to_string().contains("--out DIRECTORY"));
}

#[test]
fn an_aibom_alone_is_not_called_refused() {
    let made = Made::wine();
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("aibom.cdx.json");
    std::fs::write(&plain, &made.bundle.aibom).unwrap();
    let out = directory.path().join("a.html");
    let mut arguments = arguments(&plain, Form::Html, &out);
    arguments.trust_root = Some(directory.path().join("trust-root.json"));
    let failure = export(&Terminal::new(Format::Json), &arguments).unwrap_err();
    assert_eq!(failure.exit(), Exit::CannotSay);
    let text = failure.to_string();
    assert!(text.contains("carries no signature") && text.contains("bundle.aibom.json"), "{text}");
    assert!(!out.exists());
}

#[test]
fn the_verdict_stands_in_the_page_and_in_the_pack() {
    let made = Made::wine();
    let directory = tempfile::tempdir().unwrap();
    let root = Fixture::new().mesh().seal_root(&made.root);
    let trust_root = directory.path().join("trust-root.json");
    std::fs::write(&trust_root, &root).unwrap();
    let mut changed = made.bundle.clone();
    changed.aibom.push(b' ');
    for (bundle, exit, word) in
        [(&made.bundle, Exit::Done, "verified"), (&changed, Exit::Refused, "refused")]
    {
        let path = directory.path().join("bundle.aibom.json");
        std::fs::write(&path, bundle.to_bytes().unwrap()).unwrap();
        let out = directory.path().join(word);
        let mut arguments = arguments(&path, Form::AnnexIv, &out);
        arguments.trust_root = Some(trust_root.clone());
        assert_eq!(export(&Terminal::new(Format::Json), &arguments).unwrap(), exit, "{word}");
        let index = std::fs::read(out.join("index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
        assert_eq!(index["verification"]["verdict"], word);
        let digest = ids::Sha256Digest::of(&root).to_hex();
        for file in ["technical-documentation.md", "aibom.html", "index.json"] {
            let text = std::fs::read_to_string(out.join(file)).unwrap();
            assert!(text.contains(&digest), "{file}");
        }
        let page = std::fs::read_to_string(out.join("aibom.html")).unwrap();
        assert_eq!(page.contains("Verified document</text>"), word == "verified");
        assert_eq!(page.contains("Refused document</text>"), word == "refused");
    }
}
