//! The Docker Engine API behind [`Engine`].

mod body;
mod observed;

use std::{collections::HashMap, path::Path, time::Duration};

use async_trait::async_trait;
use bollard::{
    API_DEFAULT_VERSION, Docker,
    container::LogOutput,
    errors::Error,
    query_parameters::{
        AttachContainerOptions, CreateContainerOptions, KillContainerOptions,
        ListContainersOptions, ListImagesOptions, RemoveContainerOptions, StartContainerOptions,
        StatsOptions, WaitContainerOptions,
    },
};
use evidence::Engine as EngineFact;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use job::Image;

use crate::{
    engine::{
        Engine, EngineError, ImageFact, Inspection, LABEL_EXECUTOR, Left, Output, OutputStream,
        Settings, Signal, Stats,
    },
    failure::clean,
};

/// The longest that the engine may take for the head of an answer, in seconds.
const TIMEOUT_S: u64 = 60;
/// The longest name of the host's operating system, in bytes.
const MAX_OS_BYTES: usize = 128;
/// The most images that are listed.
const MAX_IMAGES: usize = 256;

/// A Docker engine by its socket.
#[derive(Debug, Clone)]
pub struct DockerEngine {
    docker: Docker,
}

fn convert(error: Error) -> EngineError {
    match error {
        Error::DockerResponseServerError { status_code: 404, message } => {
            EngineError::NotFound(clean(&message, 512))
        }
        Error::DockerResponseServerError { message, .. }
            if message.contains("could not select device driver") =>
        {
            EngineError::Gpu(clean(&message, 512))
        }
        Error::DockerResponseServerError { status_code, message } => {
            EngineError::Refused(clean(&format!("status {status_code}: {message}"), 1024))
        }
        other => EngineError::Away(clean(&other.to_string(), 512)),
    }
}

impl DockerEngine {
    /// Talks to the engine at `socket` in the newest API version that both know.
    ///
    /// # Errors
    /// When nothing answers there.
    pub async fn connect(socket: &Path) -> Result<Self, EngineError> {
        let path = socket.to_string_lossy();
        let docker =
            Docker::connect_with_unix(&path, TIMEOUT_S, API_DEFAULT_VERSION).map_err(convert)?;
        let docker = docker.negotiate_version().await.map_err(convert)?;
        Ok(Self { docker })
    }
}

#[async_trait]
impl Engine for DockerEngine {
    async fn describe(&self) -> Result<EngineFact, EngineError> {
        let version = self.docker.version().await.map_err(convert)?;
        let components = version.components.unwrap_or_default();
        let podman = components.iter().any(|component| component.name.starts_with("Podman"));
        Ok(EngineFact {
            name: if podman { "podman" } else { "docker" }.to_owned(),
            version: clean(&version.version.unwrap_or_default(), 64),
            components: observed::engine_components(components),
        })
    }

    async fn host_os(&self) -> Result<Option<String>, EngineError> {
        let told = self.docker.info().await.map_err(convert)?.operating_system;
        let told = told.map(|os| clean(os.trim(), MAX_OS_BYTES));
        Ok(told.filter(|os| !os.is_empty()))
    }

    async fn image(&self, image: &Image) -> Result<ImageFact, EngineError> {
        let found = self.docker.inspect_image(&image.to_string()).await.map_err(convert)?;
        let fact = ImageFact {
            facts: observed::image_facts(&found),
            id: found.id.unwrap_or_default(),
            repo_digests: found.repo_digests.unwrap_or_default(),
        };
        // The engine also looks names up by prefix: only the exact one counts.
        let name = image.to_string();
        if fact.id == name || fact.repo_digests.contains(&name) {
            Ok(fact)
        } else {
            Err(EngineError::NotFound(format!("{name}: the engine has {} instead", fact.id)))
        }
    }

