//! The whole path with nothing simulated: examples/wine through Keras in a container, scanned by
//! Trivy, signed, logged, fetched, and judged offline by us and by other people's code.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, forge, place, probe::Probe, python, run};
use ids::Role;
use serde_json::Value;

/// Every state of a job that goes well, in order.
const STAGES: [&str; 7] =
    ["queued", "training", "scanning", "signing", "logging", "publishing", "completed"];

/// Two runs of examples/wine.
fn wine() -> anyhow::Result<PathBuf> {
    Mesh::shared()?.wine()
}

fn files(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(folder)?.to_string_lossy().into_owned());
            }
        }
    }
    Ok(found)
}

#[test]
fn the_fetched_directory_has_exactly_the_documented_layout() -> anyhow::Result<()> {
    let expected: BTreeSet<String> = [
        "bundle.aibom.json",
        "trust-root.json",
        "aibom.cdx.json",
        "artifacts/inputs/model.keras",
        "artifacts/inputs/wine.csv",
        "artifacts/inputs/definition.yaml",
        "artifacts/outputs/model.keras",
        "artifacts/outputs/metrics.json",
        "artifacts/outputs/preprocessing.json",
        "artifacts/outputs/split.json",
        "artifacts/outputs/training.log",
        "signatures/aibom.sigstore.json",
        "signatures/platform.pub",
        "signatures/model.sig",
        "signatures/model-signing.pub",
        "signatures/run_training.<keyid8>.link",
        "signatures/submit.<keyid8>.link",
        "signatures/root.layout",
        "signatures/layout-owner.pub",
        "evidence/request.dsse.json",
        "evidence/grant.dsse.json",
        "evidence/training.dsse.json",
        "evidence/scan.0.dsse.json",
        "evidence/scan.1.dsse.json",
        "evidence/scan.2.dsse.json",
        "evidence/scan.3.dsse.json",
        "evidence/policy.dsse.json",
        "ledger/entry.json",
        "ledger/salt",
        "ledger/attestation.dsse.json",
        "ledger/aibom.tlog-proof",
    ]
    .map(str::to_owned)
    .into();
    let one = wine()?.join("one");
    let found = files(&one)?.into_iter().map(|name| match name.split_once('.') {
        // The rest of a link's name is its functionary's key.
        Some((step, rest)) if rest.ends_with(".link") && rest.len() == 13 => {
            format!("{step}.<keyid8>.link")
        }
        _ => name,
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
    let example = place::repository()?.join("examples/wine");
    for name in ["model.keras", "wine.csv", "definition.yaml"] {
        let fetched = std::fs::read(one.join("artifacts/inputs").join(name))?;
        ensure!(fetched == std::fs::read(example.join(name))?, "{name} is not what was submitted");
    }
    let pinned = std::fs::read(Mesh::shared()?.trust_root())?;
    ensure!(std::fs::read(one.join("trust-root.json"))? == pinned, "another trust root");
    Ok(())
}

/// `aibom verify` where there is no network at all.
fn verify_offline(directory: &Path, root: &Path) -> anyhow::Result<run::Output> {
    let mut verify = Command::new("unshare");
    verify.args(["--net", "--"]).arg(place::program("aibom")?);
    verify.args(["--format", "json", "verify"]).arg(directory).arg("--trust-root").arg(root);
    run::output(&mut verify)
}

#[test]
fn everything_verifies_without_any_network() -> anyhow::Result<()> {
    let mut interfaces = Command::new("unshare");
    interfaces.args(["--net", "--", "cat", "/proc/net/route"]);
    let routes = run::output(&mut interfaces)?.expect(0)?;
    ensure!(routes.stdout.lines().count() <= 1, "there is a route: {}", routes.stdout);
    let one = wine()?.join("one");
    let verdict = verify_offline(&one, &Mesh::shared()?.trust_root())?.expect(0)?.json()?;
    ensure!(verdict["verified"] == true, "{verdict}");
    let checks = verdict["checks"].as_array().context("checks")?;
    ensure!(checks.len() > 50 && checks.iter().all(|check| check["passed"] == true), "{verdict}");
    ensure!(
        verdict["notes"].as_array().is_none_or(Vec::is_empty),
        "not all was checked: {verdict}"
    );
    Ok(())
}

#[test]
fn a_bundle_outlives_its_mesh() -> anyhow::Result<()> {
    let mesh = Mesh::private("short-lived")?;
    let out = mesh.completed_probe("bundle")?;
    let root = mesh.trust_root();
    mesh.stop()?;
    let verdict = verify_offline(&out, &root)?.expect(0)?.json()?;
    ensure!(verdict["verified"] == true, "{verdict}");
    Ok(())
}

#[test]
fn the_aibom_is_valid_cyclonedx_and_names_what_ran() -> anyhow::Result<()> {
    let schema = place::repository()?.join("libs/bom/schema");
    let read = |name: &str| -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(schema.join(name))?)?)
    };
    let (spdx, jsf) = ("spdx.schema.json", "jsf-0.82.schema.json");
    let registry = jsonschema::Registry::new()
        .add(format!("http://cyclonedx.org/schema/{spdx}"), read(spdx)?)?
        .add(format!("http://cyclonedx.org/schema/{jsf}"), read(jsf)?)?
        .prepare()?;
    let judge = jsonschema::options()
        .should_validate_formats(true)
        .with_registry(&registry)
        .build(&read("bom-1.6.schema.json")?)?;
    let one = wine()?.join("one");
    let mut aibom: Value = serde_json::from_slice(&std::fs::read(one.join("aibom.cdx.json"))?)?;
    let errors: Vec<_> = judge.iter_errors(&aibom).map(|error| error.to_string()).collect();
    ensure!(errors.is_empty(), "{errors:#?}");
    let text = aibom.to_string();
    for named in ["wine-cultivar", "Apache-2.0", "UCI Wine", "keras"] {
        ensure!(text.contains(named), "the AIBoM does not name {named}");
    }
    let image = place::trainer("keras")?.digest().to_hex();
    ensure!(text.contains(&image), "the AIBoM does not name the image");
    let model = ids::Sha256Digest::of(&std::fs::read(one.join("artifacts/outputs/model.keras"))?);
    ensure!(text.contains(&model.to_hex()), "the AIBoM does not name the trained model");
    let components = aibom["components"].as_array().context("components")?;
    let packages = components.iter().filter(|component| component["type"] == "library").count();
    ensure!(packages > 50, "only {packages} packages: the image was not scanned");
    let known = aibom["vulnerabilities"].as_array().context("vulnerabilities")?;
    ensure!(!known.is_empty(), "the database lists vulnerabilities of this very image");
    // The judge can say no.
    aibom["surprise"] = Value::Null;
    ensure!(judge.iter_errors(&aibom).next().is_some(), "the judge lets anything through");
    Ok(())
}

