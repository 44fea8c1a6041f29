//! A repository is one argument, and never a flag or a list.

use super::*;

#[test]
fn a_repository_is_one_plain_word() {
    for text in ["127.0.0.1:5000/trivy-db:2", "registry.example.org/a/b_c@sha256:00"] {
        assert_eq!(text.parse::<Repository>().unwrap().to_string(), text);
    }
    let long = format!("host/{}", "a".repeat(REPOSITORY_BYTES_MAX));
    for text in
        ["", "trivy-db", "--insecure", "-/x", "a/b,c/d", "a/b c", "https://a/b", "ä/b", &long]
    {
        text.parse::<Repository>().unwrap_err();
    }
}

#[test]
fn the_command_names_the_repository_and_the_directory() {
    let download = Download {
        trivy: "/opt/trivy".into(),
        repository: Some("127.0.0.1:5000/trivy-db:2".parse().unwrap()),
        progress: false,
    };
    let command = download.command(Path::new("/srv/x"));
    let arguments: Vec<_> = command.get_args().map(|a| a.to_str().unwrap()).collect();
    let repository = arguments.iter().position(|a| *a == "--db-repository").unwrap();
    assert_eq!(arguments[repository + 1], "127.0.0.1:5000/trivy-db:2");
    assert!(arguments.ends_with(&["--cache-dir", "/srv/x"]), "{arguments:?}");
    let kept = |name: &std::ffi::OsStr| KEPT.iter().any(|kept| name == *kept);
    assert!(command.get_envs().all(|(name, _)| name == "PATH" || name == "TMPDIR" || kept(name)));
}
