//! Labels that become file names, and those that never do.

use super::is_file_name;

#[test]
fn only_plain_names_pass() {
    for good in ["model.keras", "a", "A-1_b.csv", "...", &"n".repeat(128)] {
        assert!(is_file_name(good), "{good:?}");
    }
    let bad = [
        "",
        ".",
        "..",
        "a/b",
        "../x",
        "/etc/passwd",
        "a b",
        "a\0b",
        "ü",
        "a\n",
        "C:\\x",
        "~",
        "a\u{202e}b",
        "x;y",
    ];
    for bad in bad.into_iter().chain([&*"n".repeat(129)]) {
        assert!(!is_file_name(bad), "{bad:?}");
    }
}