    async fn images(&self) -> Result<Vec<String>, EngineError> {
        let options = ListImagesOptions::default();
        let images = self.docker.list_images(Some(options)).await.map_err(convert)?;
        Ok(images.into_iter().map(|image| image.id).take(MAX_IMAGES).collect())
    }

    async fn create(&self, settings: &Settings) -> Result<String, EngineError> {
        let options =
            CreateContainerOptions { name: Some(settings.name.clone()), ..Default::default() };
        let body = body::body(settings);
        let made = self.docker.create_container(Some(options), body).await.map_err(convert)?;
        for warning in made.warnings {
            tracing::warn!(warning = clean(&warning, 512), "the engine warns");
        }
        Ok(made.id)
    }

    async fn attach(&self, id: &str) -> Result<OutputStream, EngineError> {
        let options = AttachContainerOptions {
            stream: true,
            stdout: true,
            stderr: true,
            ..Default::default()
        };
        let attached = self.docker.attach_container(id, Some(options)).await.map_err(convert)?;
        let output = attached.output.map(|item| match item.map_err(convert)? {
            LogOutput::StdErr { message } => Ok(Output::Err(message)),
            LogOutput::StdOut { message }
            | LogOutput::Console { message }
            | LogOutput::StdIn { message } => Ok(Output::Out(message)),
        });
        Ok(Box::pin(output))
    }

    async fn start(&self, id: &str) -> Result<(), EngineError> {
        self.docker.start_container(id, None::<StartContainerOptions>).await.map_err(convert)
    }

    async fn wait(&self, id: &str) -> Result<(), EngineError> {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        match self.docker.wait_container(id, Some(options)).try_next().await {
            // The client turns every status but 0 into an error; the status itself is inspected.
            Ok(Some(_)) | Err(Error::DockerContainerWaitError { .. }) => Ok(()),
            Ok(None) => Err(EngineError::Away("the wait ended without an answer".to_owned())),
            Err(error) => Err(convert(error)),
        }
    }

    async fn inspect(&self, id: &str, settings: &Settings) -> Result<Inspection, EngineError> {
        let inspected = self.docker.inspect_container(id, None).await.map_err(convert)?;
        Ok(observed::inspection(inspected, settings))
    }

    async fn stats(&self, id: &str) -> Result<Stats, EngineError> {
        let options = StatsOptions { stream: false, one_shot: true };
        let stats = self.docker.stats(id, Some(options)).try_next().await.map_err(convert)?;
        Ok(stats.map(observed::stats).unwrap_or_default())
    }

    async fn signal(&self, id: &str, signal: Signal) -> Result<(), EngineError> {
        let name = match signal {
            Signal::Term => "SIGTERM",
            Signal::Kill => "SIGKILL",
        };
        let options = KillContainerOptions { signal: name.to_owned() };
        match self.docker.kill_container(id, Some(options)).await {
            // 404: gone; 409: not running.
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            Err(error) => Err(convert(error)),
        }
    }

    async fn remove(&self, id: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptions { v: true, force: true, link: false };
        let removed = self.docker.remove_container(id, Some(options)).map(|done| match done {
            // 404: gone; 409: its removal is under way.
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            Err(error) => Err(convert(error)),
        });
        let bound = Duration::from_secs(TIMEOUT_S);
        let late = |_| EngineError::Away("a removal did not end".to_owned());
        tokio::time::timeout(bound, removed).await.map_err(late)?
    }

    async fn left_by(&self, executor: &str) -> Result<Vec<Left>, EngineError> {
        let label = format!("{LABEL_EXECUTOR}={executor}");
        let filters = HashMap::from([("label".to_owned(), vec![label])]);
        let options =
            ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let listed = self.docker.list_containers(Some(options)).await.map_err(convert)?;
        let left = listed.into_iter().filter_map(|container| {
            let labels = container.labels.unwrap_or_default().into_iter().collect();
            Some(Left { id: container.id?, labels })
        });
        Ok(left.collect())
    }
}
