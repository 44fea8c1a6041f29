//! The plan: ports, configuration files, the profile; and what tells one process from another.

use std::{collections::BTreeMap, path::Path};

use client::Profile;
use ids::{Role, Sha256Digest};

use super::{
    OperatorArguments, configs,
    plan::{PROFILE_FILE, Part, Plan, SERVICES},
    ports,
    state::{Lock, Running, State},
    trainers, witnesses,
};

fn plan(directory: &Path) -> Plan {
    let image = format!("sha256:{}", Sha256Digest::of(b"image")).parse().unwrap();
    Plan {
        directory: directory.to_owned(),
        signing_keys: crate::keys::Store::below(&directory.join("certs")),
        trust_domain: "mesh.test".into(),
        ports: SERVICES.into_iter().zip(7_401..).collect(),
        metrics: SERVICES.into_iter().zip(7_407..).collect(),
        witness_ports: [7_413, 7_414],
        witnesses: Vec::new(),
        files_port: 7_415,
        trainers: BTreeMap::from([("keras".to_owned(), image)]),
        trivy: "/opt/trivy".into(),
        trivy_db: directory.join("trivy-db"),
        trivy_db_label: "trivy-db".into(),
        trivy_db_max_age_days: 7,
        docker_socket: "/var/run/docker.sock".into(),
        operator: None,
        slots: 2,
        in_background: false,
        binaries: BTreeMap::new(),
    }
}

#[test]
fn a_plan_writes_what_a_mesh_needs_and_can_be_written_again() {
    rpc::install_crypto();
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    plan.write().unwrap();
    let root = std::fs::read(plan.certs().join("trust-root.json")).unwrap();
    let profile = Profile::load(&directory.path().join(PROFILE_FILE)).unwrap();
    assert_eq!(profile.services.scheduler.url, plan.url(Role::Scheduler));
    client::Mesh::open(profile.clone()).unwrap();
    let approver = client::Mesh::open_as_approver(profile).unwrap();
    assert_eq!(approver.identity().spiffe_id().role(), Role::Approver);
    let certificate = |plan: &Plan| std::fs::read(&super::identities::files(plan, Role::User)[0]);
    let before = certificate(&plan).unwrap();
    plan.write().unwrap();
    assert_eq!(std::fs::read(plan.certs().join("trust-root.json")).unwrap(), root);
    assert_eq!(certificate(&plan).unwrap(), before, "a fresh certificate stays");
}

#[test]
fn another_trust_domain_is_refused() {
    rpc::install_crypto();
    let directory = tempfile::tempdir().unwrap();
    let mut plan = plan(directory.path());
    plan.write().unwrap();
    plan.trust_domain = "other.test".into();
    assert!(plan.write().unwrap_err().to_string().contains("--trust-domain mesh.test"));
}

#[test]
fn every_configuration_is_toml_with_the_service_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    rpc::install_crypto();
    plan.write().unwrap();
    for role in SERVICES {
        let text = configs::text(&plan, role).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let port = plan.ports[&role];
        assert_eq!(table["server"]["listen"].as_str(), Some(&*format!("127.0.0.1:{port}")));
        assert_eq!(table["telemetry"]["service"].as_str(), Some(role.as_str()));
        let certificate = table["identity"]["certificate"].as_str().unwrap();
        assert!(certificate.ends_with(&format!("{role}-{role}-1.pem")), "{certificate}");
    }
    let executor: toml::Table = configs::text(&plan, Role::Executor).unwrap().parse().unwrap();
    assert_eq!(executor["slots"].as_integer(), Some(2));
    assert!(Path::new(executor["work_dir"].as_str().unwrap()).is_absolute());
}

