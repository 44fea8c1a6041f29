//! One attempt from a checked order to signed evidence or a failure.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use dataset::Division;
use envelope::Envelope;
use evidence::{Dataset, Document, Limits, Model, Observed};
use job::{Image, Reason, Resources};
use keys::SigningKey as _;
use rpc::{Credentials, MeshIdentity};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Caps, Config},
    engine::{Engine, EngineError, ImageFact, LABEL_ATTEMPT, LABEL_EXECUTOR, LABEL_JOB, Settings},
    failure::{Failure, Kind},
    fetch::fetch,
    grpc::{Outcome, Scheduler},
    host::HostFacts,
    inspect,
    order::{HeldGrant, Order},
    outcome::{Stop, Verdict, classify},
    outputs::{self, collect},
    progress::Progress,
    renewer::Renewer,
    results::{self, Results},
    sandbox::{self, Finished, Interrupts},
    statement::{NamedFile, Run, seal, statement},
    tenure::Standing,
    upload::upload,
    workdir::{AttemptDir, WorkDir},
};

const MIB: u64 = 1024 * 1024;

/// What every attempt of this executor works with.
#[derive(Debug)]
pub struct Shared {
    /// Configuration.
    pub config: Config,
    /// Who we are.
    pub identity: Arc<MeshIdentity>,
    /// Where work comes from.
    pub scheduler: Scheduler,
    /// What runs containers.
    pub engine: Arc<dyn Engine>,
    /// What the machine is.
    pub host: HostFacts,
    /// Where files are.
    pub work: WorkDir,
}

/// Why an attempt goes no further.
#[derive(Debug)]
pub(crate) enum Halt {
    Failed(Failure),
    Abandoned,
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Option<Failure>> for Halt {
    fn from(failure: Option<Failure>) -> Self {
        failure.map_or(Self::Abandoned, Self::Failed)
    }
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::LeaseLost => Self::Abandoned,
            Stop::Cancelled => Self::Failed(Failure::cancelled()),
            _ => Self::Failed(Failure::infrastructure("the executor shut down before the end")),
        }
    }
}

/// Inputs that are here and were not refused.
struct Prepared {
    inputs: Vec<NamedFile>,
    model: Model,
    dataset: Dataset,
    /// The computed split.
    division: Option<Division>,
}

/// What came out, and is uploaded.
struct Delivered {
    outputs: Vec<NamedFile>,
    log: NamedFile,
    results: Results,
}

/// A good run: everything that evidence needs but the signature.
struct Worked {
    finished: Finished,
    prepared: Prepared,
    delivered: Delivered,
}

/// The limits of a job on this machine.
///
/// # Errors
/// When the job needs more than this executor gives: another one may.
pub(crate) fn limits(wanted: &Resources, caps: &Caps, cpus: u32) -> Result<Limits, Failure> {
    let over = |what: &str, wanted: u32, most: u32| {
        let text = format!("this executor gives at most {most} {what}, the job asks for {wanted}");
        if wanted > most { Err(Failure::infrastructure(&text)) } else { Ok(u64::from(wanted)) }
    };
    let memory_bytes = over("MiB of memory", wanted.memory_mib, caps.max_memory_mib)? * MIB;
    let output_bytes = over("MiB of outputs", wanted.output_mib, caps.max_output_mib)? * MIB;
    let wall_clock_s = over("seconds", wanted.wall_clock_s, caps.max_wall_clock_s)?;
    let pids = over("processes", wanted.pids, caps.max_pids)?;
    if wanted.gpus > caps.max_gpus {
        let text = format!("this executor gives at most {} GPUs", caps.max_gpus);
        return Err(Failure::new(Kind::Infrastructure, Reason::GpuUnavailable, &text));
    }
    // A limit on processors is a ceiling: a smaller machine runs the job more slowly.
    let cpu_millis = u64::from(wanted.cpu_millis).min(u64::from(cpus.max(1)) * 1000);
    Ok(Limits {
        memory_bytes,
        memory_swap_bytes: memory_bytes,
        cpu_millis,
        pids,
        wall_clock_s,
        output_bytes,
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Failure::infrastructure(&format!("a worker thread failed: {error}"))),
    }
}

fn disk(error: &std::io::Error) -> Failure {
    Failure::infrastructure(&format!("the working directory: {error}"))
}

