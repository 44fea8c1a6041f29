//! A sound lease is taken; each rule, broken alone, refuses it.

use evidence::{GRANT_PAYLOAD_TYPE, Grant};
use ids::{Role, Sha256Digest};
use job::{REQUEST_PAYLOAD_TYPE, Request};
use keys::SigningKey as _;
use testkit::{evidence::Fixture, mesh::Mesh};

use super::*;

type Edit = fn(&mut Grant);

struct Scene {
    fixture: Fixture,
    request: Request,
    grant: Grant,
}

impl Scene {
    fn new() -> Self {
        let fixture = Fixture::new();
        let parts = fixture.parts();
        Self { request: parts.request, grant: parts.grant, fixture }
    }

    fn mesh(&self) -> &Mesh {
        self.fixture.mesh()
    }

    fn own(&self) -> Own {
        let executor = &self.mesh().executor;
        Own {
            id: executor.id.clone(),
            key: executor.key.public_key().key_id(),
            roots: vec![self.mesh().ca.certificate_der()],
        }
    }

    fn lease(&self) -> Lease {
        let request = self.mesh().user.sign(REQUEST_PAYLOAD_TYPE, &self.request);
        let grant = Grant { request: request.digest(), ..self.grant.clone() };
        let grant = self.mesh().scheduler.sign(GRANT_PAYLOAD_TYPE, &grant);
        self.with(request, grant)
    }

    fn with(&self, request: Document, grant: Document) -> Lease {
        let (job, attempt, token) = (self.grant.job, self.grant.attempt, self.grant.fencing_token);
        Lease { key: LeaseKey { job, attempt, token }, request, grant, trace: None }
    }

    fn at(&self) -> Timestamp {
        self.grant.issued_at.plus_ms(1)
    }

    fn verify(&self, lease: &Lease) -> Result<Order, OrderError> {
        verify(lease, &self.own(), self.at())
    }
}

#[test]
fn a_sound_lease_becomes_an_order() {
    let scene = Scene::new();
    let lease = scene.lease();
    let order = scene.verify(&lease).unwrap();
    assert_eq!(order.request_digest(), lease.request.digest());
    assert_eq!(order.grant().digest, lease.grant.digest());
    assert_eq!(order.key(), lease.key);
}

#[test]
fn a_grant_that_says_something_else_is_refused() {
    let edits: [(&str, Edit); 7] = [
        ("grant.schema", |g| g.schema = "aibom.grant.v2".into()),
        ("grant.attempt", |g| g.attempt += 1),
        ("grant.fencingToken", |g| g.fencing_token += 1),
        ("grant.request", |g| g.request = Sha256Digest::of(b"another")),
        ("grant.executor.id", |g| {
            g.executor.id = "spiffe://mesh.test/executor/two".parse().unwrap();
        }),
        ("grant.executor.key", |g| g.executor.key = KeyId::of_spki(b"another")),
        ("grant.job", |g| g.job = JobId::new(1, [1; 10])),
    ];
    for (rule, edit) in edits {
        let scene = Scene::new();
        let good = scene.lease();
        let mut grant = Grant { request: good.request.digest(), ..scene.grant.clone() };
        edit(&mut grant);
        let grant = scene.mesh().scheduler.sign(GRANT_PAYLOAD_TYPE, &grant);
        let refused = scene.verify(&scene.with(good.request, grant));
        assert!(matches!(refused, Err(OrderError::Mismatch(name)) if name == rule), "{rule}");
    }
}

#[test]
fn a_grant_counts_only_in_its_time() {
    let scene = Scene::new();
    let lease = scene.lease();
    let early = scene.grant.issued_at.plus_ms(-CLOCK_SKEW_MS - 1);
    let late = scene.grant.expires_at.plus_ms(CLOCK_SKEW_MS);
    for at in [early, late] {
        let refused = verify(&lease, &scene.own(), at);
        assert!(matches!(refused, Err(OrderError::Time { .. })), "{at}: {refused:?}");
    }
}

#[test]
fn nobody_signs_for_another_role() {
    let scene = Scene::new();
    let good = scene.lease();
    let by_user = scene
        .mesh()
        .user
        .sign(GRANT_PAYLOAD_TYPE, &Grant { request: good.request.digest(), ..scene.grant.clone() });
    let refused = scene.verify(&scene.with(good.request, by_user));
    assert!(matches!(refused, Err(OrderError::Signer { role: Role::Scheduler, .. })));
    let by_scheduler = scene.mesh().scheduler.sign(REQUEST_PAYLOAD_TYPE, &scene.request);
    let refused = scene.verify(&scene.with(by_scheduler, good.grant));
    assert!(matches!(refused, Err(OrderError::Signer { role: Role::User, .. })));
}

#[test]
fn another_ca_and_a_spoilt_signature_are_refused() {
    let scene = Scene::new();
    let impostor = scene.fixture.wrong_ca();
    let good = scene.lease();
    let request = impostor.user.sign(REQUEST_PAYLOAD_TYPE, &scene.request);
    let refused = scene.verify(&scene.with(request, good.grant.clone()));
    assert!(matches!(refused, Err(OrderError::Certificate("request", _))));
    let mut spoilt = good.request.clone();
    spoilt.certificates = vec![scene.mesh().ca.party(Role::User, "bob").certificate_der];
    let refused = scene.verify(&scene.with(spoilt, good.grant));
    assert!(matches!(refused, Err(OrderError::Envelope("request", _))));
}

#[test]
fn the_request_must_be_its_signers_and_within_bounds() {
    let mut scene = Scene::new();
    scene.request.user = "spiffe://mesh.test/user/mallory".parse().unwrap();
    let refused = scene.verify(&scene.lease());
    assert!(matches!(refused, Err(OrderError::Mismatch("request.user"))));
    let mut scene = Scene::new();
    scene.request.spec.resources.pids = 1;
    let refused = scene.verify(&scene.lease());
    assert!(matches!(refused, Err(OrderError::Specification(_))));
}
