//! What is to run: directories, ports, identities, trainers; decided before anything starts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use client::{Endpoint, IdentityPaths, PROFILE_SCHEMA, Profile, Services};
use evidence::{Environment, Operator};
use ids::{Role, SpiffeId};
use job::Image;

use super::{UpArguments, configs, identities, ports, trainers, witnesses::Witness};
use crate::{
    certs::{self, TRUST_ROOT_FILE, write_public},
    failure::Failure,
    keys::{KEY_TTL_MS, NewMesh, Store, parse_store},
    profile::trust_root,
    terminal::Terminal,
    witness,
};

/// The services in the order in which they start; they stop in reverse.
pub(crate) const SERVICES: [Role; 6] =
    [Role::Ledger, Role::Signer, Role::Scanner, Role::Verifier, Role::Scheduler, Role::Executor];

/// A process of the mesh on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The witness of the ledger.
    Witness,
    /// A service.
    Service(Role),
}

/// The processes in the order in which they start; they stop in reverse.
pub(crate) const PARTS: [Part; 7] = [
    Part::Witness,
    Part::Service(Role::Ledger),
    Part::Service(Role::Signer),
    Part::Service(Role::Scanner),
    Part::Service(Role::Verifier),
    Part::Service(Role::Scheduler),
    Part::Service(Role::Executor),
];

impl Part {
    /// Its name, as its files have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Service(role) => role.as_str(),
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The connection profile's name.
pub(crate) const PROFILE_FILE: &str = "mesh.json";

/// Everything that is to run, and where.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Where everything is kept; absolute.
    pub(crate) directory: PathBuf,
    /// Trust domain of the mesh.
    pub(crate) trust_domain: String,
    /// Where the signer's keys are; absolute.
    pub(crate) signing_keys: Store,
    /// Port of each service, on 127.0.0.1.
    pub(crate) ports: BTreeMap<Role, u16>,
    /// Where the witness listens and where it answers Prometheus, on 127.0.0.1.
    pub(crate) witness_ports: [u16; 2],
    /// The witnesses that others run.
    pub(crate) witnesses: Vec<Witness>,
    /// Where the ledger serves the log as static files, on 127.0.0.1.
    pub(crate) files_port: u16,
    /// Where each service answers Prometheus.
    pub(crate) metrics: BTreeMap<Role, u16>,
    /// Trainer name to image.
    pub(crate) trainers: BTreeMap<String, Image>,
    /// The Trivy binary; absolute.
    pub(crate) trivy: PathBuf,
    /// The directory of its database; absolute.
    pub(crate) trivy_db: PathBuf,
    /// What the evidence calls the database.
    pub(crate) trivy_db_label: String,
    /// The oldest database that still counts, in days.
    pub(crate) trivy_db_max_age_days: u32,
    /// The container engine's socket.
    pub(crate) docker_socket: PathBuf,
    /// Who runs it, if that is to be said.
    pub(crate) operator: Option<Operator>,
    /// Jobs at once.
    pub(crate) slots: u32,
    /// Whether a closed terminal is none of its business.
    pub(crate) in_background: bool,
    /// The service binaries.
    pub(crate) binaries: BTreeMap<Role, PathBuf>,
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::cannot(format_args!("cannot use the path {}", path.display())).because(error)
    })
}

/// The service binaries beside this one.
fn binaries() -> Result<BTreeMap<Role, PathBuf>, Failure> {
    let own = std::env::current_exe()
        .map_err(|error| Failure::cannot("cannot find this program").because(error))?;
    let mut found = BTreeMap::new();
    for role in SERVICES {
        let path = own.with_file_name(format!("aibom-{role}"));
        if !path.is_file() {
            return Err(Failure::cannot(format_args!("{} is missing", path.display()))
                .because("the services' programs lie beside aibom")
                .remedy("build them: cargo build --release"));
        }
        found.insert(role, path);
    }
    Ok(found)
}

