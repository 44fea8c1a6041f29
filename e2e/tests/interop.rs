//! Other people's software reads our AIBoMs: the CycloneDX libraries for Python and JavaScript judge
//! them strictly and refuse each spoiled copy, Trivy finds in the document alone what the scan found
//! in the image, and the SPDX project's software and Hugging Face's read what is exported.

use std::{path::Path, process::Command};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, javascript, place, python, run};
use job::CycloneDx;
use testkit::evidence::Fixture;

/// What both judges must come to, and how many spoiled copies each must refuse: Python's, JavaScript's.
fn judges_agree(aibom: &Path, refused: [usize; 2]) -> anyhow::Result<()> {
    let scripts = place::repository()?.join("e2e/interop");
    let mut python = Command::new(python::environment(&scripts.join("requirements.txt"))?);
    python.arg(scripts.join("judge.py"));
    let javascript = javascript::interop()?.script(&scripts.join("judge.mjs"));
    for (mut judge, refused) in [python, javascript].into_iter().zip(refused) {
        let said = run::output(judge.arg(aibom))?.expect(0)?;
        let count = said.stdout.lines().filter(|line| line.starts_with("refused  ")).count();
        ensure!(said.stdout.starts_with("valid  "), "{}", said.stdout);
        ensure!(count == refused, "{count} refused, not {refused}: {}", said.stdout);
    }
    Ok(())
}

/// What Trivy says when it is given the AIBoM alone.
fn rescan(aibom: &Path) -> anyhow::Result<run::Output> {
    let scripts = place::repository()?.join("e2e/interop");
    let mut rescan = Command::new(python::environment(&scripts.join("requirements.txt"))?);
    rescan.arg(scripts.join("rescan.py")).arg(aibom);
    run::output(rescan.arg(place::trivy()?).arg(place::trivy_database()?))
}

#[test]
fn other_peoples_libraries_judge_an_assembled_aibom() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("aibom.cdx.json");
    for (version, refused) in [(CycloneDx::V1_6, [25, 24]), (CycloneDx::V1_7, [26, 25])] {
        let fixture = Fixture::new().request(move |r| r.spec.aibom.cyclone_dx = version);
        std::fs::write(&path, fixture.aibom().as_bytes())?;
        judges_agree(&path, refused)?;
    }
    Ok(())
}

#[test]
fn other_peoples_libraries_judge_the_aibom_of_a_real_job() -> anyhow::Result<()> {
    judges_agree(&Mesh::shared()?.wine()?.join("one/aibom.cdx.json"), [25, 24])
}

#[test]
fn trivy_finds_in_the_aibom_what_was_found_in_the_image() -> anyhow::Result<()> {
    let aibom = Mesh::shared()?.wine()?.join("one/aibom.cdx.json");
    let said = rescan(&aibom)?.expect(0)?;
    ensure!(said.stdout.starts_with("total  "), "{}", said.stdout);
    // And notices a vulnerability that is missing.
    let mut document: serde_json::Value = serde_json::from_slice(&std::fs::read(&aibom)?)?;
    let known = document["vulnerabilities"].as_array_mut().context("vulnerabilities")?;
    ensure!(known.pop().is_some(), "no vulnerability to leave out");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("aibom.cdx.json");
    std::fs::write(&path, document.to_string())?;
    let said = rescan(&path)?.expect(1)?;
    ensure!(said.stdout.starts_with("only Trivy  "), "{}", said.stdout);
    Ok(())
}

/// The interpreter of an environment for a script of `e2e/interop`, about to run it.
fn script(name: &str) -> anyhow::Result<Command> {
    let scripts = place::repository()?.join("e2e/interop");
    let requirements = scripts.join(name).with_extension("requirements.txt");
    let mut command = Command::new(python::environment(&requirements)?);
    command.arg(scripts.join(name));
    Ok(command)
}

/// Exports the AIBoM of the real job in a form.
fn exported(form: &str, out: &Path) -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let (job, out) = (mesh.wine()?.join("one"), out.to_string_lossy());
    mesh.run(&["bom", "export", &job.to_string_lossy(), "--to", form, "--out", &out])?.expect(0)?;
    Ok(())
}

#[test]
fn the_spdx_projects_software_judges_the_spdx_of_a_real_job() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("aibom.spdx.json");
    exported("spdx", &path)?;
    let said = run::output(script("spdx.py")?.arg(&path))?.expect(0)?;
    let passed = |what: &str| {
        said.stdout.lines().filter(|l| l.starts_with("ok  ") && l.contains(what)).count()
    };
    // Schema, shapes and reader: each accepts the document and refuses a spoiled copy of it.
    ensure!(passed(" as written: ") == 3 && passed(" spoiled: ") == 3, "{}", said.stdout);
    // And the script ends with 1 when what it was given does not pass.
    let mut document: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    document["@graph"].as_array_mut().context("@graph")?.truncate(5);
    std::fs::write(&path, document.to_string())?;
    let said = run::output(script("spdx.py")?.arg(&path))?.expect(1)?;
    ensure!(said.stdout.contains("FAIL"), "{}", said.stdout);
    Ok(())
}

#[test]
fn hugging_face_reads_the_model_card_of_a_real_job() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("README.md");
    exported("model-card", &path)?;
    let said = run::output(script("model_card.py")?.arg(&path))?.expect(0)?;
    let said: serde_json::Value = serde_json::from_str(&said.stdout)?;
    ensure!(said["results"].as_array().is_some_and(|all| all.len() == 4), "{said}");
    let card = std::fs::read_to_string(&path)?;
    for (good, bad) in [
        ("library_name: keras", "library_name: torch"),
        ("verified: false", "verified: true"),
        ("license: \"apache-2.0\"", "licence: \"apache-2.0\""),
        ("model-index:", "model-index: ["),
    ] {
        ensure!(card.contains(good), "{good:?} is not in the card");
        std::fs::write(&path, card.replacen(good, bad, 1))?;
        run::output(script("model_card.py")?.arg(&path))?.expect(1)?;
    }
    Ok(())
}
