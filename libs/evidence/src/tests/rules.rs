//! One row for each way to break a rule: what is changed, and the check that must name it.

use ids::{Role, Sha256Digest, SpiffeId};
use keys::SigningKey as _;
use serde_json::json;
use testkit::evidence::{Fixture, Part};

use super::{cross, first_failure};
use crate::Operator;

pub(super) type Broken = fn(Fixture) -> Fixture;

pub(super) const DAY_MS: i64 = 24 * 3_600_000;

/// Has the same-named party of another CA sign.
pub(super) fn impostor(fixture: Fixture, part: Part) -> Fixture {
    let mesh = fixture.wrong_ca();
    let party = match part {
        Part::Request => mesh.user,
        Part::Grant | Part::Submission => mesh.scheduler,
        Part::Training => mesh.executor,
        Part::Scan => mesh.scanner,
        Part::Release => mesh.approver,
    };
    fixture.signer(part, party)
}

/// Has a party of another role, or of another trust domain, sign.
pub(super) fn stranger(fixture: Fixture, part: Part, id: &str) -> Fixture {
    let party = fixture.mesh().ca.party_of(&id.parse().unwrap(), |_| {});
    fixture.signer(part, party)
}

/// Has a party sign whose certificate ended before the signing time.
pub(super) fn expired(fixture: Fixture, part: Part, role: Role, name: &str) -> Fixture {
    let id = SpiffeId::new("mesh.test", role, name).unwrap();
    let party = fixture.mesh().ca.party_of(&id, |params| params.not_after = params.not_before);
    fixture.signer(part, party)
}

pub(super) fn every_row_fails_with_its_name(rows: &[(&str, Broken)]) {
    for (index, (name, broken)) in rows.iter().enumerate() {
        let got = first_failure(&broken(Fixture::new()));
        assert_eq!(got.as_deref(), Some(*name), "row {index}");
    }
}

#[test]
fn request() {
    every_row_fails_with_its_name(&[
        ("request.certificate", |f| impostor(f, Part::Request)),
        ("request.certificate", |f| expired(f, Part::Request, Role::User, "alice")),
        ("request.role", |f| stranger(f, Part::Request, "spiffe://mesh.test/scheduler/main")),
        ("request.role", |f| stranger(f, Part::Request, "spiffe://mesh.test/executor/one")),
        ("request.role", |f| stranger(f, Part::Request, "spiffe://other.test/user/alice")),
        ("request.schema", |f| f.request(|r| r.schema = "aibom.request.v2".into())),
        ("request.user", |f| stranger(f, Part::Request, "spiffe://mesh.test/user/mallory")),
        ("request.specification", |f| f.request(|r| r.spec.parameters.epochs = 0)),
        ("request.specification", |f| f.request(|r| r.spec.model.name = String::new())),
    ]);
}

#[test]
fn grant() {
    every_row_fails_with_its_name(&[
        ("grant.certificate", |f| impostor(f, Part::Grant)),
        ("grant.certificate", |f| expired(f, Part::Grant, Role::Scheduler, "main")),
        ("grant.role", |f| stranger(f, Part::Grant, "spiffe://mesh.test/executor/one")),
        ("grant.role", |f| stranger(f, Part::Grant, "spiffe://mesh.test/user/alice")),
        ("grant.role", |f| stranger(f, Part::Grant, "spiffe://other.test/scheduler/main")),
        ("grant.schema", |f| f.grant(|g| g.schema = String::new())),
        ("grant.request", |f| f.grant(|g| g.request = Sha256Digest::of(b"another request"))),
        ("grant.time", |f| f.grant(|g| g.issued_at = g.expires_at)),
        ("grant.time", |f| {
            f.grant(|g| {
                g.issued_at = g.issued_at.plus_ms(DAY_MS);
                g.expires_at = g.expires_at.plus_ms(DAY_MS);
            })
        }),
        ("grant.operator", |f| f.grant(|g| g.operator = cross(&Operator::default()))),
        ("grant.operator", |f| {
            f.grant(|g| {
                let url = Some("not an address".to_owned());
                g.operator = cross(&Operator { name: "o".into(), url, ..Operator::default() });
            })
        }),
    ]);
}