#[test]
fn other_peoples_code_comes_to_the_same_verdict() -> anyhow::Result<()> {
    let one = wine()?.join("one");
    let said = python::tool("judge.py", &[&one])?.expect(0)?;
    ensure!(said.stdout.lines().count() >= 10, "{}", said.stdout);
    // And refuses one changed byte of the signed payload.
    let copy = tempfile::tempdir()?;
    let mut clone = Command::new("cp");
    clone.arg("-r").arg(&one).arg(copy.path().join("one"));
    run::output(&mut clone)?.expect(0)?;
    let path = copy.path().join("one/signatures/aibom.sigstore.json");
    let text = std::fs::read_to_string(&path)?;
    let mut bundle: Value = serde_json::from_str(&text)?;
    let payload = bundle["dsseEnvelope"]["payload"].as_str().context("payload")?.to_owned();
    let changed = payload.replacen('A', "B", 1);
    ensure!(changed != payload, "nothing to change");
    bundle["dsseEnvelope"]["payload"] = Value::from(changed);
    std::fs::write(&path, bundle.to_string())?;
    let refused = python::tool("judge.py", &[&copy.path().join("one")])?;
    ensure!(!refused.is(0), "a changed payload passed: {}", refused.stdout);
    Ok(())
}

/// `model_signing verify key` on the outputs, and `in-toto-verify` on the links, of a fetched
/// directory.
fn reference_tools(folder: &Path) -> anyhow::Result<[run::Output; 2]> {
    let of = |name: &str, program: &str| -> anyhow::Result<PathBuf> {
        let requirements = place::repository()?.join("e2e").join(name).join("requirements.txt");
        Ok(python::environment(&requirements)?.with_file_name(program))
    };
    let signatures = folder.join("signatures");
    let mut model = Command::new(of("oms", "model_signing")?);
    model.args(["verify", "key"]).arg(folder.join("artifacts/outputs"));
    model.arg("--signature").arg(signatures.join("model.sig"));
    model.arg("--public_key").arg(signatures.join("model-signing.pub"));
    let mut links = Command::new(of("in-toto", "in-toto-verify")?);
    links.arg("--layout").arg(signatures.join("root.layout"));
    links.arg("--verification-keys").arg(signatures.join("layout-owner.pub"));
    links.arg("--link-dir").arg(&signatures);
    Ok([run::output(&mut model)?, run::output(&mut links)?])
}

