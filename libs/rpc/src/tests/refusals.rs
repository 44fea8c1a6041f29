//! Everybody who must not get in, and every call that must not go through.

use ids::{Role, SpiffeId};
use keys::ca::create_root;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};
use tonic::Code;

use super::{
    mesh::{Mesh, id, within},
    raw::{Raw, STAT, Shown, message, tls},
};
use crate::{identity::now, reason_of};

const GOOD_URI: &str = "spiffe://mesh.test/user/mallory";

/// A leaf of the mesh's own CA that says whatever `change` makes it say.
fn odd(mesh: &Mesh, uris: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let root = KeyPair::from_pem(&mesh.root.key_pem).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&mesh.root.certificate_pem, root).unwrap();
    odd_of(&issuer, uris, change)
}

fn odd_of(
    issuer: &Issuer<'_, KeyPair>,
    uris: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> Shown {
    let mut params = CertificateParams::default();
    for uri in uris {
        params.subject_alt_names.push(SanType::URI((*uri).try_into().unwrap()));
    }
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = OffsetDateTime::now_utc() - Duration::minutes(5);
    params.not_after = OffsetDateTime::now_utc() + Duration::hours(1);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    Shown { chain: vec![certificate.der().to_vec()], key_pem: key.serialize_pem() }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn foreign_identities(mesh: &Mesh) -> Vec<(&'static str, Option<Shown>)> {
    let other = create_root("mesh.test", now(), 3_600_000, [9; 20]).unwrap();
    let other_key = KeyPair::from_pem(&other.key_pem).unwrap();
    let other_ca = Issuer::from_ca_cert_pem(&other.certificate_pem, other_key).unwrap();
    let good = Shown::new(&mesh.issue(&id(Role::User, "mallory"), 3_600_000));
    let stolen = Shown { key_pem: KeyPair::generate().unwrap().serialize_pem(), ..good.clone() };
    let garbage = Shown { chain: vec![vec![0x30, 3, 1, 2, 3]], ..good.clone() };
    let mut long = good.clone();
    long.chain.extend(std::iter::repeat_n(good.chain[0].clone(), 4));
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names.push(SanType::URI(GOOD_URI.try_into().unwrap()));
        let certificate = params.self_signed(&key).unwrap();
        Shown { chain: vec![certificate.der().to_vec()], key_pem: key.serialize_pem() }
    };
    vec![
        ("no certificate", None),
        ("the right name under another CA", Some(odd_of(&other_ca, &[GOOD_URI], |_| {}))),
        ("another CA of the same name", Some(Shown::new(&other))),
        ("self-signed", Some(self_signed)),
        ("somebody else's certificate without its key", Some(stolen)),
        ("bytes that are no certificate", Some(garbage)),
        ("a chain that is too long", Some(long)),
        ("the CA itself as leaf", Some(Shown::new(&mesh.root))),
    ]
}

fn odd_contents(mesh: &Mesh) -> Vec<(&'static str, Option<Shown>)> {
    use ExtendedKeyUsagePurpose::ServerAuth;
    use KeyUsagePurpose::{CrlSign, KeyCertSign};
    let ago = OffsetDateTime::now_utc() - Duration::minutes(1);
    let soon = OffsetDateTime::now_utc() + Duration::minutes(5);
    let but = |change: &dyn Fn(&mut CertificateParams)| Some(odd(mesh, &[GOOD_URI], change));
    let unnamed = |change: &dyn Fn(&mut CertificateParams)| Some(odd(mesh, &[], change));
    vec![
        ("expired", but(&|p| p.not_after = ago)),
        ("not yet valid", but(&|p| p.not_before = soon)),
        ("for servers only", but(&|p| p.extended_key_usages = vec![ServerAuth])),
        ("may sign certificates", but(&|p| p.key_usages.push(KeyCertSign))),
        ("may sign revocations", but(&|p| p.key_usages.push(CrlSign))),
        ("a CA as leaf", but(&|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))),
        ("no name at all", unnamed(&|_| {})),
        ("a DNS name only", unnamed(&|p| p.subject_alt_names = vec![dns("localhost")])),
    ]
}

fn odd_names(mesh: &Mesh) -> Vec<(&'static str, Option<Shown>)> {
    let cases: [(&str, &[&str]); 13] = [
        ("two URIs", &[GOOD_URI, "spiffe://mesh.test/executor/mallory"]),
        ("the same URI twice", &[GOOD_URI, GOOD_URI]),
        ("a foreign trust domain", &["spiffe://other.test/user/mallory"]),
        ("a trust domain below ours", &["spiffe://sub.mesh.test/user/mallory"]),
        ("an unknown role", &["spiffe://mesh.test/admin/mallory"]),
        ("a path trick", &["spiffe://mesh.test/user/../scheduler/hub"]),
        ("an encoded path", &["spiffe://mesh.test/user%2fmallory"]),
        ("one path segment more", &["spiffe://mesh.test/user/mallory/scheduler"]),
        ("no path", &["spiffe://mesh.test"]),
        ("a port", &["spiffe://mesh.test:443/user/mallory"]),
        ("capital letters", &["spiffe://MESH.test/user/mallory"]),
        ("another scheme", &["https://mesh.test/user/mallory"]),
        ("a query", &["spiffe://mesh.test/user/mallory?role=scheduler"]),
    ];
    cases.into_iter().map(|(case, uris)| (case, Some(odd(mesh, uris, |_| {})))).collect()
}

