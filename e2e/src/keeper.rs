//! One mesh for many test processes, started by the first and stopped after the last.
//!
//! Every user of a directory holds a shared lock on its `users.lock`, which the kernel frees
//! however the user ends. The keeper, a process of its own, holds `keeper.lock` and runs
//! `aibom up`; when it can take `users.lock` for itself, nobody is left, and it stops the mesh.

use std::{
    fs::{File, TryLockError},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::{place, token::Token, wait};

/// How long the mesh may take to start, in seconds.
const START_S: u64 = 90;
/// How long it may take to stop, in seconds.
const STOP_S: u64 = 40;

fn lock_file(directory: &Path, name: &str) -> anyhow::Result<File> {
    let path = directory.join(name);
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))
}

fn is_free(file: &File) -> anyhow::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// What a mesh is started with.
#[derive(Debug, Clone)]
pub struct Order {
    /// The directory of locks; the mesh is in `mesh` below it.
    pub directory: PathBuf,
    /// How long the mesh outlives its last user, in milliseconds.
    pub grace_ms: u64,
    /// Jobs at once.
    pub slots: u32,
    /// Where the signing keys are.
    pub keys: Keys,
}

/// Where a mesh's signing keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// In files, as `aibom up` makes them.
    Files,
    /// In a SoftHSM token behind the fault shim.
    Token,
}

impl Keys {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Token => "token",
        }
    }
}

impl std::str::FromStr for Keys {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let named = [Self::Files, Self::Token].into_iter().find(|keys| keys.as_str() == text);
        named.with_context(|| format!("signing keys are in files or in a token, not in {text:?}"))
    }
}

impl Order {
    /// The mesh's own directory.
    #[must_use]
    pub fn mesh(&self) -> PathBuf {
        self.directory.join("mesh")
    }
}

/// Whoever holds one keeps the mesh running.
#[derive(Debug)]
pub struct Guard {
    order: Order,
    _users: File,
}

/// Gives the running mesh of `order`, and starts it where none runs.
///
/// # Errors
/// When it does not start; the message has the end of its log.
pub fn hold(order: Order) -> anyhow::Result<Guard> {
    std::fs::create_dir_all(&order.directory)?;
    let users = lock_file(&order.directory, "users.lock")?;
    users.lock_shared()?;
    let starting = lock_file(&order.directory, "start.lock")?;
    starting.lock()?;
    let keeper = lock_file(&order.directory, "keeper.lock")?;
    if is_free(&keeper)? {
        keeper.unlock()?;
        spawn(&order)?;
    }
    Ok(Guard { order, _users: users })
}

fn spawn(order: &Order) -> anyhow::Result<()> {
    let log = order.directory.join("keeper.log");
    let (out, ready) = (File::create(&log)?, order.directory.join("ready"));
    let _ = std::fs::remove_file(&ready);
    let mut keeper = Command::new(place::program("aibom-mesh-keeper")?)
        .arg(&order.directory)
        .arg(order.grace_ms.to_string())
        .arg(order.slots.to_string())
        .arg(order.keys.as_str())
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        // A group of its own: what ends the tests does not end the keeper, who cleans up.
        .process_group(0)
        .spawn()?;
    wait::until("the mesh to start", START_S, || {
        if ready.is_file() {
            return Ok(Some(()));
        }
        if keeper.try_wait()?.is_some() {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("the mesh did not start: {}\n{text}", log.display());
        }
        Ok(None)
    })
}

impl Guard {
    /// Stops the mesh when this was its last user, and waits until it is gone.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(self) -> anyhow::Result<()> {
        let Self { order, _users: users } = self;
        users.unlock()?;
        let keeper = lock_file(&order.directory, "keeper.lock")?;
        wait::until("the mesh to stop", STOP_S + 10, || Ok(is_free(&keeper)?.then_some(())))
    }
}

/// The keeper's life: start, wait for the last user to go, stop.
///
/// # Errors
/// When the mesh does not start or stop.
pub fn keep(order: &Order) -> anyhow::Result<()> {
    let keeper = lock_file(&order.directory, "keeper.lock")?;
    keeper.lock()?;
    let mesh = order.mesh();
    // What an earlier mesh left is looked at until the next one starts.
    down(&mesh)?;
    match std::fs::remove_dir_all(&mesh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut up = start(order)?;
    let served = wait_ready(&mesh, &mut up)
        .and_then(|()| Ok(File::create(order.directory.join("ready"))?))
        .and_then(|_| serve(order, &mut up));
    let stopped = stop(&mut up);
    down(&mesh)?;
    served.and(stopped)
}

fn start(order: &Order) -> anyhow::Result<Child> {
    let mut command = Command::new(place::program("aibom")?);
    command.arg("up").arg("--dir").arg(order.mesh()).args(["--base-port", "0"]);
    for name in ["keras", "probe", "outdated", "updated"] {
        command.arg("--trainer").arg(format!("{name}={}", place::trainer(name)?));
    }
    command.arg("--trivy").arg(place::trivy()?);
    command.arg("--trivy-db").arg(place::trivy_database()?);
    // The advisories are this repository's own and as old as their file.
    command.args(["--trivy-db-label", "test subset", "--trivy-db-max-age-days", "36500"]);
    command.arg("--slots").arg(order.slots.to_string());
    if order.keys == Keys::Token {
        let token = Token::of(&order.mesh());
        token.make(&order.mesh().join("certs"))?;
        command.arg("--signing-keys").arg(token.uri()).envs(token.hsm().environment());
    }
    command.stdin(Stdio::null()).spawn().context("cannot run aibom up")
}

fn wait_ready(mesh: &Path, up: &mut Child) -> anyhow::Result<()> {
    let state = mesh.join("up.json");
    wait::until("every service to answer", START_S, || {
        if let Some(status) = up.try_wait()? {
            bail!("aibom up ended: {status}");
        }
        let state: Option<serde_json::Value> =
            std::fs::read(&state).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(state.is_some_and(|state| state["ready"] == true).then_some(()))
    })
}

fn serve(order: &Order, up: &mut Child) -> anyhow::Result<()> {
    let users = lock_file(&order.directory, "users.lock")?;
    loop {
        users.lock()?;
        users.unlock()?;
        std::thread::sleep(Duration::from_millis(order.grace_ms));
        if let Some(status) = up.try_wait()? {
            bail!("aibom up ended by itself: {status}");
        }
        if is_free(&users)? {
            // Kept until the process ends: who comes now waits, and then starts another mesh.
            std::mem::forget(users);
            return Ok(());
        }
    }
}

fn stop(up: &mut Child) -> anyhow::Result<()> {
    if up.try_wait()?.is_some() {
        return Ok(());
    }
    let pid = i32::try_from(up.id()).ok().and_then(Pid::from_raw).context("a process id")?;
    kill_process(pid, Signal::TERM)?;
    let ended = wait::until("aibom up to end", STOP_S, || Ok(up.try_wait()?));
    if ended.is_err() {
        up.kill()?;
        up.wait()?;
    }
    ended.map(drop)
}

/// Stops whatever an `aibom up` that did not end properly left running.
fn down(mesh: &Path) -> anyhow::Result<()> {
    if mesh.join("up.json").is_file() {
        let mut down = Command::new(place::program("aibom")?);
        down.arg("down").arg("--dir").arg(mesh);
        crate::run::output(&mut down)?;
    }
    Ok(())
}
