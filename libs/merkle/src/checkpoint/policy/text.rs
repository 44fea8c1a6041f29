//! The policy as a file that tools of other logs read (C2SP tlog-policy).
//!
//! What it says of one log and k of n witnesses: one `log` line, a `witness` line for each, one
//! `group` of those that count, and `quorum`. Groups of groups and several logs are refused.
//!
//! The format has no word for a witness that counts until some time. One is named, is in no group,
//! and a comment says the time: whoever reads the text counts nothing by it, which is stricter.

use std::{collections::BTreeMap, fmt, str::FromStr};

use ids::Timestamp;

use super::{Counts, LogPolicy, MAX_NAMED_WITNESSES, PolicyError, Witness};
use crate::checkpoint::{CosignerKey, KeyError, VerifierKey};

/// The longest policy that is read, in bytes.
pub const MAX_POLICY_BYTES: usize = 64 * 1024;
/// The name of the group of witnesses that count.
const GROUP: &str = "counting";
/// The predefined name of no witness at all (tlog-policy, "Defining the quorum").
const NONE: &str = "none";

/// Why a text is not a policy of one log and k of n witnesses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyTextError {
    /// Longer than [`MAX_POLICY_BYTES`].
    #[error("{0} bytes, more than the limit of {MAX_POLICY_BYTES}")]
    TooLong(usize),
    /// A control character other than tab and newline, or no newline at the end.
    #[error("a control character, or no newline at the end")]
    Characters,
    /// A line of another form, or one too many of its kind.
    #[error("line {0} is not one of: log, witness, group, quorum; or is one too many")]
    Line(usize),
    /// A key that is none, or of the wrong kind.
    #[error("line {line}: {source}")]
    Key {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// A name that is not defined on a line before, or is defined or listed twice.
    #[error("line {0} names what no witness line before it defines, or one name twice")]
    Name(usize),
    /// A threshold that is not from 1 to the number of members.
    #[error("line {0}: the threshold is not from 1 to the number of members")]
    Threshold(usize),
    /// No log line, or no quorum line.
    #[error("there is no {0} line")]
    Missing(&'static str),
    /// The parts make no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl fmt::Display for LogPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "log {}", self.log())?;
        let mut counting = Vec::new();
        for (number, Witness { key, counts }) in (1..).zip(self.witnesses()) {
            match counts {
                Counts::Always => counting.push(format!("w{number}")),
                Counts::Never => {}
                Counts::Until(until) => {
                    let ms = i64::try_from(*until).unwrap_or(i64::MAX).saturating_mul(1_000);
                    let until = Timestamp::from_unix_ms(ms);
                    writeln!(f, "# w{number} is retired: it counted until {until}")?;
                }
            }
            writeln!(f, "witness w{number} {key}")?;
        }
        if !counting.is_empty() {
            // The group says who counts, also where nobody is asked for.
            writeln!(f, "group {GROUP} {} {}", self.quorum().max(1), counting.join(" "))?;
        }
        writeln!(f, "quorum {}", if self.quorum() == 0 { NONE } else { GROUP })
    }
}

/// Who counts, and how many of them make a group.
struct Group<'a> {
    name: &'a str,
    threshold: usize,
    members: Vec<&'a str>,
}

#[derive(Default)]
struct Reader<'a> {
    log: Option<VerifierKey>,
    witnesses: Vec<(&'a str, CosignerKey)>,
    group: Option<Group<'a>>,
    quorum: Option<&'a str>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: usize, items: &[&'a str]) -> Result<(), PolicyTextError> {
        match items {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["log", key] | ["log", key, _] if self.log.is_none() => {
                self.log = Some(parse_key(key, line)?);
            }
            ["witness", name, key] | ["witness", name, key, _]
                if self.witnesses.len() < MAX_NAMED_WITNESSES =>
            {
                if *name == NONE || self.defines(name) {
                    return Err(PolicyTextError::Name(line));
                }
                self.witnesses.push((name, parse_key(key, line)?));
            }
            ["group", name, threshold, members @ ..]
                if self.group.is_none() && !members.is_empty() =>
            {
                self.group = Some(self.group_of(line, name, threshold, members)?);
            }
            ["quorum", name] if self.quorum.is_none() => {
                if *name != NONE && !self.defines(name) {
                    return Err(PolicyTextError::Name(line));
                }
                self.quorum = Some(name);
            }
            [..] => return Err(PolicyTextError::Line(line)),
        }
        Ok(())
    }

    fn group_of(
        &self,
        line: usize,
        name: &'a str,
        threshold: &str,
        members: &[&'a str],
    ) -> Result<Group<'a>, PolicyTextError> {
        let mut listed = BTreeMap::new();
        let known = |member: &&str| self.witnesses.iter().any(|(witness, _)| witness == member);
        let each_once = members.iter().all(|member| listed.insert(*member, ()).is_none());
        if name == NONE || self.defines(name) || !members.iter().all(known) || !each_once {
            return Err(PolicyTextError::Name(line));
        }
        let plain = !threshold.starts_with('0') && threshold.bytes().all(|b| b.is_ascii_digit());
        let threshold = match threshold {
            "any" => Some(1),
            "all" => Some(members.len()),
            number if plain => number.parse().ok(),
            _ => None,
        };
        let threshold = threshold.filter(|threshold| (1..=members.len()).contains(threshold));
        let threshold = threshold.ok_or(PolicyTextError::Threshold(line))?;
        Ok(Group { name, threshold, members: members.to_vec() })
    }

    fn defines(&self, name: &str) -> bool {
        self.witnesses.iter().any(|(witness, _)| *witness == name)
            || self.group.as_ref().is_some_and(|group| group.name == name)
    }

    fn policy(self) -> Result<LogPolicy, PolicyTextError> {
        let log = self.log.ok_or(PolicyTextError::Missing("log"))?;
        let name = self.quorum.ok_or(PolicyTextError::Missing("quorum"))?;
        let (quorum, members) = match self.group {
            Some(group) if name == group.name => (group.threshold, group.members),
            Some(group) if name == NONE => (0, group.members),
            None if name == NONE => (0, Vec::new()),
            // A single witness is asked for by its own name.
            _ => (1, vec![name]),
        };
        let witnesses = self.witnesses.into_iter();
        let witnesses = witnesses.map(|(name, key)| {
            let counts = if members.contains(&name) { Counts::Always } else { Counts::Never };
            Witness { key, counts }
        });
        Ok(LogPolicy::new(log, witnesses.collect(), quorum)?)
    }
}

fn parse_key<K: FromStr<Err = KeyError>>(text: &str, line: usize) -> Result<K, PolicyTextError> {
    text.parse().map_err(|source| PolicyTextError::Key { line, source })
}

impl FromStr for LogPolicy {
    type Err = PolicyTextError;

    /// Reads a policy; URLs and comments are read over.
    fn from_str(text: &str) -> Result<Self, PolicyTextError> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(PolicyTextError::TooLong(text.len()));
        }
        let control = |c: char| c.is_ascii_control() && c != '\t' && c != '\n';
        if text.contains(control) || !text.ends_with('\n') {
            return Err(PolicyTextError::Characters);
        }
        let mut reader = Reader::default();
        for (number, line) in (1..).zip(text.lines()) {
            let items = line.split([' ', '\t']).filter(|item| !item.is_empty());
            reader.line(number, &items.collect::<Vec<_>>())?;
        }
        reader.policy()
    }
}

#[cfg(test)]
mod tests;