/// The Trivy binary that was named, that `deploy/setup/trivy.sh` made, or that is on PATH.
pub(crate) fn trivy(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let local = Path::new(".tools/bin/trivy");
    let on_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|dir| dir.join("trivy")).find(|file| file.is_file())
    });
    let found = match named {
        Some(path) if path.is_file() => Some(path.to_owned()),
        Some(_) => None,
        None if local.is_file() => Some(local.to_owned()),
        None => on_path,
    };
    let found = found.ok_or_else(|| {
        Failure::cannot("Trivy is missing")
            .because("the scanner runs it on every trainer image")
            .remedy("run deploy/setup/trivy.sh, or name the binary with --trivy")
    })?;
    absolute(&found)
}

impl Plan {
    /// Decides what is to run.
    pub(crate) fn make(terminal: &Terminal, arguments: &UpArguments) -> Result<Self, Failure> {
        let directory = absolute(&arguments.dir)?;
        let count = u16::try_from(SERVICES.len()).unwrap_or(u16::MAX);
        let ports = ports::pick(arguments.base_port, 2 * count + 3)?;
        let local = Path::new(".tools/trivy-db");
        let trivy_db = match &arguments.trivy_db {
            Some(path) => absolute(path)?,
            None if local.is_dir() => absolute(local)?,
            None => directory.join("trivy-db"),
        };
        let signing_keys = match arguments.signing_keys.as_deref().map(parse_store).transpose()? {
            Some(Store::Directory(path, _)) => Store::Directory(absolute(&path)?, None),
            Some(token) => token,
            None => Store::below(&directory.join("certs")),
        };
        let passphrase = arguments.signing_keys_passphrase_file.as_deref();
        let passphrase = passphrase.map(absolute).transpose()?;
        let (services, own) = ports.split_at(ports.len().saturating_sub(3));
        let (witness, files) = own.split_at(own.len().saturating_sub(1));
        Ok(Self {
            witness_ports: witness.try_into().unwrap_or_default(),
            witnesses: arguments.witnesses.clone(),
            files_port: files.first().copied().unwrap_or_default(),
            signing_keys: signing_keys.encrypted(passphrase.as_deref()),
            trust_domain: arguments.trust_domain.clone(),
            metrics: SERVICES
                .into_iter()
                .zip(services.iter().copied().skip(usize::from(count)))
                .collect(),
            ports: SERVICES.into_iter().zip(services.iter().copied()).collect(),
            trainers: trainers::choose(terminal, &arguments.trainers),
            trivy: trivy(arguments.trivy.as_deref())?,
            trivy_db,
            trivy_db_label: arguments.trivy_db_label.clone(),
            trivy_db_max_age_days: arguments.trivy_db_max_age_days,
            docker_socket: arguments.docker_socket.clone(),
            operator: arguments.operator.operator()?,
            slots: arguments.slots,
            in_background: arguments.in_background,
            binaries: binaries()?,
            directory,
        })
    }

    /// Where the mesh's keys and certificates are.
    pub(crate) fn certs(&self) -> PathBuf {
        self.directory.join("certs")
    }

    /// Where a service's state is.
    pub(crate) fn data(&self, role: Role) -> PathBuf {
        self.directory.join("data").join(role.as_str())
    }

    /// Where the witness's state is.
    pub(crate) fn witness_data(&self) -> PathBuf {
        self.directory.join("data/witness")
    }

    /// The configuration file of a process.
    pub(crate) fn config(&self, part: Part) -> PathBuf {
        self.directory.join("config").join(format!("{part}.toml"))
    }

    /// The log of a process.
    pub(crate) fn log(&self, part: Part) -> PathBuf {
        self.directory.join("logs").join(format!("{part}.log"))
    }

    /// The address of a process.
    pub(crate) fn address(&self, part: Part) -> String {
        match part {
            Part::Witness => {
                let [port, _] = self.witness_ports;
                format!("http://127.0.0.1:{port}")
            }
            Part::Service(role) => self.url(role),
        }
    }

    /// A service's address.
    pub(crate) fn url(&self, role: Role) -> String {
        format!("https://127.0.0.1:{}", self.ports.get(&role).copied().unwrap_or_default())
    }

