//! What to do about an error in a job file: the nearest known key, or where the keys are listed.

/// The longest key for which a likeness is looked for, in bytes.
const MAX_KEY_BYTES: usize = 64;

const LIST: &str = "'aibom submit --help' shows a whole job file";

/// The remedy for what the YAML reader said.
pub(super) fn remedy(why: &str) -> String {
    let mut quoted = why.split('`').skip(1).step_by(2);
    if why.contains("unknown field") {
        let unknown = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        return match nearest(unknown, &known) {
            Some(key) => format!("write `{key}` instead of `{unknown}`"),
            None => format!("remove `{unknown}`; {LIST}"),
        };
    }
    if why.contains("missing field") {
        return format!("add `{}`; {LIST}", quoted.next().unwrap_or_default());
    }
    if why.contains("duplicate") {
        return "keep one of the two".to_owned();
    }
    LIST.to_owned()
}

/// The most alike of `known`, when it is alike at all.
fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    if unknown.len() > MAX_KEY_BYTES {
        return None;
    }
    let bound = (unknown.len() / 3).max(2);
    let distances = known.iter().map(|key| (distance(unknown, key), *key));
    distances.filter(|(distance, _)| *distance <= bound).min().map(|(_, key)| key)
}

/// How many letters must be added, removed or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}