#[test]
fn the_ledger_asks_the_witnesses_that_others_run_and_the_trust_root_names() {
    rpc::install_crypto();
    let directory = tempfile::tempdir().unwrap();
    let mut plan = plan(directory.path());
    plan.write().unwrap();
    let key = ed25519_dalek::SigningKey::from_bytes(&[9; 32]).verifying_key();
    let key = merkle::CosignerKey::new("w.example/a=b", key).unwrap();
    plan.witnesses = vec![witnesses::parse(&format!("{key}=https://w.example:7413")).unwrap()];
    let refused = plan.write().unwrap_err().to_string();
    assert!(refused.contains("names no witness w.example/a=b+"), "{refused}");
    // The trust root names it from now on, and wants both.
    let path = plan.certs().join("trust-root.json");
    let (mut root, _) = crate::profile::trust_root(&path).unwrap();
    root.version += 1;
    root.witnesses.push(evidence::WitnessEntry { key: key.to_string(), retired_at: None });
    root.witness_quorum = 2;
    let signer = crate::keys::load(&plan.certs().join("root.key.pem"), None).unwrap();
    let (pinned, now) = (crate::profile::trust_root(&path).unwrap().0, crate::certs::now());
    let stays = crate::trust_root::LedgerKey::Stays;
    let signed = crate::trust_root::sign(Some(&pinned), &root, &signer, now, stays).unwrap();
    std::fs::write(&path, signed).unwrap();
    plan.write().unwrap();
    let ledger = std::fs::read_to_string(plan.config(Part::Service(Role::Ledger))).unwrap();
    let ledger: toml::Table = ledger.parse().unwrap();
    assert_eq!(ledger["witness"].as_array().map(Vec::len), Some(2));
    assert_eq!(ledger["witness"][1]["key"].as_str(), Some(&*key.to_string()));
    assert_eq!(ledger["witness"][1]["url"].as_str(), Some("https://w.example:7413"));
    assert_eq!(ledger["quorum"].as_integer(), Some(2));
    plan.witnesses.clear();
    let refused = plan.write().unwrap_err().to_string();
    assert!(refused.contains("1 witnesses make no quorum of 2"), "{refused}");
    for wrong in ["", "https://w.example", &format!("{key}=w.example"), "w+1+A=https://w.example"] {
        assert!(witnesses::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_ledger_and_the_witness_know_each_other_and_the_trust_root_names_both() {
    rpc::install_crypto();
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    plan.write().unwrap();
    let (root, _) = crate::profile::trust_root(&plan.certs().join("trust-root.json")).unwrap();
    let read = |part| -> toml::Table {
        std::fs::read_to_string(plan.config(part)).unwrap().parse().unwrap()
    };
    let (witness, ledger) = (read(Part::Witness), read(Part::Service(Role::Ledger)));
    assert_eq!(witness["log"][0]["key"].as_str(), Some(&*root.ledger_key));
    assert_eq!(witness["server"]["listen"].as_str(), Some("127.0.0.1:7413"));
    assert_eq!(ledger["witness"][0]["url"].as_str(), Some("http://127.0.0.1:7413"));
    assert_eq!(ledger["witness"][0]["key"].as_str(), Some(&*root.witnesses[0].key));
    assert_eq!((ledger["quorum"].as_integer(), root.witness_quorum), (Some(1), 1));
    let state = plan.witness_data().join("state.json");
    std::fs::write(&state, "used").unwrap();
    plan.write().unwrap();
    assert_eq!(std::fs::read(&state).unwrap(), b"used", "what a witness remembers stays");
    std::fs::remove_file(&state).unwrap();
    plan.write().unwrap();
    assert!(!state.exists(), "a witness that lost its state does not get an empty one");
}

#[test]
fn the_scheduler_is_told_who_runs_the_mesh_only_when_that_was_said() {
    let directory = tempfile::tempdir().unwrap();
    let mut plan = plan(directory.path());
    let scheduler = |plan: &Plan| -> toml::Table {
        configs::text(plan, Role::Scheduler).unwrap().parse().unwrap()
    };
    assert!(scheduler(&plan).get("operator").is_none());
    let mut arguments = OperatorArguments {
        operator: Some("Example Institute".into()),
        security_policy: Some("https://example.org/security.txt".into()),
        ..OperatorArguments::default()
    };
    plan.operator = arguments.operator().unwrap();
    let expected: toml::Table = "name = 'Example Institute'\n\
        security_policy = 'https://example.org/security.txt'"
        .parse()
        .unwrap();
    assert_eq!(scheduler(&plan)["operator"].as_table(), Some(&expected));
    arguments.operator_email = Some("nobody".into());
    let refused = arguments.operator().unwrap_err().to_string();
    assert!(refused.contains("--operator-email") && refused.contains("nobody"), "{refused}");
    assert_eq!(OperatorArguments::default().operator().unwrap(), None);
}

#[test]
fn the_signer_is_told_where_its_keys_are_and_never_a_pin() {
    let directory = tempfile::tempdir().unwrap();
    let mut plan = plan(directory.path());
    let keys = |plan: &Plan| {
        let text: toml::Table = configs::text(plan, Role::Signer).unwrap().parse().unwrap();
        text["keys"].as_table().unwrap().clone()
    };
    let member =
        |name: &str, path: std::path::PathBuf| (name.to_owned(), path.to_str().unwrap().into());
    let made = member("directory", plan.certs().join("keys"));
    assert_eq!(keys(&plan), toml::Table::from_iter([made.clone()]));
    let passphrase = directory.path().join("passphrase");
    plan.signing_keys = plan.signing_keys.encrypted(Some(&passphrase));
    let encrypted = member("passphrase_file", passphrase);
    assert_eq!(keys(&plan), toml::Table::from_iter([made, encrypted]));
    let uri = "pkcs11:token=aibom?module-path=/p11.so&pin-source=/pin";
    plan.signing_keys = crate::keys::parse_store(uri).unwrap();
    assert_eq!(keys(&plan), toml::Table::from_iter([("pkcs11".to_owned(), uri.into())]));
}

#[test]
fn a_mesh_whose_keys_are_elsewhere_says_so() {
    rpc::install_crypto();
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    plan.write().unwrap();
    std::fs::rename(plan.certs().join("keys"), directory.path().join("moved")).unwrap();
    let refused = plan.write().unwrap_err().to_string();
    assert!(refused.contains("--signing-keys"), "{refused}");
}

#[test]
fn free_ports_differ_and_a_taken_one_is_named() {
    let picked = ports::pick(0, 6).unwrap();
    let unique: std::collections::BTreeSet<_> = picked.iter().collect();
    assert_eq!(unique.len(), 6);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = ports::pick(port, 1).unwrap_err().to_string();
    assert!(refused.contains(&port.to_string()) && refused.contains("--base-port 0"), "{refused}");
    assert!(ports::pick(65_535, 2).is_err());
}

#[test]
fn a_trainer_is_a_name_and_a_digest() {
    let image = format!("sha256:{}", Sha256Digest::of(b"image"));
    assert_eq!(trainers::parse(&format!("keras={image}")).unwrap().0, "keras");
    for bad in ["keras", "keras=latest", "=sha256:00", "a b=sha256:00", &*format!("a/b={image}")] {
        assert!(trainers::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_process_is_told_from_a_later_one_of_the_same_id() {
    let pid = i32::try_from(std::process::id()).unwrap();
    let own = Running::of("up", pid).unwrap();
    assert!(own.is_alive());
    assert!(!Running { started: own.started + 1, ..own.clone() }.is_alive());
    assert!(Running::of("none", i32::MAX).is_none());
}

#[test]
fn one_mesh_runs_in_a_directory_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let lock = Lock::take(directory.path()).unwrap();
    assert!(Lock::take(directory.path()).unwrap_err().to_string().contains("aibom down"));
    drop(lock);
    Lock::take(directory.path()).unwrap();
    let own = Running::of("scheduler", i32::try_from(std::process::id()).unwrap()).unwrap();
    let state =
        State { up: Running { started: 0, ..own.clone() }, services: vec![own], ready: true };
    state.write(directory.path()).unwrap();
    assert_eq!(State::read(directory.path()), Some(state));
    let refused = Lock::take(directory.path()).unwrap_err().to_string();
    assert!(refused.contains("scheduler"), "{refused}");
}
