//! From a report to what the evidence says: packages by purl, vulnerabilities by id, all sorted.
//!
//! Pure: no clock, no file. The same report gives the same inventory.

pub(crate) mod findings;
mod packages;
mod vulnerabilities;

use evidence::{Misconfiguration, OperatingSystem, Package, SecretFinding, VulnerabilityResult};
use serde::{Deserialize, Serialize};

use crate::report::{About, Report, ReportError};

/// The longest name, version, id or licence, in bytes.
const TEXT_MAX: usize = 256;
/// The longest purl, in bytes.
const PURL_MAX: usize = 1024;

/// What a report says, in the words of the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// The tool's version.
    pub tool_version: String,
    /// The image's operating system, where one was recognised.
    pub operating_system: Option<OperatingSystem>,
    /// Every package, sorted by purl, each purl once.
    pub packages: Vec<Package>,
    /// Every vulnerability, sorted by id, each id once.
    pub vulnerabilities: Vec<VulnerabilityResult>,
    /// Texts that look like secrets, sorted by path, line and rule.
    pub secrets: Vec<SecretFinding>,
    /// Configuration that a rule objects to, sorted by path and id.
    pub misconfigurations: Vec<Misconfiguration>,
    /// What the tool could not look at, or found too much of; an empty list means nothing was left out.
    pub gaps: Vec<String>,
}

impl Inventory {
    /// Reads the report on what `about` says.
    ///
    /// # Errors
    /// When the report does not parse, breaks a bound, or is about something else.
    pub fn read(report: &[u8], about: About) -> Result<Self, ReportError> {
        Self::of(&Report::parse(report, about)?, about)
    }

    /// What a report says that was read already.
    pub(crate) fn of(report: &Report, about: About) -> Result<Self, ReportError> {
        let mut gaps = match about {
            About::Image(_) => gaps(report),
            About::Directory | About::Checked => Vec::new(),
        };
        Ok(Self {
            tool_version: text("tool version", &report.trivy.version, TEXT_MAX)?,
            operating_system: operating_system(report),
            packages: packages::of(report)?,
            vulnerabilities: vulnerabilities::of(report)?,
            secrets: findings::secrets(report, &mut gaps)?,
            misconfigurations: findings::misconfigurations(report, &mut gaps)?,
            gaps,
        })
    }
}

/// A text of 1 to `limit` bytes without control characters.
fn text(what: &'static str, value: &str, limit: usize) -> Result<String, ReportError> {
    if value.is_empty() {
        return Err(ReportError::Text { what, text: String::new() });
    }
    text_or_empty(what, value, limit)
}

fn text_or_empty(what: &'static str, value: &str, limit: usize) -> Result<String, ReportError> {
    if value.len() > limit || value.chars().any(char::is_control) {
        return Err(ReportError::Text { what, text: value.chars().take(64).collect() });
    }
    Ok(value.to_owned())
}

/// The package's own purl, or one of the type `generic` when the tool knows none.
fn purl(known: &str, name: &str, version: &str) -> Result<String, ReportError> {
    if !known.is_empty() {
        return text("purl", known, PURL_MAX);
    }
    let mut purl = format!("pkg:generic/{}", encoded(&text("package name", name, TEXT_MAX)?));
    if !version.is_empty() {
        purl.push('@');
        purl.push_str(&encoded(&text("package version", version, TEXT_MAX)?));
    }
    Ok(purl)
}

/// Percent-encoded as the purl specification asks.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What of a text can be shown: at most `limit` characters, no control characters, no space around
/// it; `None` when nothing is left. For facts that nothing else hangs on.
fn shown(value: &str, limit: usize) -> Option<String> {
    let plain: String = value.chars().filter(|c| !c.is_control()).collect();
    let short: String = plain.trim().chars().take(limit).collect();
    Some(short.trim_end().to_owned()).filter(|text| !text.is_empty())
}

/// The longest part of an operating system's name, in characters.
const SYSTEM_MAX: usize = 64;

fn operating_system(report: &Report) -> Option<OperatingSystem> {
    let os = report.metadata.os.as_ref()?;
    let version = shown(&os.name, SYSTEM_MAX).unwrap_or_default();
    Some(OperatingSystem { family: shown(&os.family, SYSTEM_MAX)?, version })
}

/// What was not, or not usefully, looked at.
fn gaps(report: &Report) -> Vec<String> {
    let Some(os) = &report.metadata.os else {
        return vec!["no operating system was recognised: its packages were not looked at".into()];
    };
    let clean = |part: &str| shown(part, SYSTEM_MAX).unwrap_or_default();
    let system = format!("{} {}", clean(&os.family), clean(&os.name));
    let system = system.trim();
    let mut gaps = Vec::new();
    let mut groups = report.results().iter();
    if !groups.any(|group| group.of_system() && !group.packages().is_empty()) {
        gaps.push(format!("{system}: its package database was not found"));
    }
    if os.end_of_life {
        gaps.push(format!("{system} gets no security updates any more"));
    }
    gaps
}

#[cfg(test)]
mod tests;
