//! What was written down is there again, whatever a crash left behind it.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn entry(n: u8) -> SubmissionEntry {
    SubmissionEntry {
        request: Sha256Digest::of(&[n]),
        idempotency_key: Uuid::from_u128(u128::from(n)),
        at: Timestamp::from_unix_ms(1_790_000_000_000),
    }
}

fn journal(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("state/aibom/mesh.test/submissions.jsonl")
}

#[test]
fn what_is_added_is_there_again_and_is_the_users_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = journal(&directory);
    let mut submissions = Submissions::open(&path).unwrap();
    assert!(submissions.made.is_empty() && !path.exists());
    submissions.add(&entry(1)).unwrap();
    // Another process in between.
    Submissions::open(&path).unwrap().add(&entry(2)).unwrap();
    submissions.add(&entry(3)).unwrap();
    let submissions = Submissions::open(&path).unwrap();
    assert_eq!(submissions.made.len(), 3);
    assert!(submissions.contains(&entry(2).request) && !submissions.contains(&entry(4).request));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_line_that_a_crash_cut_off_was_never_sent() {
    let directory = tempfile::tempdir().unwrap();
    let path = journal(&directory);
    let mut submissions = Submissions::open(&path).unwrap();
    submissions.add(&entry(1)).unwrap();
    submissions.add(&entry(2)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in 0..bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let made = Submissions::open(&path).unwrap().made.len();
        assert_eq!(made, usize::from(cut >= first), "cut at {cut}");
        Submissions::open(&path).unwrap().add(&entry(3)).unwrap();
        assert_eq!(Submissions::open(&path).unwrap().made.len(), made + 1, "cut at {cut}");
    }
    // A rest that is longer than a block.
    std::fs::write(&path, [&bytes[..first], &vec![b'x'; 10_000][..]].concat()).unwrap();
    Submissions::open(&path).unwrap().add(&entry(3)).unwrap();
    assert_eq!(Submissions::open(&path).unwrap().made.len(), 2);
}

#[test]
fn a_damaged_line_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = journal(&directory);
    Submissions::open(&path).unwrap().add(&entry(1)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{}\n");
    std::fs::write(&path, bytes).unwrap();
    let error = Submissions::open(&path).unwrap_err();
    assert!(matches!(error, SubmissionsError::Damaged { line: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("remove that line"), "it says what to do: {error}");
}

#[test]
fn the_journal_is_in_the_users_state() {
    let path = |xdg: Option<&str>, home: Option<&str>, domain: &str| {
        submissions_path(domain, |name| match name {
            "XDG_STATE_HOME" => xdg.map(Into::into),
            "HOME" => home.map(Into::into),
            _ => None,
        })
    };
    let shown = |xdg, home, domain| path(xdg, home, domain).unwrap().display().to_string();
    let file = "submissions.jsonl";
    assert_eq!(shown(Some("/s"), Some("/h"), "mesh.test"), format!("/s/aibom/mesh.test/{file}"));
    let home = format!("/h/.local/state/aibom/mesh.test/{file}");
    assert_eq!(shown(None, Some("/h"), "mesh.test"), home);
    assert_eq!(shown(Some("relative"), Some("/h"), "mesh.test"), home);
    assert_eq!(shown(Some("/s"), None, "../../x"), format!("/s/aibom/_.._.._x/{file}"));
    assert!(matches!(path(None, None, "mesh.test"), Err(SubmissionsError::NoPlace)));
}
