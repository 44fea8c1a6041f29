//! Other people's software reads our bundles: JSON Schema in Python and JavaScript judges the file, and
//! the Sigstore, in-toto and securesystemslib projects' own read every line of the export, verify each
//! signature and the ledger's proof, and refuse each spoiled copy.

use std::{path::Path, process::Command};

use anyhow::ensure;
use e2e::{javascript, place, python, run};
use serde_json::{Map, Value, json};
use testkit::evidence::Fixture;

/// A bundle with a release, its lines, and the keys that its signatures hold by.
fn sample(folder: &Path) -> anyhow::Result<usize> {
    let fixture = Fixture::new().policy(|policy| policy.ignore.clear()).released(|_| {});
    let (bundle, root) = (testkit::bundle::bundle(&fixture), fixture.trust_root());
    let lines = bundle.to_sigstore_lines(&root)?;
    let keys: Map<String, Value> =
        root.signing_keys.iter().map(|k| (k.usage.to_string(), json!(k.public_key))).collect();
    let keys = json!({ "signing": keys, "ledger": root.ledger_key });
    std::fs::write(folder.join("bundle.aibom.json"), bundle.to_bytes()?)?;
    std::fs::write(folder.join("bundle.jsonl"), &lines)?;
    std::fs::write(folder.join("keys.json"), keys.to_string())?;
    Ok(lines.split_inclusive(|byte| *byte == b'\n').count())
}

fn judged(mut judge: Command, folder: &Path, lines: usize) -> anyhow::Result<run::Output> {
    let schema = place::repository()?.join("docs/formats/bundle.schema.json");
    for name in ["bundle.aibom.json", "bundle.jsonl", "keys.json"] {
        judge.arg(folder.join(name));
    }
    let said = run::output(judge.arg(schema))?;
    ensure!(said.stdout.contains(&format!("total  {lines} lines")), "{}", said.stdout);
    Ok(said)
}

fn python_judge() -> anyhow::Result<Command> {
    let scripts = place::repository()?.join("e2e/interop");
    let mut judge = Command::new(python::environment(&scripts.join("bundle.requirements.txt"))?);
    judge.arg(scripts.join("bundle.py"));
    Ok(judge)
}

fn javascript_judge() -> anyhow::Result<Command> {
    let script = place::repository()?.join("e2e/interop/bundle.mjs");
    Ok(javascript::interop()?.script(&script))
}

#[test]
fn other_peoples_libraries_read_a_bundle_and_verify_every_line() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let lines = sample(folder.path())?;
    for (judge, at_least) in [(python_judge()?, 60), (javascript_judge()?, 40)] {
        let said = judged(judge, folder.path(), lines)?.expect(0)?;
        let refused = said.stdout.lines().filter(|line| line.starts_with("refused  ")).count();
        ensure!(refused >= at_least, "{refused} refused: {}", said.stdout);
    }
    Ok(())
}

#[test]
fn other_peoples_libraries_refuse_a_spoilt_line() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let lines = sample(folder.path())?;
    let path = folder.path().join("bundle.jsonl");
    let text = std::fs::read_to_string(&path)?;
    // The second signature in the file: model.sig, by another key.
    let mut all: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let first = all[0]["dsseEnvelope"]["signatures"].clone();
    all[1]["dsseEnvelope"]["signatures"] = first;
    let spoilt: String = all.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, spoilt)?;
    for judge in [python_judge()?, javascript_judge()?] {
        let said = judged(judge, folder.path(), lines)?.expect(1)?;
        ensure!(said.stdout.contains("FAIL  "), "{}", said.stdout);
    }
    Ok(())
}
