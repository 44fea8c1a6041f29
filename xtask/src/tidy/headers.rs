//! Every file begins by saying what it is.

use super::{Finding, Source};

/// Scripts say what they are within their first lines.
const HEAD_LINES: usize = 3;

/// Every file that does not.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let extension = source.path.extension().map(|extension| extension.to_string_lossy());
        let says = match extension.as_deref() {
            Some("rs") => {
                let first = source.text.lines().next().unwrap_or_default();
                first.starts_with("//! ") && first.len() > "//! ".len()
            }
            Some("sh") => source.text.lines().take(HEAD_LINES).any(|line| line.starts_with("# ")),
            Some("py") => {
                source.text.trim_start_matches("#!/usr/bin/env python3\n").starts_with("\"\"\"")
            }
            Some("proto") => source.text.starts_with("// "),
            _ => true,
        };
        if !says {
            let what = "the file must begin by saying what it is ('//! …' in Rust)";
            found.push(Finding::new(&source.path, 1, what));
        }
    }
    found
}
