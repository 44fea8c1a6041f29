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
    assert_eq!(profile.approver, None);
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

fn hold() -> proto::review::v1::GetHoldResponse {
    use proto::review::v1 as review;
    let time = prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 };
    let violation = |id: &str| review::Violation {
        key: "what a lying scheduler calls it".into(),
        kind: "vulnerability".into(),
        id: id.into(),
        subject: "pkg:pypi/keras@3.0.0".into(),
        severity: "CRITICAL".into(),
        detail: "upgrade".into(),
    };
    review::GetHoldResponse {
        job: Some(review::HeldJob {
            job: Some(job()),
            user: "spiffe://mesh.test/user/alice".into(),
            held_until: Some(time),
            ..review::HeldJob::default()
        }),
        evidence_digest: ids::Sha256Digest::of(b"e").to_hex(),
        policy_digest: ids::Sha256Digest::of(b"p").to_hex(),
        violations: vec![violation("CVE-2"), violation("CVE-1"), violation("CVE-2")],
        ..review::GetHoldResponse::default()
    }
}

#[test]
fn a_release_names_what_was_shown_and_nothing_else() {
    rpc::install_crypto();
    let mesh = testkit::mesh::Mesh::new("release", std::time::SystemTime::now().into());
    let directory = tempfile::tempdir().unwrap();
    let files = rpc::IdentityFiles {
        certificate: directory.path().join("crt.pem"),
        key: directory.path().join("key.pem"),
        ca: directory.path().join("ca.pem"),
    };
    std::fs::write(&files.certificate, &mesh.approver.certificate_pem).unwrap();
    keys::write_secret(&files.key, &mesh.approver.key_pem).unwrap();
    std::fs::write(&files.ca, mesh.ca.certificate_pem()).unwrap();
    let identity = rpc::MeshIdentity::load(&files).unwrap();

    let hold = HoldView::try_from(hold()).unwrap();
    let at = ids::Timestamp::from_unix_ms(1_790_000_000_000);
    let document = sign_release(&identity, &hold, "not reachable", at).unwrap();
    let key = keys::SigningKey::public_key(&mesh.approver.key).clone();
    let envelope = envelope::Envelope::parse(&document.envelope, 1 << 20).unwrap();
    let payload = envelope.open(evidence::RELEASE_PAYLOAD_TYPE, &key).unwrap();
    let release: evidence::Release = ids::canonical::from_slice(payload, 1 << 20).unwrap();
    let named = ["CVE-1", "CVE-2"].map(|id| format!("vulnerability {id} pkg:pypi/keras@3.0.0"));
    assert_eq!(release.violations, named);
    assert_eq!((release.evidence, release.policy), (hold.evidence, hold.policy.digest));

    assert!(matches!(sign_release(&identity, &hold, " ", at), Err(SignReleaseError::Bounds)));
    let more = HoldView { more: 1, ..hold };
    assert!(matches!(sign_release(&identity, &more, "r", at), Err(SignReleaseError::TooMany(1))));
}
