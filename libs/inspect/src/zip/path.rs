//! Names in archives that lead out of the directory that an archive is unpacked into.

/// Why the name leads out; `None` when it stays.
pub(crate) fn leaves(name: &str) -> Option<&'static str> {
    let drive = name.as_bytes().get(1) == Some(&b':')
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if name.contains('\0') {
        Some("has a NUL, where some readers end it")
    } else if name.starts_with(['/', '\\']) {
        Some("begins at the root")
    } else if drive {
        Some("begins with a drive")
    } else if name.split(['/', '\\']).any(|part| part.trim_end_matches([' ', '\t']) == "..") {
        Some("goes up a directory")
    } else if name.contains('\\') {
        Some("has backslashes, which divide directories on some systems")
    } else {
        None
    }
}