/// Which image runs, if this executor may run it.
async fn image(shared: &Shared, wanted: &Image) -> Result<ImageFact, Failure> {
    let missing = |text: &str| Failure::new(Kind::Infrastructure, Reason::ImageUnavailable, text);
    let fact = match shared.engine.image(wanted).await {
        Ok(fact) => fact,
        Err(error @ EngineError::NotFound(_)) => return Err(missing(&error.to_string())),
        Err(error) => return Err(Failure::infrastructure(&error.to_string())),
    };
    let listed = shared.config.trainers.values().any(|trainer| {
        trainer.to_string() == fact.id || fact.repo_digests.contains(&trainer.to_string())
    });
    if listed || shared.config.any_image {
        return Ok(fact);
    }
    Err(missing(&format!("{wanted} is none of this executor's trainers")))
}

struct Attempt {
    shared: Arc<Shared>,
    order: Order,
    interrupts: Interrupts,
    /// Certificate and key when the lease was given: its grant names that key.
    credentials: Arc<Credentials>,
}

impl Attempt {
    /// Does `work` unless something ends it from outside.
    async fn unless_stopped<T, E: Into<Halt>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Halt> {
        let mut interrupts = self.interrupts.clone();
        tokio::select! {
            biased;
            stop = interrupts.wait() => Err(stop.into()),
            done = work => done.map_err(Into::into),
        }
    }

    async fn prepare(&self, dir: &AttemptDir) -> Result<Prepared, Halt> {
        let spec = &self.order.request().spec;
        let inputs = fetch(&self.shared.scheduler, self.order.key(), dir, &spec.inputs).await?;
        let (spec, dir) = (spec.clone(), dir.clone());
        let read = move || {
            let model = inspect::model(&dir.input("model"))?;
            let (definition, csv) = (dir.input("definition"), dir.input("dataset"));
            let (dataset, division) = inspect::dataset(&definition, &csv, &spec)?;
            dir.write_spec(&spec).map_err(|e| disk(&e))?;
            Ok((model, dataset, division))
        };
        let (model, dataset, division) = blocking(read).await?;
        Ok(Prepared { inputs, model, dataset, division })
    }

    fn settings(&self, dir: &AttemptDir, limits: Limits, image: &ImageFact) -> Settings {
        let key = self.order.key();
        let user = self.shared.config.container_user;
        Settings {
            name: format!("aibom-{}-{}-{}", key.job, key.attempt, key.token),
            image_id: image.id.clone(),
            user: format!("{}:{}", user.uid, user.gid),
            inputs: dir.inputs(),
            outputs: dir.outputs(),
            limits,
            gpus: self.order.request().spec.resources.gpus,
            labels: BTreeMap::from([
                (LABEL_EXECUTOR.to_owned(), self.shared.config.name.clone()),
                (LABEL_JOB.to_owned(), key.job.to_string()),
                (LABEL_ATTEMPT.to_owned(), key.attempt.to_string()),
            ]),
        }
    }

    /// Runs the container and tells the user about it meanwhile.
    async fn train(
        &mut self,
        dir: &AttemptDir,
        settings: &Settings,
        image: &ImageFact,
    ) -> Result<Finished, Failure> {
        let (engine, key) = (Arc::clone(&self.shared.engine), self.order.key());
        let (scheduler, log) = (self.shared.scheduler.clone(), dir.log());
        let mut progress = None;
        let on_start =
            |snapshot| progress = Some(Progress::spawn(scheduler, key, log.clone(), snapshot));
        let interrupts = &mut self.interrupts;
        let ran = sandbox::run(engine.as_ref(), settings, image, &log, interrupts, on_start).await;
        if let Some(progress) = progress {
            progress.finish().await;
        }
        ran
    }

    async fn deliver(
        &self,
        dir: &AttemptDir,
        names: Vec<String>,
        limit: u64,
        division: Option<Division>,
    ) -> Result<Delivered, Halt> {
        let (out, log) = (dir.outputs(), dir.log());
        let open = move || {
            let files = collect(&out, &names, limit)?;
            let results = results::read(&files, division.as_ref());
            let log = outputs::open_log(&log).map_err(|e| disk(&e))?;
            Ok((files, log, results))
        };
        let (files, log, results) = blocking(open).await?;
        for file in files.iter().chain([&log]) {
            upload(&self.shared.scheduler, self.order.key(), file).await?;
        }
        let outputs = files.into_iter().map(|output| output.file).collect();
        Ok(Delivered { outputs, log: log.file, results })
    }

