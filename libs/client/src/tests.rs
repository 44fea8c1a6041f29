//! The profile, the retry rule, and the conversion of jobs.

use std::path::Path;

use proto::job::v1 as wire;

use super::*;

const GOOD: &str = r#"{
  "schema": "aibom.mesh.v1",
  "trustDomain": "mesh.test",
  "identity": {"certificate": "certs/u.pem", "key": "certs/u.key.pem", "ca": "/etc/ca.pem"},
  "trustRoot": "trust-root.json",
  "services": {"scheduler": {"url": "https://localhost:1", "spiffeId": "spiffe://mesh.test/scheduler/main"}}
}"#;

fn load(text: &str) -> Result<Profile, ProfileError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mesh.json");
    std::fs::write(&path, text).unwrap();
    Profile::load(&path).map(|mut profile| {
        let strip = |p: &Path| p.strip_prefix(directory.path()).unwrap_or(p).to_owned();
        profile.identity.certificate = strip(&profile.identity.certificate);
        profile.identity.ca = strip(&profile.identity.ca);
        profile.trust_root = strip(&profile.trust_root);
        profile
    })
}

#[test]
fn a_profile_is_read_and_its_paths_begin_at_its_directory() {
    let profile = load(GOOD).unwrap();
    assert_eq!(profile.identity.certificate, Path::new("certs/u.pem"));
    assert_eq!(profile.identity.ca, Path::new("/etc/ca.pem"));
    assert_eq!(profile.services.scheduler.spiffe_id.name(), "main");
    let again: Profile = serde_json::from_slice(&profile.to_bytes().unwrap()).unwrap();
    assert_eq!(again, profile);
}

#[test]
fn bad_profiles_are_refused() {
    assert!(matches!(load("{"), Err(ProfileError::Parse { .. })));
    let other = GOOD.replace("aibom.mesh.v1", "aibom.mesh.v9");
    assert!(matches!(load(&other), Err(ProfileError::Schema { .. })));
    let unknown = GOOD.replace("\"trustRoot\"", "\"surprise\": 1, \"trustRoot\"");
    assert!(matches!(load(&unknown), Err(ProfileError::Parse { .. })));
    let long = format!("{GOOD}{}", " ".repeat(70_000));
    assert!(matches!(load(&long), Err(ProfileError::TooLong { .. })));
    assert!(matches!(
        Profile::load(Path::new("/nonexistent/mesh.json")),
        Err(ProfileError::Read { .. })
    ));
}

fn job() -> wire::Job {
    wire::Job {
        id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
        state: wire::JobState::Training.into(),
        attempt: 1,
        request_digest: ids::Sha256Digest::of(b"r").to_hex(),
        ..wire::Job::default()
    }
}

#[test]
fn a_job_is_converted_and_a_malformed_one_is_named() {
    let view = JobView::try_from(job()).unwrap();
    assert_eq!(
        (view.state, view.bundle_digest, view.reason),
        (::job::JobState::Training, None, None)
    );
    type Change = fn(&mut wire::Job);
    let cases: [(&str, Change); 4] = [
        ("job.id", |j| j.id = "x".into()),
        ("job.state", |j| j.state = 0),
        ("job.state", |j| j.state = 99),
        ("job.bundle_digest", |j| j.bundle_digest = "../x".into()),
    ];
    for (field, change) in cases {
        let mut job = job();
        change(&mut job);
        assert_eq!(JobView::try_from(job).map_err(|e| e.field), Err(field));
    }
}

#[test]
fn only_what_may_heal_is_tried_again() {
    use rpc::status::{Code, new};
    let cases = [
        (Code::Unavailable, "UNREACHABLE", true),
        (Code::Unavailable, "CERTIFICATE_REFUSED", false),
        (Code::Unavailable, "WRONG_SERVER", false),
        (Code::ResourceExhausted, "QUEUE_FULL", true),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE", false),
        (Code::NotFound, "JOB_UNKNOWN", false),
        (Code::InvalidArgument, "X", false),
    ];
    for (code, reason, transient) in cases {
        assert_eq!(call::is_transient(&new(code, reason, "")), transient, "{code:?} {reason}");
    }
    assert!(call::pause(0) < call::pause(40));
    assert!(call::pause(63).as_millis() <= 4_000);
}

#[test]
fn a_file_is_hashed_and_a_directory_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    std::fs::write(&path, b"abc").unwrap();
    let file = LocalFile::hash(&path).unwrap();
    assert_eq!((file.size, file.digests), (3, ids::Digests::of(b"abc")));
    assert!(matches!(LocalFile::hash(directory.path()), Err(LocalFileError::NotAFile { .. })));
    assert!(matches!(
        LocalFile::hash(&directory.path().join("y")),
        Err(LocalFileError::Read { .. })
    ));
}
