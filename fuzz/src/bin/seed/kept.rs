//! What is kept beside bundles: records, advisories, the states of monitors and witnesses, and which
//! tiles a log of which size is asked for.

use bundle::Inclusion;
use envelope::IN_TOTO_PAYLOAD_TYPE;
use evidence::{About, JobOutcome, Outcome as Became, RECORD_PAYLOAD_TYPE, Record};
use ids::{Sha256Digest, canonical};
use job::Reason;
use merkle::{Checkpoint, SignedCheckpoint, VerifierKey, checkpoint};
use monitor::{Judged, Own, Patience};
use serde_json::json;
use testkit::{bundle::logged, evidence::Fixture};
use verify::{AdvisoryFile, AdvisoryName, RecordFile};
use witness::{Logs, request_body};

use crate::{Outcome, write};

/// Writes all of it.
pub(crate) fn write_all(wine: &Fixture, inclusion: &Inclusion) -> Outcome {
    records(wine)?;
    advisories(wine)?;
    monitor_states(wine, inclusion)?;
    witness_states(wine, inclusion)?;
    let places: [(&str, u64, u64, &[u8]); 7] = [
        ("whole", 0, 256, &[]),
        ("edge", 299, 300, &[]),
        ("three_levels", 65_791, 70_000, &[]),
        ("largest", 1 << 63, u64::MAX, &[]),
        ("changed_edge", 3, 13, &[0, 7]),
        ("changed_parent", 1, 70_000, &[2, 0]),
        ("beyond", 13, 13, &[]),
    ];
    for (name, index, size, change) in places {
        let place = [index.to_le_bytes(), size.to_le_bytes()].concat();
        write("tile_proof", name, &[place.as_slice(), change].concat())?;
    }
    Ok(())
}

fn records(wine: &Fixture) -> Outcome {
    let digest = |what: &str| Sha256Digest::of(what.as_bytes());
    let held = JobOutcome {
        job: wine.job(),
        request: digest("request"),
        attempt: 1,
        sequence: 4,
        outcome: Became::Held,
        reason: Some(Reason::PolicyHold),
        grant: Some(digest("grant")),
        training: Some(digest("training")),
        scans: vec![digest("scan")],
        policy: Some(digest("policy")),
        release: None,
    };
    let held = Record::new(About::Job(held), wine.at());
    let root = Record::new(About::TrustRoot { version: 2, digest: digest("root") }, wine.at());
    let name = "standard".to_owned();
    let policy = About::Policy { name, version: 2, digest: digest("policy") };
    let policy = Record::new(policy, wine.at());
    for (name, record) in
        [("held.json", &held), ("trust_root.json", &root), ("policy.json", &policy)]
    {
        write("record", name, &canonical::to_vec(record)?)?;
    }
    let unknown = json!({"about": {"kind": "other"}, "at": wine.at(), "schema": held.schema});
    write("record", "unknown.json", &canonical::to_vec(&unknown)?)?;
    write("record", "empty.json", b"{}")?;

    let document = wine.mesh().scheduler.sign(RECORD_PAYLOAD_TYPE, &held);
    let inclusion = logged(wine, &document.envelope, wine.at());
    let file = RecordFile::new(document, inclusion.clone());
    write("record_file", "wine.json", &file.to_bytes()?)?;
    let stranger = wine.wrong_ca().scheduler.sign(RECORD_PAYLOAD_TYPE, &held);
    write("record_file", "stranger.json", &RecordFile::new(stranger, inclusion).to_bytes()?)?;
    write("record_file", "empty.json", b"{}")
}

fn advisories(wine: &Fixture) -> Outcome {
    let parts = wine.parts();
    let image = parts.request.spec.trainer.image.digest();
    let trust_domain = wine.trust_root().trust_domain;
    let name = AdvisoryName { trust_domain, image };
    write("advisory_file", "name", name.to_string().as_bytes())?;
    let mut scan = parts.scans.into_iter().next().ok_or("no scan")?;
    scan.predicate.aibom.run = None;
    let signed = wine.mesh().scanner.sign(IN_TOTO_PAYLOAD_TYPE, &scan);
    write("advisory_file", "wine.json", &AdvisoryFile::new(signed.clone(), 3).to_bytes()?)?;
    write("advisory_file", "uncounted.json", &AdvisoryFile::new(signed, 0).to_bytes()?)?;
    write("advisory_file", "empty.json", b"{}")
}

fn monitor_states(wine: &Fixture, inclusion: &Inclusion) -> Outcome {
    let policy = wine.trust_root().log_policy()?;
    // The test kit's owner, and the log around its entry.
    let own = Own::new(vec![[8; 32]])?;
    let entries = [&[0][..], &[1], &inclusion.entry, &[3], &[4]];
    let note = inclusion.tlog_proof()?.checkpoint;
    let patience = Patience::default();
    let mut state = monitor::State::new();
    write("monitor_state", "new.json", &state.to_bytes()?)?;
    let Judged::Grown(grown) = state.judge(&note, &policy, wine.at(), patience)? else {
        return Err("the log has entries".into());
    };
    state.accept(*grown, &[])?;
    for (index, entry) in (0..).zip(entries) {
        state.read(index, entry, &own)?;
        if index == 2 {
            write("monitor_state", "partly.json", &state.to_bytes()?)?;
        }
    }
    state.settle(&own, wine.at().plus_ms(patience.unknown_after_ms), patience);
    let bytes = state.to_bytes()?;
    write("monitor_state", "whole.json", &bytes)?;
    let mut other: serde_json::Value = serde_json::from_slice(&bytes)?;
    other["schema"] = "aibom.monitor-state.v2".into();
    write("monitor_state", "other_schema.json", &canonical::to_vec(&other)?)
}

fn witness_states(wine: &Fixture, inclusion: &Inclusion) -> Outcome {
    let (mesh, log) = (wine.mesh(), wine.mesh().ledger_key());
    let witness = mesh.witness_cosigner_key();
    let seconds = u64::try_from(wine.at().unix_ms() / 1_000)?;
    let head = SignedCheckpoint::parse(&inclusion.tlog_proof()?.checkpoint)?.unverified().clone();
    let mut state = witness::State::new();
    write("witness_state", "new.json", &state.to_bytes(&witness)?)?;
    let other = Checkpoint { origin: "other.mesh.test".to_owned(), ..head.clone() };
    for (name, head) in [("one_log.json", head), ("two_logs.json", other)] {
        let key = VerifierKey::new(&head.origin, log.verifying_key())?;
        let note = checkpoint::sign(&head, &log, key.name())?;
        let request = witness::Request::parse(request_body(0, &[], &note).as_bytes())?;
        let cosignable = state.decide(&request, &Logs::new().with(key))?;
        let line = checkpoint::cosign(&head, &mesh.witness_key(), witness.name(), seconds)?;
        state = state.with(&cosignable, &line, &witness)?;
        write("witness_state", name, &state.to_bytes(&witness)?)?;
    }
    let stranger = wine.wrong_ca().witness_cosigner_key();
    write("witness_state", "stranger.json", &witness::State::new().to_bytes(&stranger)?)?;
    write("witness_state", "empty.json", b"{}")
}
