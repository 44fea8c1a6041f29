//! The tool in a container of the engine: no network, nothing writable but memory, no privileges.

mod body;
mod made;
mod pieces;

use std::{path::Path, time::Duration};

use bollard::{
    Docker,
    query_parameters::{DownloadFromContainerOptions, ListContainersOptions},
};
use ids::Sha256Digest;
use tokio::sync::OnceCell;

use self::{
    body::{DATABASE, HOME, INPUT, Settings, Work},
    made::{Made, failed},
};
use super::{InForce, ToolMissing, order::Order};
use crate::{
    child::ChildError,
    config::Config,
    engine::{Engine, EngineError},
    fingerprint::Print,
};

/// What names the scanner that a container belongs to: its scratch directory.
const LABEL: &str = "org.aibom.scanner";

/// Runs the tool in containers of one image.
#[derive(Debug)]
pub(super) struct Containers {
    engine: Engine,
    image: Sha256Digest,
    owner: String,
    settings: Settings,
    output_bytes: usize,
    /// The program of the image, and the digest of its binary: an image never changes.
    program: OnceCell<(String, Print)>,
}

impl Containers {
    pub(super) fn new(config: &Config, image: Sha256Digest) -> Self {
        let scratch = &config.scan.scratch_directory;
        let scratch = std::path::absolute(scratch).unwrap_or_else(|_| scratch.clone());
        Self {
            engine: Engine::new(config.engine.socket.clone()),
            image,
            owner: scratch.to_string_lossy().into_owned(),
            settings: Settings::new(&config.tool, image),
            output_bytes: config.tool.max_report_bytes,
            program: OnceCell::new(),
        }
    }

    fn missing(&self, reason: String) -> ToolMissing {
        ToolMissing::Image { image: format!("sha256:{}", self.image), reason }
    }

    /// The digest of the image's binary; the image must be there now.
    pub(super) async fn print(&self) -> Result<Print, ToolMissing> {
        let docker = self.engine.connect().await.map_err(ToolMissing::Engine)?;
        let found = docker.inspect_image(&format!("sha256:{}", self.image)).await;
        let found = found.map_err(|error| match self.engine.failed("", error) {
            EngineError::NotFound(_) => self.missing("the engine has no such image".to_owned()),
            away => ToolMissing::Engine(away),
        })?;
        let entrypoint = found.config.and_then(|config| config.entrypoint).unwrap_or_default();
        let program = entrypoint.into_iter().next().filter(|program| program.starts_with('/'));
        let program = program
            .ok_or_else(|| self.missing("its entry point is no absolute path".to_owned()))?;
        let hashed = self.program.get_or_try_init(|| async {
            let print = self.hash(&docker, &program).await;
            print.map(|print| (program, print)).map_err(|reason| self.missing(reason))
        });
        hashed.await.map(|(_, print)| *print)
    }

    /// Takes the binary out of a container that is never started.
    async fn hash(&self, docker: &Docker, program: &str) -> Result<Print, String> {
        let idle = Work { program: program.to_owned(), ..Work::default() };
        let body = self.settings.body(self.labels(), idle);
        let container = Made::create(docker, body).await.map_err(|error| error.to_string())?;
        let options = DownloadFromContainerOptions { path: program.to_owned() };
        let archive = docker.download_from_container(container.id(), Some(options));
        let sha256 = pieces::sha256_of_the_file(archive).await;
        container.remove().await;
        let sha256 = sha256.map_err(|error| format!("{program}: {error}"))?;
        tracing::info!(image = %self.image, program, %sha256, "the binary in Trivy's image");
        Ok(Print::unchanging(sha256))
    }

    fn labels(&self) -> (String, String) {
        (LABEL.to_owned(), self.owner.clone())
    }

    /// What is in force; removes what an earlier process left behind.
    pub(super) async fn check(&self) -> Result<InForce, ChildError> {
        let docker = self.engine.connect().await.map_err(|e| away(&e))?;
        let filters = [("label".to_owned(), vec![format!("{LABEL}={}", self.owner)])];
        let options = ListContainersOptions {
            all: true,
            filters: Some(filters.into_iter().collect()),
            ..Default::default()
        };
        for left in docker.list_containers(Some(options)).await.map_err(|e| failed(&e))? {
            if let Some(id) = left.id {
                tracing::warn!(container = id, "removing a container that was left behind");
                Made::found(&docker, id).remove().await;
            }
        }
        Ok(InForce { layers: self.settings.to_string(), missing: String::new() })
    }

    /// Runs the tool; gives its standard output.
    pub(super) async fn run(&self, order: Order<'_>) -> Result<Vec<u8>, ChildError> {
        let limit_ms = order.timeout_ms;
        let docker = self.engine.connect().await.map_err(|e| away(&e))?;
        if !self.program.initialized() {
            self.print().await.map_err(|error| ChildError::Engine(error.to_string()))?;
        }
        let program = self.program.get().map(|(program, _)| program.clone()).unwrap_or_default();
        let absolute = |path: &Path| std::path::absolute(path).map_err(ChildError::Start);
        let input = absolute(order.target.path())?;
        body::let_read(&input).map_err(ChildError::Start)?;
        let mut mounts = vec![(input, INPUT)];
        if let Some(database) = order.database {
            mounts.push((absolute(database)?, DATABASE));
        }
        let environment = order.environment(Path::new(HOME), Path::new(DATABASE));
        let environment = environment.map(|(name, value)| format!("{name}={}", value.display()));
        let arguments = order.arguments(Path::new(INPUT)).into_iter();
        let work = Work {
            program,
            arguments: arguments.map(|word| word.to_string_lossy().into_owned()).collect(),
            environment: environment.to_vec(),
            mounts,
        };
        let body = self.settings.body(self.labels(), work);
        let container = Made::create(&docker, body).await.map_err(|e| failed(&e))?;
        let limit = Duration::from_millis(limit_ms);
        let ended = tokio::time::timeout(limit, container.output(self.output_bytes)).await;
        container.remove().await;
        ended.map_err(|_| ChildError::TimedOut { limit_ms })?
    }
}

fn away(error: &EngineError) -> ChildError {
    ChildError::Engine(error.to_string())
}