    async fn work(&mut self) -> Result<Worked, Halt> {
        let (config, host) = (&self.shared.config, &self.shared.host.host);
        let spec = &self.order.request().spec;
        let limits = limits(&spec.resources, &config.limits, host.cpus)?;
        let image = self.unless_stopped(image(&self.shared, &spec.trainer.image)).await?;
        let (shared, key, user) =
            (Arc::clone(&self.shared), self.order.key(), config.container_user);
        let dir = blocking(move || shared.work.attempt(key, user).map_err(|e| disk(&e))).await?;
        let mut prepared = self.unless_stopped(self.prepare(&dir)).await?;
        let settings = self.settings(&dir, limits.clone(), &image);
        let finished = self.train(&dir, &settings, &image).await?;
        let names = match classify(&finished.ended, &limits) {
            Verdict::Trained(names) => names,
            Verdict::Failed(failure) => return Err(Halt::Failed(failure)),
            Verdict::Abandoned => return Err(Halt::Abandoned),
        };
        let division = prepared.division.take();
        let delivered = self.deliver(&dir, names, limits.output_bytes, division);
        let delivered = self.unless_stopped(delivered).await?;
        Ok(Worked { finished, prepared, delivered })
    }

    /// Signs what was seen, under the newest grant.
    fn sign(self, worked: Worked, grant: HeldGrant) -> Result<Document, Failure> {
        let failed = |text: String| Failure::infrastructure(&text);
        let wanted = grant.grant.executor.key;
        let current = self.shared.identity.current();
        let credentials = [current, self.credentials]
            .into_iter()
            .find(|known| known.signing_key().public_key().key_id() == wanted)
            .ok_or_else(|| failed("the grant names no key of this executor".to_owned()))?;
        let Worked { finished, prepared, delivered } = worked;
        let Delivered { outputs, log, results } = delivered;
        let run = Run {
            grant,
            executor: self.shared.identity.spiffe_id().clone(),
            binary: self.shared.host.binary,
            inputs: prepared.inputs,
            observed: Observed {
                container: finished.container,
                host: self.shared.host.for_run(self.order.request().spec.resources.gpus),
                model: prepared.model,
                dataset: Dataset { split_agrees: results.split_agrees, ..prepared.dataset },
                trained: results.trained,
                usage: finished.usage,
            },
            order: self.order,
            reported: finished.ended.report.reported,
            outputs,
            log,
            started_on: finished.started_on,
            finished_on: finished.finished_on,
        };
        let statement = statement(&run).map_err(|e| failed(e.to_string()))?;
        let envelope: Envelope = seal(&statement, credentials.signing_key().as_ref())
            .map_err(|e| failed(e.to_string()))?;
        let certificates = credentials.certificate_chain_der().to_vec();
        Ok(Document { envelope: envelope.as_bytes().to_vec(), certificates })
    }
}

/// Works on an order; `None` when the lease was lost and nothing may be said. Containers and files
/// are cleaned up by the caller, whatever happened here.
pub async fn run(
    shared: Arc<Shared>,
    order: Order,
    renewer: Renewer,
    drain: CancellationToken,
) -> Option<Outcome> {
    let began = Instant::now();
    let interrupts = Interrupts { tenure: renewer.watch(), drain };
    let credentials = shared.identity.current();
    let mut attempt = Attempt { shared, order, interrupts, credentials };
    let worked = attempt.work().await;
    // No renewal runs beside the signature: the grant in the evidence is the last one there was.
    let tenure = renewer.finish().await;
    metrics::histogram!("executor_attempt_seconds").record(began.elapsed().as_secs_f64());
    let failure = match (worked, tenure.standing()) {
        (_, Standing::Lost) | (Err(Halt::Abandoned), _) => return None,
        (_, Standing::Cancelled) => Failure::cancelled(),
        (Err(Halt::Failed(failure)), Standing::Held) => failure,
        (Ok(worked), Standing::Held) => {
            let grant = tenure.grant().document.clone();
            match attempt.sign(worked, tenure.grant().clone()) {
                Ok(training) => return Some(Outcome::Success { training, grant }),
                Err(failure) => failure,
            }
        }
    };
    Some(Outcome::Failure(failure))
}

#[cfg(test)]
mod tests;
