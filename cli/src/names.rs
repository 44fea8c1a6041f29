//! The names that files get on this machine: labels from elsewhere, held to a narrow form.

/// The longest label, in bytes.
pub(crate) const MAX_LABEL_BYTES: usize = 128;

/// Whether a label can be a file name: 1 to 128 of `A-Z a-z 0-9 . _ -`, not `.` or `..`.
pub(crate) fn is_file_name(label: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && label != "."
        && label != ".."
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests;
