//! `aibom policy try`: what a policy would have decided about a finished job.

use ::verify::verify_bundle;
use policy::{Findings, Violation, evaluate};
use serde_json::json;

use super::{arguments::TryArguments, read::read};
use crate::{
    failure::{Exit, Failure},
    profile::{read_bounded, trust_root},
    terminal::{Style, Terminal, clean},
    verify::BUNDLE_FILE,
};

pub(super) fn attempt(terminal: &Terminal, arguments: &TryArguments) -> Result<Exit, Failure> {
    let policy = read(&arguments.file)?.policy;
    let (root, _) = trust_root(&arguments.trust_root)?;
    let path = &arguments.bundle;
    let file = if path.is_dir() { path.join(BUNDLE_FILE) } else { path.clone() };
    let bytes = read_bounded(&file, bundle::MAX_BUNDLE_BYTES as u64 + 1)?;
    let verdict = verify_bundle(&bytes, &root);
    let Some(subject) = &verdict.subject else {
        let failed = verdict.checks.first_failure();
        let failed = failed.map_or_else(String::new, |f| format!("{}: {}", f.name, f.detail));
        return Err(Failure::cannot(format_args!("nothing vouches for {}", file.display()))
            .because(clean(&failed))
            .remedy("'aibom verify' says everything that is wrong with it"));
    };
    let findings = evaluate(&policy, subject.evidence(), subject.signed_at());
    let releases = findings.violations.is_empty();
    if terminal.is_json() {
        let ignored = findings.ignored.iter();
        let ignored = ignored.map(|i| json!({ "violation": i.violation, "by": i.by }));
        terminal.json(&json!({
            "job": subject.job_id(), "policy": policy.name, "version": policy.version,
            "releases": releases, "violations": findings.violations,
            "ignored": ignored.collect::<Vec<_>>(),
        }))?;
    } else {
        print(terminal, &findings)?;
        let (job, name, version) = (subject.job_id(), &policy.name, policy.version);
        let verdict = if releases {
            terminal.paint(Style::Good, "RELEASES")
        } else {
            terminal.paint(Style::Bad, "HOLDS")
        };
        let count = findings.violations.len();
        terminal.line(format_args!(
            "{verdict}  job {job}, by {name} version {version}: {count} findings hold it, {} are ignored",
            findings.ignored.len()
        ))?;
    }
    Ok(if releases { Exit::Done } else { Exit::Refused })
}

fn print(terminal: &Terminal, findings: &Findings) -> Result<(), Failure> {
    let row = |violation: &Violation, state: String| {
        vec![
            violation.kind.as_str().to_owned(),
            violation.severity.to_string(),
            violation.id.clone(),
            violation.subject.clone(),
            state,
        ]
    };
    let held = findings.violations.iter().map(|v| row(v, format!("holds: {}", v.detail)));
    let ignored = findings.ignored.iter();
    let ignored = ignored.map(|i| row(&i.violation, format!("ignored: {}", i.by.reason)));
    let rows: Vec<_> = held.chain(ignored).collect();
    if rows.is_empty() {
        return Ok(());
    }
    terminal.table(&["KIND", "SEVERITY", "ID", "WHERE", "STATE"], &rows)?;
    terminal.line("")
}
