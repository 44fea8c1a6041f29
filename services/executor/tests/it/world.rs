//! One executor with its own name, directory, scheduler and mesh.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bollard::Docker;
use evidence::{Document, Grantee};
use executor::{
    Deps, Handle,
    config::Config,
    docker::DockerEngine,
    engine::{Engine, Left},
    start,
};
use ids::{JobId, Role, Timestamp};
use job::{InputFile, JobSpec, REQUEST_PAYLOAD_TYPE, Reason, Resources};
use keys::SigningKey as _;
use proto::dispatch::v1::{Failure, FailureKind, complete_request::Result as Ended};
use rpc::{CancellationToken, IdentityFiles};
use tempfile::TempDir;
use testkit::{
    evidence::Fixture,
    mesh::{Mesh, Party},
};

use crate::grpc::FakeScheduler;

pub(crate) const PROBE: &str = "aibom/trainer-probe:dev";
pub(crate) const KERAS: &str = "aibom/trainer-keras:dev";
const SOCKET: &str = "/var/run/docker.sock";
pub(crate) const MODEL: &[u8] = include_bytes!("../../testdata/tiny.keras");

static NUMBER: AtomicU64 = AtomicU64::new(1);

pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

/// The three inputs as bytes.
pub(crate) struct Inputs {
    pub(crate) model: Vec<u8>,
    pub(crate) dataset: Vec<u8>,
    pub(crate) definition: Vec<u8>,
}

impl Inputs {
    /// What makes the probe do `mode`: its name is the first column's.
    pub(crate) fn mode(mode: &str) -> Self {
        let definition =
            format!("type: csv\ncolumns:\n  mode={mode}: float\n  label: int\nlabel: label\n");
        Self {
            model: MODEL.to_vec(),
            dataset: format!("mode={mode},label\n1.5,0\n2.5,1\n").into_bytes(),
            definition: definition.into_bytes(),
        }
    }
}

/// The limits that probe jobs have.
pub(crate) fn small() -> Resources {
    Resources {
        cpu_millis: 1_000,
        memory_mib: 64,
        pids: 32,
        wall_clock_s: 60,
        output_mib: 2,
        gpus: 0,
    }
}

pub(crate) struct World {
    pub(crate) mesh: Arc<Mesh>,
    pub(crate) fake: FakeScheduler,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) engine: DockerEngine,
    pub(crate) config: Config,
    pub(crate) executor: Party,
    handle: Option<Handle>,
    shutdown: CancellationToken,
    dir: TempDir,
}

fn write_identity(dir: &TempDir, party: &Party, mesh: &Mesh) -> IdentityFiles {
    let path =
        |suffix: &str| dir.path().join(format!("{}-{}.{suffix}", party.id.role(), party.id.name()));
    let files = IdentityFiles { certificate: path("pem"), key: path("key"), ca: path("ca") };
    std::fs::write(&files.certificate, &party.certificate_pem).unwrap();
    std::fs::write(&files.ca, mesh.ca.certificate_pem()).unwrap();
    keys::write_secret(&files.key, &party.key_pem).unwrap();
    files
}

/// The engine and the id of an image in it, or a loud reason to skip.
async fn engine_with(tag: &str) -> Option<(DockerEngine, String)> {
    let skip = |why: String| {
        // Nothing is called tested that was not: only who says so goes without.
        let allowed = std::env::var_os("AIBOM_TESTS_WITHOUT_ENGINE").is_some();
        assert!(allowed, "{why}: run 'cargo xtask setup', or set AIBOM_TESTS_WITHOUT_ENGINE");
        eprintln!("SKIPPED, NOT TESTED: {why}");
    };
    let socket = std::path::Path::new(SOCKET);
    let engine = DockerEngine::connect(socket)
        .await
        .map_err(|e| skip(format!("no engine at {SOCKET}: {e}")))
        .ok()?;
    let docker = Docker::connect_with_unix(SOCKET, 30, bollard::API_DEFAULT_VERSION).unwrap();
    let docker = docker.negotiate_version().await.unwrap();
    let image = docker
        .inspect_image(tag)
        .await
        .map_err(|e| skip(format!("image {tag} is missing, run its build.sh: {e}")))
        .ok()?;
    Some((engine, image.id.unwrap()))
}

