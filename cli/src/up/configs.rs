//! The configuration files of the services, as a deployment would write them.

use std::path::{Path, PathBuf};

use evidence::Operator;
use ids::Role;
use merkle::CosignerKey;
use toml::{Table, Value};

use super::{
    identities,
    plan::{Part, Plan},
    witnesses,
};
use crate::{
    certs::{LEDGER_KEY_FILE, TRUST_ROOT_FILE},
    failure::Failure,
    keys::{POLICY_FILE, Store, WITNESS_KEY_FILE, load, witness_key_name, witness_name},
    profile::trust_root,
};

/// How long a service may drain before it is stopped the hard way, in milliseconds.
pub(super) const DRAIN_MS: i64 = 5_000;

fn path(path: &Path) -> Result<Value, Failure> {
    let text = path.to_str().ok_or_else(|| {
        Failure::cannot(format_args!("the path {} is not UTF-8", path.display()))
            .remedy("use another directory")
    })?;
    Ok(Value::from(text))
}

fn table<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Table(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn client(plan: &Plan, role: Role) -> Result<Value, Failure> {
    let endpoint = plan.endpoint(role)?;
    let id = endpoint.spiffe_id.to_string();
    Ok(table([("url", endpoint.url.into()), ("spiffe_id", id.into())]))
}

fn trainers(plan: &Plan) -> Value {
    let trainers = plan.trainers.iter();
    Value::Table(trainers.map(|(name, image)| (name.clone(), image.to_string().into())).collect())
}

fn operator(who: &Operator) -> Value {
    let members = [
        ("name", Some(&who.name)),
        ("url", who.url.as_ref()),
        ("email", who.email.as_ref()),
        ("security_policy", who.security_policy.as_ref()),
    ];
    let said = members.into_iter().filter_map(|(key, text)| Some((key, text?)));
    Value::Table(said.map(|(key, text)| (key.to_owned(), text.as_str().into())).collect())
}

/// The programs of the mesh, which the scanner looks into.
fn programs(plan: &Plan) -> Result<Value, Failure> {
    let programs = plan.binaries.iter();
    let program = |(role, file): (&Role, &PathBuf)| {
        Ok(table([("name", role.as_str().into()), ("path", path(file)?)]))
    };
    Ok(Value::Array(programs.map(program).collect::<Result<_, Failure>>()?))
}

/// Where the signer finds its private keys.
fn signing_keys(store: &Store) -> Result<Value, Failure> {
    Ok(match store {
        Store::Directory(directory, None) => table([("directory", path(directory)?)]),
        Store::Directory(directory, Some(passphrase)) => {
            table([("directory", path(directory)?), ("passphrase_file", path(passphrase)?)])
        }
        Store::Token(uri) => table([("pkcs11", uri.as_str().into())]),
    })
}

/// What every service is told: where it listens, who it is, how it logs.
fn common(plan: &Plan, role: Role) -> Result<Table, Failure> {
    let [certificate, key, ca] = identities::files(plan, role);
    let port = plan.ports.get(&role).copied().unwrap_or_default();
    let server =
        table([("listen", format!("127.0.0.1:{port}").into()), ("drain_ms", DRAIN_MS.into())]);
    let identity =
        table([("certificate", path(&certificate)?), ("key", path(&key)?), ("ca", path(&ca)?)]);
    let metrics = plan.metrics.get(&role).copied().unwrap_or_default();
    let telemetry = table([
        ("service", role.as_str().into()),
        ("metrics_listen", format!("127.0.0.1:{metrics}").into()),
    ]);
    let members = [("server", server), ("identity", identity), ("telemetry", telemetry)];
    Ok(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// The ledger asks the mesh's own witness and those that others run, and as many as the trust root does.
fn ledger(plan: &Plan) -> Result<Vec<(&'static str, Value)>, Failure> {
    let certs = plan.certs();
    let (root, _) = trust_root(&certs.join(TRUST_ROOT_FILE))?;
    witnesses::check(&root, &plan.witnesses)?;
    let own = (witness_key(plan, &root.trust_domain)?, plan.address(Part::Witness));
    let others = plan.witnesses.iter().map(|other| (other.key.clone(), other.url.clone()));
    let witness = |(key, url): (CosignerKey, String)| {
        table([("key", key.to_string().into()), ("url", url.into())])
    };
    let witnesses = std::iter::once(own).chain(others).map(witness).collect();
    // Signed bytes for anybody, to this machine only: no TLS is needed.
    let files = table([("listen", format!("127.0.0.1:{}", plan.files_port).into())]);
    Ok(vec![
        ("state_dir", path(&plan.data(Role::Ledger))?),
        ("static", files),
        ("key", path(&certs.join(LEDGER_KEY_FILE))?),
        ("witness", Value::Array(witnesses)),
        ("quorum", i64::from(root.witness_quorum).into()),
    ])
}

fn own(plan: &Plan, role: Role) -> Result<Vec<(&'static str, Value)>, Failure> {
    let data = plan.data(role);
    let certs = plan.certs();
    Ok(match role {
        Role::Ledger => ledger(plan)?,
        Role::Signer => vec![
            ("state_dir", path(&data)?),
            ("trust_root", path(&certs.join(TRUST_ROOT_FILE))?),
            ("policy", path(&certs.join(POLICY_FILE))?),
            ("keys", signing_keys(&plan.signing_keys)?),
        ],
        Role::Scanner => {
            let scan = table([
                ("scratch_directory", path(&data.join("scratch"))?),
                ("cache_directory", path(&data.join("cache"))?),
            ]);
            let database = table([
                ("directory", path(&plan.trivy_db)?),
                ("label", plan.trivy_db_label.as_str().into()),
                ("max_age_days", i64::from(plan.trivy_db_max_age_days).into()),
            ]);
            vec![
                ("engine", table([("socket", path(&plan.docker_socket)?)])),
                ("tool", table([("path", path(&plan.trivy)?)])),
                ("database", database),
                ("scan", scan),
                ("mesh", programs(plan)?),
            ]
        }
        Role::Verifier => {
            let artifacts = table([
                ("url", path(&plan.data(Role::Scheduler).join("artifacts"))?),
                ("staging_dir", path(&data.join("staging"))?),
            ]);
            vec![("trust_root", path(&certs.join(TRUST_ROOT_FILE))?), ("artifacts", artifacts)]
        }
        Role::Scheduler => {
            let artifacts = table([
                ("url", path(&data.join("artifacts"))?),
                ("staging_dir", path(&data.join("staging"))?),
            ]);
            let mut own = vec![
                ("state_dir", path(&data)?),
                ("artifacts", artifacts),
                ("scanner", client(plan, Role::Scanner)?),
                ("signer", client(plan, Role::Signer)?),
                ("ledger", client(plan, Role::Ledger)?),
                ("trainers", trainers(plan)),
            ];
            own.extend(plan.operator.as_ref().map(|who| ("operator", operator(who))));
            own
        }
        Role::Executor => vec![
            ("name", Plan::name(role).into()),
            ("work_dir", path(&data.join("work"))?),
            ("docker_socket", path(&plan.docker_socket)?),
            ("slots", i64::from(plan.slots).into()),
            ("drain_ms", DRAIN_MS.into()),
            ("scheduler", client(plan, Role::Scheduler)?),
            ("trainers", trainers(plan)),
        ],
        Role::User | Role::Approver => Vec::new(),
    })
}

/// The verifier key of the mesh's own witness.
pub(super) fn cosigner(plan: &Plan) -> Result<CosignerKey, Failure> {
    let (root, _) = trust_root(&plan.certs().join(TRUST_ROOT_FILE))?;
    witness_key(plan, &root.trust_domain)
}

fn witness_key(plan: &Plan, trust_domain: &str) -> Result<CosignerKey, Failure> {
    let key = load(&plan.certs().join(WITNESS_KEY_FILE), None)?;
    witness_name(trust_domain, &key)
}

/// The text of the witness's configuration file.
pub(super) fn witness(plan: &Plan) -> Result<String, Failure> {
    let (root, _) = trust_root(&plan.certs().join(TRUST_ROOT_FILE))?;
    let listen = |port: u16| Value::from(format!("127.0.0.1:{port}"));
    let [port, metrics] = plan.witness_ports;
    let members = table([
        ("name", witness_key_name(&root.trust_domain).into()),
        ("key", path(&plan.certs().join(WITNESS_KEY_FILE))?),
        ("state_dir", path(&plan.witness_data())?),
        ("log", Value::Array(vec![table([("key", root.ledger_key.as_str().into())])])),
        ("server", table([("listen", listen(port)), ("drain_ms", DRAIN_MS.into())])),
        ("telemetry", table([("service", "witness".into()), ("metrics_listen", listen(metrics))])),
    ]);
    written(&members, "witness")
}

fn written(members: &Value, whose: &str) -> Result<String, Failure> {
    let text = toml::to_string(members)
        .map_err(|error| Failure::cannot("cannot write a configuration file").because(error))?;
    Ok(format!("# Written by 'aibom up' for the {whose}; rewritten at every start.\n{text}"))
}

/// The text of a service's configuration file.
pub(super) fn text(plan: &Plan, role: Role) -> Result<String, Failure> {
    let mut members = common(plan, role)?;
    members.extend(own(plan, role)?.into_iter().map(|(key, value)| (key.to_owned(), value)));
    written(&Value::Table(members), role.as_str())
}
