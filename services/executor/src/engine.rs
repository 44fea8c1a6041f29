//! The container engine as the executor needs it: a narrow seam, so that tests can stand in.

use std::{collections::BTreeMap, path::PathBuf, pin::Pin};

use async_trait::async_trait;
use bytes::Bytes;
use evidence::{Container, Engine as EngineFact, ImageFacts, Limits};
use futures::Stream;
use job::Image;

/// Label that names the executor of a container.
pub const LABEL_EXECUTOR: &str = "org.aibom.executor";
/// Label that names the job.
pub const LABEL_JOB: &str = "org.aibom.job";
/// Label that names the attempt.
pub const LABEL_ATTEMPT: &str = "org.aibom.attempt";

/// Everything that a container is given; all else is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The container's name.
    pub name: String,
    /// Image id, `sha256:<hex>`.
    pub image_id: String,
    /// `uid:gid`, never root.
    pub user: String,
    /// Host directory that is `/aibom/in`, read-only.
    pub inputs: PathBuf,
    /// Host directory that is `/aibom/out`.
    pub outputs: PathBuf,
    /// Limits.
    pub limits: Limits,
    /// GPUs; a device request only when more than 0.
    pub gpus: u32,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// An image that is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFact {
    /// `sha256:<hex>` of its configuration.
    pub id: String,
    /// `<repository>@sha256:<hex>` names.
    pub repo_digests: Vec<String>,
    /// What else goes into the evidence.
    pub facts: ImageFacts,
}

/// A container as the engine describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What goes into the evidence.
    pub container: Container,
    /// Its first process; 0 when it does not run.
    pub pid: u32,
    /// Whether it runs.
    pub running: bool,
}

/// What a running container uses, as the engine measures it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Processes and threads now.
    pub pids: u64,
    /// Processor time so far, in milliseconds.
    pub cpu_ms: Option<u64>,
    /// The most memory so far, in bytes; the memory now where the engine does not keep the most.
    pub memory_bytes: Option<u64>,
}

/// A container that some executor left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its id.
    pub id: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// What the container prints, both streams in the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Out(Bytes),
    /// Standard error.
    Err(Bytes),
}

/// The stream of it; ends with the container.
pub type OutputStream = Pin<Box<dyn Stream<Item = Result<Output, EngineError>> + Send>>;

/// Why the engine did not do it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No such image or container.
    #[error("the engine does not have it: {0}")]
    NotFound(String),
    /// A GPU was asked for and cannot be given.
    #[error("no GPU to be had: {0}")]
    Gpu(String),
    /// It answered with an error.
    #[error("the engine refused: {0}")]
    Refused(String),
    /// It did not answer.
    #[error("the engine does not answer: {0}")]
    Away(String),
}

/// Signals that the executor sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The polite one.
    Term,
    /// The other one.
    Kill,
}

/// A container engine on this machine.
#[async_trait]
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// Name and version.
    async fn describe(&self) -> Result<EngineFact, EngineError>;
    /// The operating system of the machine that it runs containers on, where it says.
    async fn host_os(&self) -> Result<Option<String>, EngineError>;
    /// The image of that name, if it is here; never fetched.
    async fn image(&self, image: &Image) -> Result<ImageFact, EngineError>;
    /// Ids of the images that are here.
    async fn images(&self) -> Result<Vec<String>, EngineError>;
    /// Makes a container and gives its id.
    async fn create(&self, settings: &Settings) -> Result<String, EngineError>;
    /// What it prints from now on.
    async fn attach(&self, id: &str) -> Result<OutputStream, EngineError>;
    /// Starts it.
    async fn start(&self, id: &str) -> Result<(), EngineError>;
    /// Waits for its end.
    async fn wait(&self, id: &str) -> Result<(), EngineError>;
    /// Its effective settings and its state, as the engine has them.
    async fn inspect(&self, id: &str, settings: &Settings) -> Result<Inspection, EngineError>;
    /// What it uses now.
    async fn stats(&self, id: &str) -> Result<Stats, EngineError>;
    /// Sends a signal; fine when it has ended already.
    async fn signal(&self, id: &str, signal: Signal) -> Result<(), EngineError>;
    /// Removes it, running or not; fine when it is gone already.
    async fn remove(&self, id: &str) -> Result<(), EngineError>;
    /// Every container with this executor's label.
    async fn left_by(&self, executor: &str) -> Result<Vec<Left>, EngineError>;
}