#[tokio::test]
async fn nobody_else_gets_a_connection() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let mut cases = foreign_identities(&mesh);
    cases.extend(odd_contents(&mesh));
    cases.extend(odd_names(&mesh));
    assert!(cases.len() >= 25, "{} cases", cases.len());
    for (case, shown) in cases {
        let outcome = match Raw::connect(server.address, shown.as_ref()).await {
            Err(error) => Err(error),
            // TLS 1.3: the client is told only after its own handshake.
            Ok(raw) => within(case, raw.call(STAT)).await,
        };
        assert!(outcome.is_err(), "{case} got an answer: {outcome:?}");
    }
    let good = odd(&mesh, &[GOOD_URI], |_| {});
    let old = tls(server.address, Some(&good), &rustls::version::TLS12).await;
    assert!(old.is_err(), "TLS 1.2 got in");
    assert_eq!(server.probe.begun.load(std::sync::atomic::Ordering::SeqCst), 0);
    let raw = Raw::connect(server.address, Some(&good)).await.unwrap();
    assert_eq!(raw.call(STAT).await.unwrap().code, Some(Code::Ok), "the table's control");
    server.end().await;
}

#[tokio::test]
async fn a_role_gets_only_what_the_table_gives_it() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    for role in Role::ALL {
        let shown = Shown::new(&mesh.issue(&id(role, "raw"), 60_000));
        let raw = Raw::connect(server.address, Some(&shown)).await.unwrap();
        let answer = raw.call(STAT).await.unwrap();
        if matches!(role, Role::User | Role::Executor) {
            assert_eq!(answer.code, Some(Code::Ok), "{role}");
        } else {
            assert_eq!(answer.code, Some(Code::PermissionDenied), "{role}");
            assert_eq!(reason_of(&answer.status()).as_deref(), Some("ROLE_NOT_ALLOWED"));
        }
        let health = raw.call("/grpc.health.v1.Health/Check").await.unwrap();
        assert_eq!(health.code, Some(Code::Ok), "anybody may ask for health: {role}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_call_that_is_not_listed_is_refused() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let shown = Shown::new(&mesh.issue(&id(Role::User, "raw"), 60_000));
    let raw = Raw::connect(server.address, Some(&shown)).await.unwrap();
    for path in [
        "/aibom.artifact.v1.ArtifactService/Delete",
        "/aibom.artifact.v1.ArtifactService/stat",
        "/aibom.artifact.v1.ArtifactService/Stat/",
        "//aibom.artifact.v1.ArtifactService/Stat",
        "/aibom.artifact.v1.ArtifactService/Stat%20",
        "/aibom.artifact.v1.ArtifactService/./Stat",
        "/aibom.artifact.v1.ArtifactService",
        "/aibom.admin.v1.AdminService/Stop",
        "/grpc.channelz.v1.Channelz/GetServers",
        "/unlisted",
        "/",
    ] {
        let answer = raw.call(path).await.unwrap();
        assert_eq!(answer.code, Some(Code::PermissionDenied), "{path}");
        assert_eq!(reason_of(&answer.status()).as_deref(), Some("RPC_NOT_LISTED"), "{path}");
    }
    // Listed, allowed, but of another service's server.
    let elsewhere = raw.call("/aibom.verifier.v1.VerifierService/VerifyLink").await.unwrap();
    assert_eq!(elsewhere.code, Some(Code::Unimplemented));
    for (method, kind) in [
        ("GET", "application/grpc"),
        ("POST", "application/json"),
        ("POST", "application/grpc-web"),
        ("POST", "text/plain"),
    ] {
        let answer = raw.send(method, STAT, kind, message(&[])).await.unwrap();
        assert_eq!((answer.http, answer.code), (415, None), "{method} {kind}");
    }
    assert_eq!(server.probe.begun.load(std::sync::atomic::Ordering::SeqCst), 0);
    server.end().await;
}

#[tokio::test]
async fn a_certificate_that_expires_ends_its_connection() {
    let mesh = Mesh::new();
    let server = mesh.serve(|_| {}).await;
    let shown = Shown::new(&mesh.issue(&id(Role::User, "brief"), 2_500));
    let raw = Raw::connect(server.address, Some(&shown)).await.unwrap();
    assert_eq!(raw.call(STAT).await.unwrap().code, Some(Code::Ok));
    super::mesh::until("the connection ends", || raw.is_closed()).await;
    let not_after = keys::Certificate::parse(&shown.chain[0]).unwrap().not_after();
    super::mesh::until("it expired", || now() > not_after).await;
    // X.509 counts in seconds: for the rest of this one the handshake may pass, but no call.
    while let Ok(late) = Raw::connect(server.address, Some(&shown)).await {
        let Ok(answer) = late.call(STAT).await else {
            break;
        };
        assert_eq!(reason_of(&answer.status()).as_deref(), Some("CERTIFICATE_EXPIRED"));
    }
    server.end().await;
}

#[test]
fn two_trust_domains_never_meet() {
    let mesh = Mesh::new();
    let ours = mesh.identity(Role::Scheduler, "hub");
    let foreign = SpiffeId::new("other.test", Role::User, "a").unwrap();
    let chain = [mesh.issue(&foreign, 60_000).certificate_der];
    let error = crate::tls::verify_client(&ours, &chain).unwrap_err().to_string();
    assert!(error.contains("other.test") && error.contains("mesh.test"), "{error}");
}
