//! A container that was made, and is removed in any case.

use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

use bollard::{
    Docker,
    container::LogOutput,
    errors::Error,
    models::ContainerCreateBody,
    query_parameters::{
        AttachContainerOptions, CreateContainerOptions, RemoveContainerOptions,
        StartContainerOptions, WaitContainerOptions,
    },
};
use futures::TryStreamExt as _;

use crate::child::{ChildError, Ends};

/// How long the engine may take to remove a container, in milliseconds.
const REMOVE_MS: u64 = 60_000;

pub(super) fn failed(error: &Error) -> ChildError {
    ChildError::Engine(error.to_string())
}

/// A container; dropped, it is removed behind the caller's back.
#[derive(Debug)]
pub(super) struct Made {
    docker: Docker,
    /// `None`: removed already.
    id: Option<String>,
}

impl Made {
    /// Makes one. Who stops waiting for it meanwhile leaves none behind: the task goes on, and what it
    /// made is dropped.
    pub(super) async fn create(docker: &Docker, body: ContainerCreateBody) -> Result<Self, Error> {
        let docker = docker.clone();
        let made = tokio::spawn(async move {
            let made = docker.create_container(None::<CreateContainerOptions>, body).await?;
            Ok(Self::found(&docker, made.id))
        });
        made.await.unwrap_or_else(|error| Err(Error::IOError { err: std::io::Error::other(error) }))
    }

    /// One that another process made.
    pub(super) fn found(docker: &Docker, id: String) -> Self {
        Self { docker: docker.clone(), id: Some(id) }
    }

    pub(super) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// Starts it and gives what it writes, when it ends well.
    pub(super) async fn output(&self, limit: usize) -> Result<Vec<u8>, ChildError> {
        let options = AttachContainerOptions {
            stream: true,
            stdout: true,
            stderr: true,
            ..Default::default()
        };
        let attached = self.docker.attach_container(self.id(), Some(options)).await;
        let mut written = attached.map_err(|e| failed(&e))?.output;
        let start = self.docker.start_container(self.id(), None::<StartContainerOptions>);
        start.await.map_err(|e| failed(&e))?;
        let (mut output, mut tail) = (Vec::new(), Ends::default());
        while let Some(piece) = written.try_next().await.map_err(|e| failed(&e))? {
            match piece {
                LogOutput::StdErr { message } => tail.push(&message),
                LogOutput::StdOut { message }
                | LogOutput::Console { message }
                | LogOutput::StdIn { message } => output.extend_from_slice(&message),
            }
            if output.len() > limit {
                return Err(ChildError::TooMuch { limit });
            }
        }
        self.ended().await.and_then(|end| end.judge(output, &tail))
    }

    async fn ended(&self) -> Result<End, ChildError> {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        match self.docker.wait_container(self.id(), Some(options)).try_next().await {
            // The client turns every status but 0 into an error; the status itself is inspected.
            Ok(Some(_)) | Err(Error::DockerContainerWaitError { .. }) => {}
            Ok(None) => return Err(ChildError::Engine("the wait has no answer".to_owned())),
            Err(error) => return Err(failed(&error)),
        }
        let inspected =
            self.docker.inspect_container(self.id(), None).await.map_err(|e| failed(&e))?;
        let state = inspected.state.unwrap_or_default();
        // A container without a status did not end well.
        let code = state.exit_code.and_then(|code| i32::try_from(code).ok()).unwrap_or(255);
        Ok(End { code, out_of_memory: state.oom_killed.unwrap_or(false) })
    }

    /// Kills and removes it; one that cannot be removed is removed at the next start.
    pub(super) async fn remove(mut self) {
        if let Some(id) = self.id.take() {
            remove(&self.docker, &id).await;
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let docker = self.docker.clone();
        runtime.spawn(async move { remove(&docker, &id).await });
    }
}

async fn remove(docker: &Docker, id: &str) {
    let options = RemoveContainerOptions { v: true, force: true, link: false };
    let removed = docker.remove_container(id, Some(options));
    let error = match tokio::time::timeout(Duration::from_millis(REMOVE_MS), removed).await {
        // 404: gone; 409: its removal is under way.
        Ok(Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. })) => return,
        Ok(Err(error)) => error.to_string(),
        Err(late) => late.to_string(),
    };
    tracing::warn!(container = id, error, "Trivy's container was not removed");
}

/// How it ended.
struct End {
    code: i32,
    out_of_memory: bool,
}

impl End {
    fn judge(&self, output: Vec<u8>, tail: &Ends) -> Result<Vec<u8>, ChildError> {
        if self.code == 0 && !self.out_of_memory {
            return Ok(output);
        }
        let mut stderr = tail.text();
        if self.out_of_memory {
            stderr.push_str(" (killed: out of tool.max_memory_bytes)");
        }
        // As waitpid(2) has it: the status in the second byte.
        Err(ChildError::Failed { status: ExitStatus::from_raw(self.code << 8), stderr })
    }
}