#[test]
fn training_links() {
    every_row_fails_with_its_name(&[
        ("training.certificate", |f| impostor(f, Part::Training)),
        ("training.certificate", |f| expired(f, Part::Training, Role::Executor, "one")),
        ("training.role", |f| stranger(f, Part::Training, "spiffe://mesh.test/scanner/main")),
        ("training.role", |f| stranger(f, Part::Training, "spiffe://other.test/executor/one")),
        ("training.type", |f| f.training(|t| t.predicate_type = "x".into())),
        ("training.type", |f| f.training(|t| t.predicate.build_definition.build_type = "x".into())),
        ("training.request", |f| {
            f.training(|t| {
                t.predicate.build_definition.external_parameters.request = Sha256Digest::of(b"x");
            })
        }),
        ("training.specification", |f| {
            f.training(|t| {
                t.predicate.build_definition.external_parameters.spec.parameters.epochs = 31;
            })
        }),
        ("training.grant", |f| {
            f.training(|t| {
                t.predicate.build_definition.internal_parameters.grant = Sha256Digest::of(b"x");
            })
        }),
        ("training.lease", |f| {
            let other = Fixture::new().number(2).job();
            f.training(move |t| t.predicate.build_definition.internal_parameters.job = other)
        }),
        ("training.lease", |f| {
            f.training(|t| t.predicate.build_definition.internal_parameters.attempt = 2)
        }),
        ("training.lease", |f| {
            f.training(|t| {
                t.predicate.build_definition.internal_parameters.nonce = Sha256Digest::of(b"x");
            })
        }),
        ("training.lease", |f| {
            f.training(|t| t.predicate.build_definition.internal_parameters.fencing_token += 1)
        }),
        ("training.invocation", |f| {
            f.training(|t| t.predicate.run_details.metadata.invocation_id.push('0'))
        }),
        ("training.executor", |f| stranger(f, Part::Training, "spiffe://mesh.test/executor/two")),
        ("training.executor", |f| {
            f.training(|t| {
                t.predicate.run_details.builder.id =
                    "spiffe://mesh.test/executor/two".parse().unwrap();
            })
        }),
        ("training.executor", |f| {
            let key = f.mesh().scheduler.key.public_key().key_id();
            f.grant(move |g| g.executor.key = key)
        }),
        ("training.signer", |f| {
            let id = "spiffe://mesh.test/executor/two".parse().unwrap();
            let two = f.mesh().ca.party_of(&id, |_| {});
            let key = two.key.public_key().key_id();
            f.signer(Part::Training, two).grant(move |g| g.executor.key = key)
        }),
    ]);
}

#[test]
fn training_facts() {
    every_row_fails_with_its_name(&[
        ("training.time", |f| f.grant(|g| g.issued_at = g.issued_at.plus_ms(5 * 60_000))),
        ("training.time", |f| f.grant(|g| g.expires_at = g.issued_at.plus_ms(60_000))),
        ("training.time", |f| {
            f.training(|t| {
                let run = &mut t.predicate.run_details.metadata;
                std::mem::swap(&mut run.started_on, &mut run.finished_on);
            })
        }),
        ("training.freshness", |f| {
            f.grant(|g| {
                g.issued_at = g.issued_at.plus_ms(-8 * DAY_MS);
                g.expires_at = g.expires_at.plus_ms(-8 * DAY_MS);
            })
            .training(|t| {
                let run = &mut t.predicate.run_details.metadata;
                run.started_on = run.started_on.plus_ms(-8 * DAY_MS);
                run.finished_on = run.finished_on.plus_ms(-8 * DAY_MS);
            })
        }),
        ("training.freshness", |f| {
            f.training(|t| {
                let run = &mut t.predicate.run_details.metadata;
                run.finished_on = run.finished_on.plus_ms(10 * 60_000);
            })
        }),
        ("training.isolation", |f| {
            f.training(|t| t.predicate.run_details.observed.container.network_mode = "host".into())
        }),
        ("training.devices", |f| {
            f.training(|t| {
                t.predicate.run_details.observed.container.devices = vec!["/dev/fuse".into()];
            })
        }),
        ("training.exit", |f| {
            f.training(|t| t.predicate.run_details.observed.container.exit_code = 1)
        }),
        ("training.exit", |f| {
            f.training(|t| t.predicate.run_details.observed.container.oom_killed = true)
        }),
    ]);
}

#[test]
fn training_inputs() {
    fn dependency(f: Fixture, index: usize) -> Fixture {
        f.training(move |t| {
            let digest = Sha256Digest::of(b"another file").to_hex();
            let all = &mut t.predicate.build_definition.resolved_dependencies;
            all[index].digest.insert("sha256".into(), digest);
        })
    }
    every_row_fails_with_its_name(&[
        ("training.dependencies", |f| {
            f.training(|t| drop(t.predicate.build_definition.resolved_dependencies.pop()))
        }),
        ("training.dependencies", |f| {
            f.training(|t| {
                let all = &mut t.predicate.build_definition.resolved_dependencies;
                all.push(all[0].clone());
            })
        }),
        ("training.input.model", |f| dependency(f, 0)),
        ("training.input.dataset", |f| dependency(f, 1)),
        ("training.input.definition", |f| dependency(f, 2)),
        ("training.image", |f| dependency(f, 3)),
        ("training.input.model", |f| {
            f.training(|t| {
                let all = &mut t.predicate.build_definition.resolved_dependencies;
                all[1] = all[0].clone();
            })
        }),
        ("training.input.model", |f| {
            f.training(|t| t.predicate.build_definition.resolved_dependencies[0].digest.clear())
        }),
        ("training.limits", |f| {
            f.training(|t| t.predicate.run_details.observed.container.limits.memory_bytes += 1)
        }),
        ("training.limits", |f| {
            f.training(|t| t.predicate.run_details.observed.container.limits.memory_swap_bytes *= 2)
        }),
        ("training.limits", |f| {
            f.training(|t| t.predicate.run_details.observed.container.limits.pids += 1)
        }),
        ("training.limits", |f| {
            f.training(|t| t.predicate.run_details.observed.container.limits.wall_clock_s += 1)
        }),
        ("training.limits", |f| {
            f.training(|t| t.predicate.run_details.observed.container.limits.output_bytes += 1)
        }),
        ("training.image-id", |f| {
            f.training(|t| t.predicate.run_details.observed.container.image_id = "x".into())
        }),
        ("training.image-id", |f| {
            let image = format!("images.test/keras@sha256:{}", Sha256Digest::of(b"manifest"));
            f.request(move |r| r.spec.trainer.image = image.parse().unwrap())
                .training(|t| t.predicate.run_details.observed.container.repo_digests.clear())
        }),
    ]);
}

