//! `aibom scanner db update`: Trivy downloads the database beside the old one, then it is imported.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use scandb::{DOWNLOAD_TIMEOUT_MS, Download, Installer, Options};
use tokio::{
    io::{AsyncReadExt as _, copy, sink},
    process::{ChildStderr, Command},
};

use super::{
    arguments::UpdateArguments,
    import::{refusal, report},
    place::Place,
};
use crate::{
    certs::now,
    failure::{Exit, Failure},
    runtime::block_on,
    terminal::{Terminal, cut},
    up,
};

const REMEDY: &str =
    "name a mirror with --repository, or carry the database here and 'aibom scanner db import' it";
/// How much of what Trivy says is kept, in bytes.
const SAID_BYTES_MAX: u64 = 64 * 1024;
/// How much of it is shown: its last line, in characters.
const SHOWN_CHARS: usize = 600;

/// Runs `aibom scanner db update`.
pub(super) fn update(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &UpdateArguments,
) -> Result<Exit, Failure> {
    let place = Place::find(&arguments.place, mesh)?;
    let download = Download {
        trivy: up::trivy(arguments.trivy.as_deref().or(place.trivy.as_deref()))?,
        repository: arguments.repository.clone().or_else(|| place.repository.clone()),
        progress: terminal.is_live(),
    };
    let installer = Installer::lock(&place.directory).map_err(|error| refusal(&error))?;
    let directory = installer.download_directory().map_err(|error| refusal(&error))?;
    let said = || "the database in place is as it was".to_owned();
    block_on(run(&download, &directory), said)?;
    let options = Options { now: now(), sha256: None, allow_older: false };
    let imported = installer.import(&directory, &options).map_err(|error| refusal(&error))?;
    report(terminal, &place.directory, &imported, &[])
}

async fn run(download: &Download, directory: &Path) -> Result<Exit, Failure> {
    let mut command = Command::from(download.command(directory));
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command.stderr(if download.progress { Stdio::inherit() } else { Stdio::piped() });
    let mut child = command.spawn().map_err(|error| {
        Failure::cannot(format_args!("cannot start {}", download.trivy.display())).because(error)
    })?;
    let stderr = child.stderr.take();
    let work = async { tokio::join!(said(stderr), child.wait()) };
    let ended = tokio::time::timeout(Duration::from_millis(DOWNLOAD_TIMEOUT_MS), work).await;
    let cannot = || Failure::cannot("Trivy did not download the database").remedy(REMEDY);
    let Ok((said, status)) = ended else {
        let minutes = DOWNLOAD_TIMEOUT_MS / 60_000;
        return Err(cannot().because(format_args!("it took longer than {minutes} minutes")));
    };
    let status = status.map_err(|error| cannot().because(error))?;
    if status.success() { Ok(Exit::Done) } else { Err(cannot().because(cause(status, &said))) }
}

fn cause(status: ExitStatus, said: &str) -> String {
    match said.trim().lines().last() {
        Some(line) => format!("{status}: {}", cut(line, SHOWN_CHARS)),
        None => status.to_string(),
    }
}

/// What Trivy says, where nobody watches it.
async fn said(stderr: Option<ChildStderr>) -> String {
    let mut text = Vec::new();
    if let Some(mut stderr) = stderr {
        // What cannot be read is not shown.
        let _ = (&mut stderr).take(SAID_BYTES_MAX).read_to_end(&mut text).await;
        let _ = copy(&mut stderr, &mut sink()).await;
    }
    String::from_utf8_lossy(&text).into_owned()
}
