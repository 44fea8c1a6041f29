//! A mesh in the background, and its end.

use std::{
    fs::File,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    DownArguments, UpArguments,
    health::READY_MS,
    plan::PROFILE_FILE,
    process::{signal, tail},
    state::{Running, State},
};
use crate::{
    failure::{Exit, Failure},
    terminal::{Style, Terminal},
};

/// How often the other process is looked at, in milliseconds.
const LOOK_EVERY_MS: u64 = 50;
/// How long `up` may take to stop everything, in milliseconds: each service has its own bound.
const STOP_MS: u64 = 90_000;
/// How long a service that `up` left behind may take, in milliseconds.
const LEFT_BEHIND_MS: u64 = 15_000;

/// Waits until `done`, at most `bound_ms`; whether it was.
fn wait(bound_ms: u64, mut done: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > Duration::from_millis(bound_ms) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
    }
    true
}

/// Starts `up` in the background and waits until its mesh is ready.
pub(super) fn up(terminal: &Terminal, arguments: &UpArguments) -> Result<Exit, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::cannot("cannot start the mesh in the background").because(error)
    };
    let directory = &arguments.dir;
    if State::read(directory).is_some_and(|state| state.up.is_alive()) {
        let shown = directory.display();
        return Err(Failure::cannot(format_args!("a mesh runs in {shown} already"))
            .remedy(format_args!("stop it with 'aibom down --dir {shown}'")));
    }
    State::remove(directory);
    std::fs::create_dir_all(directory.join("logs")).map_err(cannot)?;
    let log = directory.join("logs/up.log");
    let file = File::create(&log).map_err(cannot)?;
    let others = std::env::args_os().skip(1).filter(|argument| argument != "--detach");
    let mut child = Command::new(std::env::current_exe().map_err(cannot)?)
        .args(others)
        .arg("--in-background")
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(cannot)?)
        .stderr(file)
        .process_group(0)
        .spawn()
        .map_err(cannot)?;
    let mut ended = false;
    // Each service has READY_MS of its own; `up` gives up by itself when one needs longer.
    let answered = wait(READY_MS.saturating_mul(8), || {
        ended = child.try_wait().is_ok_and(|status| status.is_some());
        ended || State::read(directory).is_some_and(|state| state.ready)
    });
    if ended || !answered {
        return Err(Failure::cannot("the mesh did not start").because(tail(&log)));
    }
    if terminal.is_json() {
        let profile = client::Profile::load(&directory.join(PROFILE_FILE))
            .map_err(|error| Failure::cannot("the mesh left no profile").caused_by(&error))?;
        terminal.json(&profile)?;
    } else {
        terminal.line(tail(&log))?;
        let remedy = format!("stop it with: aibom down --dir {}", directory.display());
        terminal.say(terminal.paint(Style::Dim, remedy));
    }
    Ok(Exit::Done)
}

/// Runs `aibom down`.
pub(crate) fn down(terminal: &Terminal, arguments: &DownArguments) -> Result<Exit, Failure> {
    let directory = &arguments.dir;
    let Some(state) = State::read(directory) else {
        terminal.say(format_args!("no mesh runs in {}", directory.display()));
        return Ok(Exit::Done);
    };
    if state.up.is_alive() {
        signal(state.up.pid, Signal::TERM);
        if !wait(STOP_MS, || !state.up.is_alive()) {
            signal(state.up.pid, Signal::KILL);
        }
    }
    // A killed `up` leaves its services; the newest state says which.
    let services = State::read(directory).map_or(state.services, |state| state.services);
    sweep(&services, directory)?;
    State::remove(directory);
    terminal.say(format_args!("the mesh in {} is stopped", directory.display()));
    Ok(Exit::Done)
}

fn sweep(services: &[Running], directory: &Path) -> Result<(), Failure> {
    for service in services.iter().rev().filter(|service| service.is_alive()) {
        signal(service.pid, Signal::TERM);
        if !wait(LEFT_BEHIND_MS, || !service.is_alive()) {
            signal(service.pid, Signal::KILL);
        }
        if !wait(LEFT_BEHIND_MS, || !service.is_alive()) {
            let (name, pid) = (&service.name, service.pid);
            return Err(Failure::cannot(format_args!("the {name} does not stop (process {pid})"))
                .remedy(format_args!("see its log in {}/logs", directory.display())));
        }
    }
    Ok(())
}
