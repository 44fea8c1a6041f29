//! `aibom policy check`: whether a policy is one, and what its author should look at.

use evidence::ScanTarget;
use ids::Timestamp;
use policy::{Policy, SignedPolicy};

use super::{arguments::CheckArguments, read::read};
use crate::{
    certs::now,
    failure::{Exit, Failure},
    profile::trust_root,
    terminal::{Style, Terminal, clean},
};

const DAY_MS: i64 = 86_400_000;
/// From when on before its end an entry of the ignore list is pointed at, in days.
const SOON_DAYS: i64 = 14;

pub(super) fn check(terminal: &Terminal, arguments: &CheckArguments) -> Result<Exit, Failure> {
    let (read, at) = (read(&arguments.file)?, now());
    let mut notes = notes(&read.policy, at);
    match (&arguments.trust_root, &read.signed) {
        (Some(path), Some(bytes)) => {
            let (root, _) = trust_root(path)?;
            SignedPolicy::open(bytes, &root, |entry| entry.may_sign(at)).map_err(|error| {
                Failure::refused(format_args!("{} does not count", arguments.file.display()))
                    .caused_by(&error)
            })?;
        }
        (None, Some(_)) => {
            notes.push("the signature was not checked: name --trust-root".to_owned())
        }
        (Some(_), None) => notes.push("it is not signed yet: 'aibom policy sign'".to_owned()),
        (None, None) => {}
    }
    let (name, version) = (&read.policy.name, read.policy.version);
    if terminal.is_json() {
        let signed = read.signed.is_some();
        terminal.json(&serde_json::json!({
            "valid": true, "name": name, "version": version, "signed": signed, "notes": notes,
        }))?;
        return Ok(Exit::Done);
    }
    for note in &notes {
        let word = terminal.paint(Style::Warn, "note:");
        terminal.line(format_args!("{word} {}", clean(note)))?;
    }
    let done = terminal.paint(Style::Good, "✓");
    terminal.line(format_args!("{done} {name} version {version} is a valid policy"))?;
    Ok(Exit::Done)
}

/// What is allowed, and perhaps not meant.
pub(super) fn notes(policy: &Policy, at: Timestamp) -> Vec<String> {
    let mut notes = Vec::new();
    for entry in &policy.ignore {
        let place = entry.subject.as_ref().map_or_else(String::new, |text| format!(" in {text}"));
        let (what, expires) = (format!("the entry for {}{place}", entry.id), entry.expires);
        let left_ms = expires.since_ms(at);
        if left_ms < 0 {
            notes.push(format!("{what} does not count any more: it expired {expires}"));
        } else if left_ms <= SOON_DAYS * DAY_MS {
            let days = left_ms / DAY_MS;
            notes.push(format!("{what} expires in {days} days, {expires}"));
        }
    }
    let needed = |rule: &str, targets: &[ScanTarget]| {
        let absent = targets.iter().filter(|target| !policy.complete.contains(target));
        let absent: Vec<_> = absent.map(ToString::to_string).collect();
        let list = absent.join(", ");
        let note = format!("[{rule}] sees nothing of what nobody scanned: complete lacks {list}");
        (!absent.is_empty()).then_some(note)
    };
    let files = [ScanTarget::Inputs, ScanTarget::Outputs];
    let packages = [ScanTarget::Image];
    let denies = !policy.licences.deny.is_empty() || policy.licences.deny_unstated;
    let rules = [
        ("vulnerabilities", policy.vulnerabilities.hold.is_some(), &packages[..]),
        ("secrets", policy.secrets.hold.is_some(), &files),
        ("files", policy.files.hold.is_some(), &files),
        ("licences", denies, &packages),
    ];
    let rules = rules.into_iter().filter(|(_, holds, _)| *holds);
    notes.extend(rules.filter_map(|(rule, _, targets)| needed(rule, targets)));
    notes
}
