//! What differs between two AIBoMs, as somebody who trains models would say it.
//!
//! Each area is a table of facts by name, taken from both documents in the same way; what one of
//! them lacks, or says otherwise, is a change.

mod claims;
mod cost;
mod facts;
mod platform;
mod sense;

use std::collections::BTreeMap;

use serde::Serialize;

use self::{facts::Facts, sense::Seen};
use crate::Aibom;

/// The longest value that a change shows, in characters; longer ones are cut, never compared so.
const MAX_VALUE_CHARS: usize = 512;

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Datasets, their statistics and splits.
    Data,
    /// The models and what is said of them.
    Model,
    /// Parameters as declared and as in effect, and what ran.
    Parameters,
    /// What was measured.
    Metrics,
    /// The image and the packages in it, by purl without version.
    Packages,
    /// Known vulnerabilities, and what looked for them.
    Vulnerabilities,
    /// The machine, its system and engine, and the mesh's programs.
    Hardware,
    /// How the training was shut in, its limits, and the claims made for it.
    Isolation,
    /// What the run took: time, memory and energy, which no two runs have in common.
    Cost,
}

impl Area {
    /// All of them, in the order of a [`Diff`].
    pub const ALL: [Self; 9] = [
        Self::Data,
        Self::Model,
        Self::Parameters,
        Self::Metrics,
        Self::Packages,
        Self::Vulnerabilities,
        Self::Hardware,
        Self::Isolation,
        Self::Cost,
    ];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Model => "model",
            Self::Parameters => "parameters",
            Self::Metrics => "metrics",
            Self::Packages => "packages",
            Self::Vulnerabilities => "vulnerabilities",
            Self::Hardware => "hardware",
            Self::Isolation => "isolation",
            Self::Cost => "cost",
        }
    }

    /// Whether a change in it makes two trainings different ones.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        !matches!(self, Self::Cost)
    }

    fn facts(self, aibom: &Aibom) -> Facts {
        match self {
            Self::Data => facts::data(aibom),
            Self::Model => facts::model(aibom),
            Self::Parameters => facts::parameters(aibom),
            Self::Metrics => facts::metrics(aibom),
            Self::Packages => platform::packages(aibom),
            Self::Vulnerabilities => platform::vulnerabilities(aibom),
            Self::Hardware => platform::hardware(aibom),
            Self::Isolation => platform::isolation(aibom),
            Self::Cost => cost::cost(aibom),
        }
    }
}

/// How a fact changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum Kind {
    /// Only the second document has it.
    Added {
        /// Its value there.
        to: String,
    },
    /// Only the first document has it.
    Removed {
        /// Its value there.
        from: String,
    },
    /// Both have it, with different values.
    Changed {
        /// In the first.
        from: String,
        /// In the second.
        to: String,
    },
}

/// Which way a change goes, where that can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sense {
    /// A metric got better, a vulnerability less, a claim more.
    Better,
    /// The opposite.
    Worse,
    /// To a later version.
    Upgraded,
    /// To an earlier version.
    Downgraded,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What it is about.
    pub area: Area,
    /// The fact's name; the same in both documents.
    pub name: String,
    /// How it changed.
    #[serde(flatten)]
    pub kind: Kind,
    /// The second value less the first, when both are numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<f64>,
    /// Which way it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sense: Option<Sense>,
}

/// All that differs.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Diff {
    /// By area, then by name.
    pub changes: Vec<Change>,
}

impl Diff {
    /// Whether nothing differs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether anything differs that makes two trainings different ones.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.changes.iter().any(|change| change.area.is_counted())
    }

    /// The changes of one area.
    pub fn of(&self, area: Area) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.area == area)
    }
}

/// What differs between two documents, in every area.
#[must_use]
pub fn diff(from: &Aibom, to: &Aibom) -> Diff {
    diff_only(from, to, &Area::ALL)
}

/// What differs between two documents in some areas.
#[must_use]
pub fn diff_only(from: &Aibom, to: &Aibom, areas: &[Area]) -> Diff {
    let asked = Area::ALL.into_iter().filter(|area| areas.contains(area));
    let seen = Seen::by(from.scans(), to.scans());
    let changes = asked.flat_map(|area| compared(area, area.facts(from), area.facts(to), seen));
    Diff { changes: changes.collect() }
}

fn compared(area: Area, from: Facts, to: Facts, seen: Seen) -> Vec<Change> {
    let mut all: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
    for (name, value) in from.0 {
        all.entry(name).or_default().0 = Some(value);
    }
    for (name, value) in to.0 {
        all.entry(name).or_default().1 = Some(value);
    }
    let differing = all.into_iter().filter(|(_, (from, to))| from != to);
    let changes = differing.filter_map(|(name, (from, to))| {
        let sense = sense::of(area, &name, [from.as_deref(), to.as_deref()], seen);
        let delta =
            from.as_deref().zip(to.as_deref()).and_then(|(from, to)| sense::delta(from, to));
        let kind = match (from, to) {
            (Some(from), Some(to)) => Kind::Changed { from: cut(from), to: cut(to) },
            (Some(from), None) => Kind::Removed { from: cut(from) },
            (None, Some(to)) => Kind::Added { to: cut(to) },
            (None, None) => return None,
        };
        Some(Change { area, name, kind, delta, sense })
    });
    changes.collect()
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests;