impl World {
    /// Everything but the running executor; `None` without an engine or the image.
    pub(crate) async fn quiet(tag: &str) -> Option<Self> {
        let (engine, image) = engine_with(tag).await?;
        let mesh = Arc::new(Mesh::new("executor-it", now()));
        let (number, pid) = (NUMBER.fetch_add(1, Ordering::Relaxed), std::process::id());
        let name = format!("it-{pid}-{number}");
        let executor = mesh.ca.party(Role::Executor, &name);
        let dir = TempDir::new().unwrap();
        let (fake, shutdown) = (FakeScheduler::new(Arc::clone(&mesh)), CancellationToken::new());
        let files = write_identity(&dir, &mesh.scheduler, &mesh);
        let address = fake.serve(&files, shutdown.clone()).await;
        let own = write_identity(&dir, &executor, &mesh);
        let text = format!(
            "name = {name:?}\nwork_dir = {:?}\n\
             [identity]\ncertificate = {:?}\nkey = {:?}\nca = {:?}\n\
             [scheduler]\nurl = \"https://{address}\"\nspiffe_id = \"{}\"\n\
             [trainers]\nprobe = {image:?}\n",
            dir.path().join("work"),
            own.certificate,
            own.key,
            own.ca,
            mesh.scheduler.id,
        );
        let config = Config::parse(&text).unwrap();
        Some(Self {
            mesh,
            fake,
            name,
            image,
            engine,
            config,
            executor,
            handle: None,
            shutdown,
            dir,
        })
    }

    /// An executor that runs on the real engine.
    pub(crate) async fn start(tag: &str) -> Option<Self> {
        let mut world = Self::quiet(tag).await?;
        world.run(Arc::new(world.engine.clone())).await;
        Some(world)
    }

    /// Starts the executor on `engine`.
    pub(crate) async fn run(&mut self, engine: Arc<dyn Engine>) {
        self.handle = Some(start(self.config.clone(), Deps { engine }).await.unwrap());
    }

    /// Drains the executor.
    pub(crate) async fn stop(&mut self) {
        self.handle.take().unwrap().shutdown().await;
    }

    pub(crate) fn spec(&self, inputs: &Inputs, resources: Resources) -> JobSpec {
        let mut spec = Fixture::new().parts().request.spec;
        let put = |bytes: &[u8], file: &mut InputFile| {
            file.sha256 = self.fake.store(bytes);
            file.size = bytes.len() as u64;
        };
        put(&inputs.model, &mut spec.inputs.model);
        put(&inputs.dataset, &mut spec.inputs.dataset);
        put(&inputs.definition, &mut spec.inputs.definition);
        spec.trainer.image = self.image.parse().unwrap();
        spec.resources = resources;
        spec
    }

    pub(crate) fn sign_request(&self, spec: JobSpec) -> Document {
        let mut request = Fixture::new().parts().request;
        request.spec = spec;
        request.user = self.mesh.user.id.clone();
        request.requested_at = now();
        self.mesh.user.sign(REQUEST_PAYLOAD_TYPE, &request)
    }

    pub(crate) fn grantee(&self) -> Grantee {
        Grantee { id: self.executor.id.clone(), key: self.executor.key.public_key().key_id() }
    }

    /// Queues a job.
    pub(crate) fn submit(&self, spec: JobSpec) -> (JobId, Document) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let job = JobId::new(number, [3; 10]);
        let request = self.sign_request(spec);
        self.fake.lease(job, number, request.clone(), self.grantee());
        (job, request)
    }

    /// Runs the probe in `mode` to its end.
    pub(crate) async fn probe(&self, mode: &str, resources: Resources) -> (JobId, Ended) {
        let spec = self.spec(&Inputs::mode(mode), resources);
        let (job, _) = self.submit(spec);
        let ended = self.fake.completed(job).await;
        (job, ended)
    }

    pub(crate) async fn containers(&self) -> Vec<Left> {
        self.engine.left_by(&self.name).await.unwrap()
    }

    pub(crate) fn directories(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.dir.path().join("work")) else { return vec![] };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// Nothing of any attempt is left.
    pub(crate) async fn assert_clean(&self) {
        assert_eq!(self.containers().await, vec![]);
        assert_eq!(self.directories(), Vec::<PathBuf>::new());
    }

    /// Waits until nothing is left, for ends that nobody is told of.
    pub(crate) async fn wait_until_clean(&self) {
        let clean = async {
            while !(self.containers().await.is_empty() && self.directories().is_empty()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), clean).await.expect("something stays");
    }

    /// Waits until the container of the only job prints.
    pub(crate) async fn wait_for_output(&self) {
        let look = |heard: &crate::grpc::Heard| (!heard.log.is_empty()).then_some(());
        self.fake.wait("output of the container", look).await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The failure in an end.
pub(crate) fn failure(ended: &Ended) -> &Failure {
    match ended {
        Ended::Failure(failure) => failure,
        Ended::Success(_) => panic!("it succeeded"),
    }
}

pub(crate) fn assert_failed(ended: &Ended, kind: FailureKind, reason: Reason) {
    let failure = failure(ended);
    let got = (failure.kind(), failure.reason.as_str());
    assert_eq!(got, (kind, reason.as_str()), "{}", failure.message);
    assert!(!failure.message.is_empty());
}
