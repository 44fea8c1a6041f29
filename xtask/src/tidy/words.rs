//! Words that no file of the project may hold: notes to oneself, and paths of one machine.

use super::{Finding, Source};

/// The word, and what to do about it. Split, so that this file does not hold them.
const WORDS: [(&str, &str); 8] = [
    (concat!("TO", "DO"), "do it, or open an issue"),
    (concat!("FIX", "ME"), "do it, or open an issue"),
    (concat!("XX", "X:"), "say what is meant"),
    (concat!("HA", "CK:"), "say why it is as it is"),
    (concat!("/ho", "me/"), "paths of one machine do not belong here"),
    (concat!("/Us", "ers/"), "paths of one machine do not belong here"),
    (concat!("/ro", "ot/"), "paths of one machine do not belong here"),
    (concat!("<<<<", "<<< "), "a merge was not finished"),
];

/// Files that other programs write.
const MADE: [&str; 2] = ["Cargo.lock", "requirements.lock"];

/// Every place that holds one.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let name = source.path.file_name().map(|name| name.to_string_lossy());
        if name.is_some_and(|name| MADE.contains(&&*name)) || source.path.starts_with("fuzz/corpus")
        {
            continue;
        }
        let is_data = source.path.extension().is_some_and(|extension| extension == "json");
        for (number, line) in source.text.lines().enumerate() {
            for (word, remedy) in WORDS {
                // Data from elsewhere may well hold notes.
                let exempt = is_data && !word.starts_with('/');
                if line.contains(word) && !exempt {
                    let what = format!("holds {word:?}: {remedy}");
                    found.push(Finding::new(&source.path, number + 1, what));
                }
            }
        }
    }
    found
}