#[test]
fn the_reference_tools_of_oms_and_in_toto_accept_what_was_fetched() -> anyhow::Result<()> {
    let one = wine()?.join("one");
    for said in reference_tools(&one)? {
        said.expect(0)?;
    }
    let link = std::fs::read_dir(one.join("signatures"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with("run_training."))
        .context("the link of the training")?;
    let changes = [
        ("artifacts/outputs/model.keras", [true, false]),
        ("artifacts/outputs/training.log", [true, false]),
        ("signatures/model.sig", [true, false]),
        ("signatures/root.layout", [false, true]),
        (&format!("signatures/{link}"), [false, true]),
    ];
    for (name, refused) in changes {
        let copy = tempfile::tempdir()?;
        let folder = copy.path().join("one");
        run::output(Command::new("cp").arg("-r").arg(&one).arg(&folder))?.expect(0)?;
        let mut bytes = std::fs::read(folder.join(name))?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(folder.join(name), bytes)?;
        for (said, refused) in reference_tools(&folder)?.iter().zip(refused) {
            ensure!(said.is(0) != refused, "{name}: {}{}", said.stdout, said.stderr);
        }
    }
    Ok(())
}

#[test]
fn the_same_request_on_the_same_image_gives_the_same_model() -> anyhow::Result<()> {
    let wine = wine()?;
    let model = |name: &str| std::fs::read(wine.join(name).join("artifacts/outputs/model.keras"));
    ensure!(model("one")? == model("two")?, "two runs gave two models");
    let (one, two) = (forge::Parts::of(&wine.join("one"))?, forge::Parts::of(&wine.join("two"))?);
    ensure!(one.grant["job"] != two.grant["job"], "it was one job, not two");
    ensure!(one.request["spec"] == two.request["spec"], "the requests differ");
    let submitted = std::fs::read(place::repository()?.join("examples/wine/model.keras"))?;
    ensure!(model("one")? != submitted, "nothing was learnt");
    Ok(())
}

#[test]
fn a_watcher_sees_every_stage_in_order_and_the_epochs() -> anyhow::Result<()> {
    let wine = wine()?;
    let said = std::fs::read_to_string(wine.join("one.stderr"))?;
    let states: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_once("Z  "))
        .map(|(_, rest)| rest.split([',', ':']).next().unwrap_or(rest).trim())
        .collect();
    assert_eq!(states, STAGES, "{said}");
    let epochs: Vec<u32> = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("epoch ")?.split_once("/30")?.0.parse().ok())
        .collect();
    ensure!(
        epochs.len() >= 2 && epochs.is_sorted(),
        "epochs as they were told: {epochs:?}\n{said}"
    );
    ensure!(epochs.iter().all(|epoch| (1..=30).contains(epoch)), "{epochs:?}");
    // Who comes later sees the transitions still, numbered without gaps.
    let parts = forge::Parts::of(&wine.join("one"))?;
    let job = parts.grant["job"].as_str().context("a job")?.to_owned();
    let late = Mesh::shared()?.run(&["--format", "json", "jobs", "watch", &job])?.expect(0)?;
    let mut transitions = Vec::new();
    for line in late.stdout.lines() {
        let event: Value = serde_json::from_str(line)?;
        if event["event"] == "transition" {
            transitions.push(event);
        }
    }
    let numbers: Vec<_> = transitions.iter().filter_map(|t| t["sequence"].as_u64()).collect();
    ensure!(numbers.iter().copied().eq(1..=numbers.len() as u64), "gaps: {numbers:?}");
    let states: Vec<_> = transitions.iter().filter_map(|t| t["job"]["state"].as_str()).collect();
    assert_eq!(states, STAGES);
    Ok(())
}

#[test]
fn the_log_is_what_the_trainer_printed() -> anyhow::Result<()> {
    let one = wine()?.join("one");
    let job = forge::Parts::of(&one)?.grant["job"].as_str().context("a job")?.to_owned();
    let shown = Mesh::shared()?.run(&["jobs", "logs", &job])?.expect(0)?;
    let kept = std::fs::read_to_string(one.join("artifacts/outputs/training.log"))?;
    ensure!(kept.contains(r#""event""#), "the log has no events: {kept}");
    ensure!(shown.stdout == kept, "jobs logs shows {} bytes of {}", shown.stdout.len(), kept.len());
    Ok(())
}

/// The trace ids in those lines of a log that have `mark` in them.
fn traces(log: &str, mark: &str) -> BTreeSet<String> {
    let lines = log.lines().filter(|line| line.contains(mark));
    let ids = lines.filter_map(|line| line.split("trace_id=").nth(1));
    ids.map(|rest| rest.chars().take_while(char::is_ascii_hexdigit).collect()).collect()
}

#[test]
fn one_trace_runs_through_every_service() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let job = mesh.submit(&Probe::new("ok"))?;
    let ended = mesh.finished(job)?;
    ensure!(ended["state"] == "completed", "{ended}");
    let of_job = traces(&mesh.log(Role::Executor)?, &job.to_string());
    ensure!(of_job.len() == 1, "the executor's log has the traces {of_job:?} of job {job}");
    let trace = of_job.into_iter().next().context("a trace")?;
    ensure!(trace.len() == 32, "{trace:?} is no W3C trace id");
    for role in [Role::Scheduler, Role::Executor, Role::Scanner, Role::Signer, Role::Ledger] {
        let found = traces(&mesh.log(role)?, &trace);
        ensure!(!found.is_empty(), "the {role}'s log has nothing of the trace {trace}");
    }
    Ok(())
}