#[test]
fn training_outputs() {
    every_row_fails_with_its_name(&[
        ("training.outputs", |f| {
            f.training(|t| t.subject.retain(|s| s.name.as_deref() != Some("model.keras")))
        }),
        ("training.outputs", |f| f.training(|t| t.subject.push(t.subject[0].clone()))),
        ("training.outputs", |f| f.training(|t| t.subject[0].name = None)),
        ("training.outputs", |f| f.training(|t| drop(t.subject[1].digest.remove("sha512")))),
        ("training.outputs", |f| {
            f.training(|t| drop(t.subject[1].digest.insert("sha256".into(), "00".into())))
        }),
        ("training.outputs", |f| {
            f.training(|t| {
                for index in 0..64 {
                    let mut file = t.subject[0].clone();
                    file.name = Some(format!("file-{index}"));
                    t.subject.push(file);
                }
            })
        }),
        ("training.outputs", |f| output_named(f, "../x")),
        ("training.outputs", |f| output_named(f, "a/b")),
        ("training.outputs", |f| output_named(f, ".hidden")),
        ("training.outputs", |f| output_named(f, "")),
        ("training.outputs", |f| output_named(f, "a\u{1b}[2J")),
        ("training.outputs", |f| output_named(f, "aibom.cdx.json")),
        ("training.byproducts", |f| output_named(f, "training.log")),
        ("training.byproducts", |f| f.training(|t| t.predicate.run_details.byproducts.clear())),
        ("training.byproducts", |f| {
            f.training(|t| t.predicate.run_details.byproducts[0].name = Some("x".into()))
        }),
        ("training.byproducts", |f| {
            f.training(|t| drop(t.predicate.run_details.byproducts[0].digest.remove("sha512")))
        }),
    ]);
}

/// The same evidence with one more output of that name.
fn output_named(fixture: Fixture, name: &'static str) -> Fixture {
    fixture.training(move |t| {
        let mut file = t.subject[0].clone();
        file.name = Some(name.to_owned());
        t.subject.push(file);
    })
}

#[test]
fn submission() {
    every_row_fails_with_its_name(&[
        ("submission.certificate", |f| impostor(f, Part::Submission)),
        ("submission.certificate", |f| expired(f, Part::Submission, Role::Scheduler, "main")),
        ("submission.role", |f| stranger(f, Part::Submission, "spiffe://mesh.test/executor/one")),
        ("submission.role", |f| stranger(f, Part::Submission, "spiffe://mesh.test/user/alice")),
        ("submission.role", |f| {
            stranger(f, Part::Submission, "spiffe://other.test/scheduler/main")
        }),
        ("submission.content", |f| f.submission(|l| l["name"] = json!("run_training"))),
        ("submission.content", |f| f.submission(|l| l["command"] = json!(["sh"]))),
        ("submission.content", |f| f.submission(|l| l["byproducts"] = json!({"stdout": ""}))),
        ("submission.content", |f| f.submission(|l| l["materials"]["x"] = json!({"sha256": "00"}))),
        ("submission.content", |f| f.submission(|l| l["products"]["x"] = json!({"sha256": "00"}))),
        ("submission.content", |f| {
            f.submission(|l| l["products"]["trainer-image"]["sha256"] = json!("00"))
        }),
        ("submission.content", |f| {
            f.submission(|l| drop(l["products"].as_object_mut().unwrap().remove("trainer-image")))
        }),
        // Renewed certificates and several schedulers: not the grant's signer, but a scheduler.
        ("submission.content", |f| {
            stranger(f, Part::Submission, "spiffe://mesh.test/scheduler/two")
                .submission(|l| l["extra"] = json!(1))
        }),
    ]);
    let two = stranger(Fixture::new(), Part::Submission, "spiffe://mesh.test/scheduler/two");
    assert_eq!(first_failure(&two), None);
}
