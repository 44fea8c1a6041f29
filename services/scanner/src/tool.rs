//! Trivy: whether it is there, its digest, how it is shut in, and one run of it.

mod container;
mod launcher;
mod order;
mod process;

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use tokio::sync::OnceCell;

pub use launcher::RunConfined;
pub use order::Target;

use crate::{
    child::ChildError,
    config::{Config, Sandbox},
    engine::EngineError,
    fingerprint::{Fingerprint, Print},
};
use container::Containers;
use order::Order;
use process::Processes;

/// The tool is not there, or cannot be shut in.
#[derive(Debug, thiserror::Error)]
pub enum ToolMissing {
    /// No binary, or one that cannot be run.
    #[error("no usable Trivy at {path} ({reason}); deploy/setup/trivy.sh installs it")]
    Binary {
        /// Where it should be.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The image of `tool.image` is not there, or holds no tool.
    #[error(
        "no usable Trivy in the image {image} ({reason}); deploy/setup/trivy-image.sh makes one"
    )]
    Image {
        /// `tool.image`.
        image: String,
        /// What is wrong.
        reason: String,
    },
    /// The engine that should run it does not answer.
    #[error(transparent)]
    Engine(EngineError),
    /// It cannot be shut in as configured.
    #[error("Trivy cannot be shut in ({0}); tool.sandbox in the configuration says how it should")]
    Sandbox(String),
}

/// How the tool is shut in, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
struct InForce {
    layers: String,
    missing: String,
}

#[derive(Debug)]
enum Place {
    Process { file: Fingerprint, processes: Processes },
    Container(Containers),
}

/// The start of an ELF file, up to the kind of processor.
const ELF_START_BYTES: usize = 20;

/// That a program is for this kind of processor, as far as its first bytes say: whoever starts
/// another one is told of a missing file or permission.
fn runs_here(program: &Path) -> io::Result<()> {
    let start = |path: &Path| {
        let mut start = [0; ELF_START_BYTES];
        File::open(path)?.read_exact(&mut start).map(|()| start)
    };
    // Width, byte order, kind of processor; a script has none.
    let kind = |[a, b, c, d, width, order, .., low, high]: [u8; ELF_START_BYTES]| {
        ([a, b, c, d] == *b"\x7fELF").then_some((width, order, low, high))
    };
    let (theirs, ours) = match start(program) {
        Ok(theirs) => (kind(theirs), kind(start(Path::new("/proc/self/exe"))?)),
        // Shorter than that, and so a script if anything.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
        Err(error) => return Err(error),
    };
    if theirs.is_none() || theirs == ours {
        return Ok(());
    }
    Err(io::Error::other("a program for another kind of processor"))
}

/// The tool as configured.
pub struct Tool {
    place: Place,
    sandbox: Sandbox,
    timeout_ms: u64,
    in_force: OnceCell<InForce>,
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Tool {
    /// The tool that `config` describes; nothing is looked at yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let tool = &config.tool;
        let place = match (tool.sandbox, tool.image_id()) {
            (Sandbox::Container, Some(image)) => Place::Container(Containers::new(config, image)),
            (Sandbox::Container | Sandbox::Process | Sandbox::None, _) => Place::Process {
                file: Fingerprint::new(tool.path.clone()),
                processes: Processes::new(tool),
            },
        };
        let (sandbox, timeout_ms) = (tool.sandbox, tool.timeout_ms);
        Self { place, sandbox, timeout_ms, in_force: OnceCell::new() }
    }

    /// Whether it can run now; the first time that it can, the log says how it is shut in, and what
    /// an earlier process left behind is removed.
    ///
    /// # Errors
    /// When it is missing, or cannot be shut in as configured.
    pub async fn ready(&self) -> Result<(), ToolMissing> {
        self.print().await?;
        self.in_force
            .get_or_try_init(|| async {
                let in_force = match &self.place {
                    Place::Process { processes, .. } => processes.check().await,
                    Place::Container(containers) => containers.check().await,
                };
                let refused = |error: ChildError| ToolMissing::Sandbox(error.to_string());
                in_force.map_err(refused).inspect(|in_force| self.say(in_force))
            })
            .await
            .map(drop)
    }

    fn say(&self, InForce { layers, missing }: &InForce) {
        let sandbox = format!("{:?}", self.sandbox).to_lowercase();
        if missing.is_empty() {
            tracing::info!(sandbox, layers, "Trivy is shut in");
        } else {
            tracing::warn!(sandbox, layers, missing, "Trivy is not, or not wholly, shut in");
        }
        metrics::gauge!("scan_sandbox_info", "sandbox" => sandbox, "missing" => missing.clone())
            .set(1.0);
    }

    /// The binary's digest now.
    pub(crate) async fn print(&self) -> Result<Print, ToolMissing> {
        let file = match &self.place {
            Place::Container(containers) => return containers.print().await,
            Place::Process { file, .. } => file,
        };
        let missing = |error: io::Error| ToolMissing::Binary {
            path: file.path().display().to_string(),
            reason: error.to_string(),
        };
        let metadata = std::fs::metadata(file.path()).map_err(missing)?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
            return Err(missing(io::Error::other("not an executable file")));
        }
        runs_here(file.path()).map_err(missing)?;
        file.print().await.map_err(missing)
    }

    /// The report on `target`, within the bounds of the configuration; `home` is an empty
    /// directory (Trivy obeys a `trivy.yaml` or `.trivyignore` where it runs), `database` the one
    /// that holds `db`. Without a database, vulnerabilities are not looked up.
    ///
    /// # Errors
    /// When the tool cannot be started or shut in, fails, or reaches a bound.
    pub async fn scan(
        &self,
        target: Target<'_>,
        home: &Path,
        database: Option<&Path>,
    ) -> Result<Vec<u8>, ChildError> {
        let order = Order { target, home, database, timeout_ms: self.timeout_ms };
        match &self.place {
            Place::Process { processes, .. } => processes.run(order).await,
            Place::Container(containers) => containers.run(order).await,
        }
    }
}
