//! Who says what: every value that is written is recorded with its source (docs/formats/aibom.md). The
//! record becomes annotations ([`crate::sources`]) or citations ([`crate::citations`]).

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The user's request says so.
    Asserted,
    /// The scheduler's grant says so.
    Granted,
    /// The executor saw it from outside the container.
    Observed,
    /// The trainer said so from inside the container.
    Reported,
    /// The scanner found it.
    Scanned,
    /// The mesh's policy says so.
    Decided,
    /// The approver says so, who released what the policy held.
    Released,
    /// It follows from the rules of the profile.
    Derived,
}

/// A field of a subject: `everything`, a pointer below it (`/name`, `/properties/aibom:model:*`), or
/// one below the document (`$/metadata/timestamp`).
pub(crate) type Field = Cow<'static, str>;

/// The record so far.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeMap<(Source, String), Vec<Field>>);

/// Fields that one source says of each of these subjects.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) source: Source,
    /// Sorted, each once.
    pub(crate) fields: Vec<Field>,
    /// bom-refs, sorted, each once.
    pub(crate) subjects: Vec<String>,
}

impl Claims {
    /// Records that `fields` of `subject` come from `source`. A name from outside in a field goes
    /// through [`name`] first.
    pub(crate) fn add<F: Into<Field> + Clone>(
        &mut self,
        source: Source,
        subject: &str,
        fields: &[F],
    ) {
        let known = self.0.entry((source, subject.to_owned())).or_default();
        known.extend(fields.iter().cloned().map(Into::into));
    }

    /// The record with the subjects joined that share source and fields.
    pub(crate) fn groups(self) -> Vec<Group> {
        let mut joined: BTreeMap<(Source, Vec<Field>), Vec<String>> = BTreeMap::new();
        for ((source, subject), mut fields) in self.0 {
            fields.sort_unstable();
            fields.dedup();
            if !fields.is_empty() {
                joined.entry((source, fields)).or_default().push(subject);
            }
        }
        let group = |((source, fields), subjects)| Group { source, fields, subjects };
        joined.into_iter().map(group).collect()
    }
}

/// A name as a segment of a field: `~`, `/`, `,` and `*` escaped.
pub(crate) fn name(text: &str) -> Cow<'_, str> {
    if !text.contains(['~', '/', ',', '*']) {
        return Cow::Borrowed(text);
    }
    let text = text.replace('~', "~0").replace('/', "~1");
    Cow::Owned(text.replace(',', "~2").replace('*', "~4"))
}

/// The name that [`name`] wrote so.
pub(crate) fn plain_name(segment: &str) -> String {
    let text = segment.replace("~4", "*").replace("~2", ",");
    text.replace("~1", "/").replace("~0", "~")
}

/// The fields that are there.
pub(crate) fn given<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

/// How an incomplete scan is named everywhere.
pub(crate) fn not_scanned(reason: &str) -> String {
    let reason = if reason.is_empty() { "no reason given" } else { reason };
    format!("not scanned: {reason}")
}

#[cfg(test)]
mod tests;
