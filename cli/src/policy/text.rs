//! A policy as a TOML file that explains itself.

use std::fmt::Write as _;

use evidence::{Level, ScanTarget};
use policy::{Policy, Rating};

/// A text in TOML, on one line as policies have no line ends.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// `hold = …`, or how it would be written.
fn hold(level: Option<Level>) -> String {
    match level {
        Some(level) => format!("hold = \"{level}\""),
        None => "# hold = \"HIGH\"".to_owned(),
    }
}

fn days(key: &str, days: Option<u32>) -> String {
    days.map_or_else(|| format!("# {key} = 7"), |days| format!("{key} = {days}"))
}

fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// The file.
#[expect(clippy::too_many_lines, reason = "one text, which is easier to read in one piece")]
pub(super) fn toml(policy: &Policy) -> String {
    let Policy { vulnerabilities, licences, .. } = policy;
    let rating = match vulnerabilities.rating {
        Rating::Scanner => "scanner",
        Rating::Worst => "worst",
    };
    let targets = list(&ScanTarget::ALL);
    let mut text = format!(
        r#"# A release policy of an AIBoM mesh: what holds a job before its AIBoM is signed.
# 'aibom policy check' says what is wrong with it, 'aibom policy try' what it would have decided about
# a finished job, 'aibom policy sign' makes the document that counts. docs/formats/policy.md has it all.

# What people call it: 1 to 64 of a-z, 0-9, '.', '_', '-'.
name = {name}
# Grows with every change, whatever the policy is called. The signer never goes back.
version = {version}

# What must have been scanned to its end; of {targets}.
# A rule below sees nothing of a target that is not listed here when nobody scans it.
complete = {complete}
# How old the vulnerability database may be when the AIBoM is signed, in days.
{database}
# How old a scan may be then: answers for images come from a cache.
{scan}

# Known vulnerabilities of packages. 'hold' is the least severity that holds a job: UNKNOWN, LOW, MEDIUM,
# HIGH or CRITICAL; left out, none does.
[vulnerabilities]
{vulnerable}
# Only those that a newer version mends.
fixedOnly = {fixed}
# Whose word counts: "scanner" (the tool's own, which prefers the distribution's) or "worst" (of all).
rating = "{rating}"

# Texts that look like secrets, in images and files.
[secrets]
{secrets}

# Configuration that a rule of the scan tool objects to.
[misconfigurations]
{configured}

# What is dangerous to open in the model and dataset files: code in pickles, Lambda layers, archive bombs.
[files]
{files}

[licences]
# SPDX ids that a package may not need, such as "AGPL-3.0-only"; without -only or -or-later both are
# meant. "A OR B" leaves a choice.
deny = {deny}
# Whether a package that states no licence holds.
denyUnstated = {unstated}
"#,
        name = quoted(&policy.name),
        version = policy.version,
        complete = list(&policy.complete),
        database = days("maxDatabaseAgeDays", policy.max_database_age_days),
        scan = days("maxScanAgeDays", policy.max_scan_age_days),
        vulnerable = hold(vulnerabilities.hold),
        fixed = vulnerabilities.fixed_only,
        secrets = hold(policy.secrets.hold),
        configured = hold(policy.misconfigurations.hold),
        files = hold(policy.files.hold),
        deny = list(&licences.deny),
        unstated = licences.deny_unstated,
    );
    text.push_str(
        r#"
# What does not hold a job although a rule says so: for a reason, and until the end of a day. Everybody who
# verifies an AIBoM that needed an entry reads its reason. What was not scanned cannot be ignored.
# [[ignore]]
# id = "CVE-2026-0001"              # a CVE, a rule of secrets or files, a licence
# subject = "pkg:pypi/keras"        # a package (every version), a file, a path; left out: everywhere
# reason = "the function is not reachable from our trainer"
# expires = 2027-01-31
"#,
    );
    for ignore in &policy.ignore {
        // Writing to a text does not fail.
        let _ = write!(text, "\n[[ignore]]\nid = {}\n", quoted(&ignore.id));
        if let Some(subject) = &ignore.subject {
            let _ = writeln!(text, "subject = {}", quoted(subject));
        }
        let _ = writeln!(text, "reason = {}", quoted(&ignore.reason));
        let _ = writeln!(text, "expires = {}", quoted(&ignore.expires.to_string()));
    }
    text
}
