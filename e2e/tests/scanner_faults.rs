//! The scanner's tool or its database is bad: the job waits, fails or is held, says why in words that
//! name the cause, and nothing is signed as scanned that was not. What waits goes on by itself.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, ensure};
use e2e::{Mesh, place, probe::Probe};
use ids::Role;
use serde_json::Value;
use toml::Table;

/// What a tool does instead of its work, and what the job must say meanwhile.
struct Fault {
    /// The body of a shell script; none: there is no tool at all.
    script: Option<&'static str>,
    /// The reason in the job's message.
    says: &'static str,
    /// Whether the job goes on when the tool is mended; else it has failed for good.
    heals: bool,
}

const FAULTS: [Fault; 6] = [
    Fault { script: None, says: "TRIVY_MISSING", heals: true },
    Fault { script: Some("echo 'FATAL no good' >&2; exit 1"), says: "TRIVY_FAILED", heals: true },
    Fault { script: Some("kill -SEGV $$"), says: "TRIVY_FAILED", heals: true },
    Fault { script: Some("sleep 1000"), says: "TRIVY_TIMED_OUT", heals: true },
    Fault { script: Some("echo 'no report at all'"), says: "REPORT_INVALID", heals: false },
    Fault {
        script: Some("exec yes '{\"SchemaVersion\":2,'"),
        says: "REPORT_TOO_LARGE",
        heals: false,
    },
];

/// Edits the scanner's configuration and starts it again.
fn configure(mesh: &Mesh, edit: impl FnOnce(&mut Table) -> Option<()>) -> anyhow::Result<()> {
    let path = mesh.directory().join("config/scanner.toml");
    let mut config: Table = fs::read_to_string(&path)?.parse()?;
    edit(&mut config).context("the configuration has another form")?;
    fs::write(&path, toml::to_string(&config)?)?;
    mesh.kill(Role::Scanner)
}

fn set(config: &mut Table, section: &str, key: &str, value: impl Into<toml::Value>) -> Option<()> {
    config.get_mut(section)?.as_table_mut()?.insert(key.to_owned(), value.into());
    Some(())
}

/// Puts a tool in place as one whole file.
fn install(tool: &Path, script: &str) -> anyhow::Result<()> {
    let new = tool.with_extension("new");
    fs::write(&new, format!("#!/bin/sh\n{script}\n"))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
    Ok(fs::rename(new, tool)?)
}

fn message(job: &Value) -> &str {
    job["message"].as_str().unwrap_or_default()
}

#[test]
fn a_bad_tool_is_named_and_what_waits_goes_on() -> anyhow::Result<()> {
    let mesh = Mesh::private("scanner-faults")?;
    let tool = mesh.directory().join("tool-stub");
    configure(&mesh, |config| {
        set(config, "tool", "path", tool.to_str()?)?;
        // The stub is a shell script: what shuts Trivy in would keep it from starting the shell.
        set(config, "tool", "sandbox", "none")?;
        set(config, "tool", "timeout_ms", 20_000)
    })?;
    let real = format!("exec '{}' \"$@\"", place::trivy()?.display());
    for fault in FAULTS {
        match fault.script {
            Some(script) => install(&tool, script)?,
            None => fs::remove_file(&tool).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?,
        }
        let job = mesh.submit(&Probe::new("ok"))?;
        let seen = mesh.until(job, |job| message(job).contains(fault.says))?;
        if fault.heals {
            ensure!(seen["state"] == "scanning", "{seen}");
            install(&tool, &real)?;
            let ended = mesh.finished(job)?;
            ensure!(ended["state"] == "completed", "{} does not heal: {ended}", fault.says);
        } else {
            ensure!(seen["state"] == "failed" && seen["reason"] == "SCAN_FAILED", "{seen}");
        }
    }
    mesh.stop()
}

/// A copy of the test database in the mesh's own directory.
fn own_database(mesh: &Mesh) -> anyhow::Result<std::path::PathBuf> {
    let (from, to) = (place::trivy_database()?.join("db"), mesh.directory().join("own-db"));
    fs::create_dir_all(to.join("db"))?;
    for name in ["trivy.db", "metadata.json"] {
        fs::copy(from.join(name), to.join("db").join(name))?;
    }
    Ok(to)
}

#[test]
fn a_bad_database_holds_the_job_and_names_the_gap() -> anyhow::Result<()> {
    let mesh = Mesh::private("scanner-database")?;
    let database = own_database(&mesh)?;
    let file = database.join("db/trivy.db");
    let whole = fs::read(&file)?;
    type Spoil<'a> = &'a dyn Fn() -> anyhow::Result<()>;
    // Half of it, nothing of it, and all of it but too old.
    let cases: [(&str, Spoil<'_>, i64); 3] = [
        ("damaged", &|| Ok(fs::write(&file, &whole[..whole.len() / 2])?), 36_500),
        ("no usable database", &|| Ok(fs::remove_file(&file)?), 36_500),
        ("days ago", &|| Ok(fs::write(&file, &whole)?), 1),
    ];
    for (says, spoil, max_age_days) in cases {
        spoil()?;
        configure(&mesh, |config| {
            set(config, "database", "directory", database.to_str()?)?;
            set(config, "database", "max_age_days", max_age_days)
        })?;
        let job = mesh.submit(&Probe::new("ok"))?;
        let held = mesh.until(job, |job| job["state"] == "held" || job["state"] == "completed")?;
        ensure!(held["state"] == "held" && held["reason"] == "POLICY_HOLD", "{says}: {held}");
        ensure!(message(&held).contains("completeness incomplete image"), "{held}");
        let why = mesh.run(&["--format", "json", "jobs", "show", &job.to_string()])?.expect(0)?;
        ensure!(why.stdout.contains(says), "{says} is not named: {}", why.stdout);
        // Nothing of it can be had.
        let out = tempfile::tempdir()?;
        let out = out.path().join("out");
        let fetched = mesh.run(&["fetch", &job.to_string(), "--out", &out.to_string_lossy()])?;
        ensure!(!out.join("bundle.aibom.json").exists(), "{}", fetched.stdout);
    }
    mesh.stop()
}
