//! Submits as a client that checks nothing itself: what it sends is for the mesh to judge.

use std::{path::Path, sync::Arc, time::SystemTime};

use anyhow::Context as _;
use client::{LocalFile, Profile};
use ids::{JobId, Timestamp};
use job::{
    BomOptions, DatasetInfo, InputFile, Inputs, JobSpec, ModelInfo, Parameters, REQUEST_SCHEMA,
    Request, Resources, Task, Trainer,
};
use serde_json::Value;

use crate::{Mesh, forge::Thief, grpc::Refused, place, probe::Probe};

/// A client of the shared crate, with everything that it can leave out left out.
#[derive(Debug)]
pub struct Direct {
    client: client::Mesh,
    user: Thief,
}

fn input(file: &LocalFile) -> anyhow::Result<InputFile> {
    let name = file.path.file_name().context("a file has a name")?.to_string_lossy();
    Ok(InputFile { name: name.into_owned(), sha256: file.digests.sha256, size: file.size })
}

impl Direct {
    /// Connects to `mesh` as its user.
    ///
    /// # Errors
    /// When the profile cannot be used.
    pub fn new(mesh: &Mesh) -> anyhow::Result<Self> {
        let client = client::Mesh::open(Profile::load(&mesh.profile())?)?;
        Ok(Self { client, user: Thief::of(&mesh.identity(ids::Role::User)?)? })
    }

    /// The client of the shared crate.
    #[must_use]
    pub const fn client(&self) -> &client::Mesh {
        &self.client
    }

    /// Uploads the inputs of `probe`, written into `folder`; gives its request, not yet signed.
    ///
    /// # Errors
    /// When they cannot be written or uploaded.
    pub async fn request(&self, probe: &Probe, folder: &Path) -> anyhow::Result<Value> {
        probe.write(folder)?;
        let mut files = Vec::new();
        for name in ["model.keras", "data.csv", "definition.yaml"] {
            let file = LocalFile::hash(&folder.join(name))?;
            self.client.artifacts().upload(&file, Arc::new(|_| ())).await?;
            files.push(input(&file)?);
        }
        let mut files = files.into_iter();
        let mut next = || files.next().context("three inputs");
        let inputs = Inputs { model: next()?, dataset: next()?, definition: next()? };
        let request = Request {
            schema: REQUEST_SCHEMA.to_owned(),
            idempotency_key: uuid::Uuid::new_v4(),
            requested_at: Timestamp::from(SystemTime::now()),
            user: self.client.identity().spiffe_id().clone(),
            spec: specification(probe, inputs)?,
        };
        Ok(serde_json::to_value(request)?)
    }

    /// Signs a request as the user and hands it in.
    ///
    /// # Errors
    /// The scheduler's refusal; its code is empty when nothing was sent.
    pub async fn submit(&self, request: &Value) -> Result<JobId, Refused> {
        let unsent = |error: anyhow::Error| Refused {
            code: "",
            reason: String::new(),
            message: format!("{error:#}"),
        };
        let document = self.user.request(request).map_err(unsent)?;
        let submitted = self.client.jobs().submit(&document).await;
        let submitted = submitted.map_err(|error| Refused {
            code: error.code(),
            reason: error.reason().unwrap_or_default(),
            message: error.message().to_owned(),
        })?;
        Ok(submitted.job.id)
    }
}

fn specification(probe: &Probe, inputs: Inputs) -> anyhow::Result<JobSpec> {
    Ok(JobSpec {
        task: Task::Classification,
        trainer: Trainer { name: "probe".to_owned(), image: place::trainer("probe")? },
        inputs,
        parameters: Parameters {
            epochs: 3,
            initial_epoch: 0,
            batch_size: None,
            validation_split: 0.0,
            steps_per_epoch: None,
            validation_steps: None,
            validation_freq: 1,
            seed: 7,
        },
        model: ModelInfo {
            name: format!("probe-{}", probe.mode),
            version: "1.0".to_owned(),
            ..ModelInfo::default()
        },
        dataset: DatasetInfo { name: "probe".to_owned(), ..DatasetInfo::default() },
        resources: Resources {
            cpu_millis: 1_000,
            memory_mib: probe.memory_mib,
            pids: probe.pids,
            wall_clock_s: probe.wall_clock_s,
            output_mib: probe.output_mib,
            gpus: 0,
        },
        aibom: BomOptions::default(),
    })
}
