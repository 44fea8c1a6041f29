//! A run becomes a statement that reads back; what is not covered becomes none.

use keys::SigningKey as _;
use testkit::evidence::Fixture;

use super::*;
use crate::order::{Lease, LeaseKey, Own, verify};

fn run() -> (Fixture, Run) {
    let fixture = Fixture::new();
    let (parts, set) = (fixture.parts(), fixture.set());
    let executor = &fixture.mesh().executor;
    let own = Own {
        id: executor.id.clone(),
        key: executor.key.public_key().key_id(),
        roots: vec![fixture.mesh().ca.certificate_der()],
    };
    let grant = &parts.grant;
    let key = LeaseKey { job: grant.job, attempt: grant.attempt, token: grant.fencing_token };
    let lease = Lease { key, request: set.request, grant: set.grant, trace: None };
    let order = verify(&lease, &own, grant.issued_at).unwrap();
    let inputs = order.request().spec.inputs.each().map(|(role, _)| NamedFile {
        name: role.to_owned(),
        digests: Digests::of(role.as_bytes()),
        size: 3,
    });
    let details = parts.training.predicate.run_details;
    let file = |name: &str| NamedFile {
        name: name.to_owned(),
        digests: Digests::of(name.as_bytes()),
        size: 1,
    };
    let run = Run {
        grant: order.grant().clone(),
        order,
        executor: own.id,
        binary: Digests::of(b"program"),
        inputs: inputs.to_vec(),
        observed: details.observed,
        reported: details.reported,
        outputs: vec![file("split.json"), file("model.keras")],
        log: file(LOG_NAME),
        started_on: details.metadata.started_on,
        finished_on: details.metadata.finished_on,
    };
    (fixture, run)
}

#[test]
fn the_statement_names_what_was_granted_and_reads_back() {
    let (fixture, run) = run();
    let statement = statement(&run).unwrap();
    let names: Vec<_> = statement.subject.iter().filter_map(|s| s.name.as_deref()).collect();
    assert_eq!(names, ["model.keras", "split.json"]);
    let internal = &statement.predicate.build_definition.internal_parameters;
    assert_eq!(internal.grant, run.grant.digest);
    assert_eq!(internal.nonce, run.grant.grant.nonce);
    let dependencies = &statement.predicate.build_definition.resolved_dependencies;
    assert_eq!(dependencies.len(), 4);
    let executor = &fixture.mesh().executor;
    let envelope = seal(&statement, &executor.key).unwrap();
    let payload = envelope.open(IN_TOTO_PAYLOAD_TYPE, executor.key.public_key()).unwrap();
    let read: TrainingStatement = canonical::from_slice(payload, MAX_DOCUMENT_BYTES).unwrap();
    assert_eq!(read, statement);
}

#[test]
fn a_run_that_outlived_its_grant_is_not_told() {
    let (_, mut run) = run();
    run.finished_on = run.grant.grant.expires_at.plus_ms(CLOCK_SKEW_MS + 1);
    assert!(matches!(statement(&run), Err(StatementError::Grant { .. })));
    run.finished_on = run.started_on.plus_ms(-1);
    assert!(matches!(statement(&run), Err(StatementError::Clock { .. })));
}

#[test]
fn a_container_that_was_not_isolated_is_not_told() {
    let (_, mut run) = run();
    run.observed.container.network_mode = "bridge".into();
    assert!(matches!(statement(&run), Err(StatementError::Isolation(_))));
}

#[test]
fn what_a_signer_would_round_is_not_signed() {
    let (fixture, mut run) = run();
    run.observed.dataset.records = u64::MAX;
    let statement = statement(&run).unwrap();
    let sealed = seal(&statement, &fixture.mesh().executor.key);
    assert!(matches!(sealed, Err(StatementError::Write(_))));
}