    /// The name of a service, or of the user, within its role.
    pub(crate) fn name(role: Role) -> String {
        if matches!(role, Role::User | Role::Approver) {
            "local".to_owned()
        } else {
            format!("{role}-1")
        }
    }

    /// A service's identity.
    pub(crate) fn spiffe_id(&self, role: Role) -> Result<SpiffeId, Failure> {
        SpiffeId::new(&self.trust_domain, role, &Self::name(role))
            .map_err(|error| Failure::cannot("the trust domain cannot be used").because(error))
    }

    /// Where a service answers, and as whom.
    pub(crate) fn endpoint(&self, role: Role) -> Result<Endpoint, Failure> {
        Ok(Endpoint { url: self.url(role), spiffe_id: self.spiffe_id(role)? })
    }

    /// The connection profile of the mesh.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        let relative = |path: &Path| path.strip_prefix(&self.directory).unwrap_or(path).to_owned();
        let identity = |role| {
            let [certificate, key, ca] = identities::files(self, role);
            IdentityPaths {
                certificate: relative(&certificate),
                key: relative(&key),
                ca: relative(&ca),
            }
        };
        Ok(Profile {
            schema: PROFILE_SCHEMA.to_owned(),
            trust_domain: self.trust_domain.clone(),
            identity: identity(Role::User),
            approver: Some(identity(Role::Approver)),
            trust_root: relative(&self.certs().join(TRUST_ROOT_FILE)),
            services: Services {
                scheduler: self.endpoint(Role::Scheduler)?,
                verifier: Some(self.endpoint(Role::Verifier)?),
                ledger: Some(self.endpoint(Role::Ledger)?),
                signer: Some(self.endpoint(Role::Signer)?),
            },
        })
    }

    /// Makes the mesh's keys and its trust root, or checks that those which are there are its own.
    fn ensure_mesh(&self) -> Result<(), Failure> {
        let certs = self.certs();
        if !certs::is_initialised(&certs) {
            let made = certs::init(NewMesh {
                directory: &certs,
                trust_domain: &self.trust_domain,
                environment: Environment::Production,
                store: &self.signing_keys,
                token_so_pin: None,
                lifetime_ms: KEY_TTL_MS,
                passphrase: None,
            });
            return made.map(|_| ());
        }
        let (root, _) = trust_root(&certs.join(TRUST_ROOT_FILE))?;
        if root.trust_domain != self.trust_domain {
            let what = format!("the mesh in {} is another", self.directory.display());
            return Err(Failure::cannot(what)
                .because(format_args!("its trust domain is {}", root.trust_domain))
                .remedy(format_args!("pass --trust-domain {}", root.trust_domain)));
        }
        if self.signing_keys.may_exist() {
            return Ok(());
        }
        Err(Failure::cannot(format_args!("the signing keys are not in {}", self.signing_keys))
            .because("the mesh was made with its keys somewhere else")
            .remedy("say where with --signing-keys"))
    }

    /// Makes directories, keys, certificates, configuration files and the connection profile.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        self.ensure_mesh()?;
        for directory in SERVICES.map(|role| self.data(role)) {
            make_directory(&directory)?;
        }
        if !self.witness_data().exists() {
            make_directory(&self.witness_data())?;
            witness::Store::create(&self.witness_data(), &configs::cosigner(self)?)?;
        }
        for directory in ["config", "logs", "data/executor/work", "data/scanner/scratch"] {
            make_directory(&self.directory.join(directory))?;
        }
        identities::ensure(self)?;
        for role in SERVICES {
            let text = configs::text(self, role)?;
            write_public(&self.config(Part::Service(role)), text.as_bytes())?;
        }
        write_public(&self.config(Part::Witness), configs::witness(self)?.as_bytes())?;
        let profile = self.profile()?.to_bytes().map_err(|error| {
            Failure::cannot("cannot write the connection profile").because(error)
        })?;
        write_public(&self.directory.join(PROFILE_FILE), &profile)
    }
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| {
        Failure::cannot(format_args!("cannot make the directory {}", path.display())).because(error)
    })
}
