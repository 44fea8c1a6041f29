//! The running mesh: everything started, watched, renewed, and stopped in reverse order.

use std::{collections::BTreeMap, time::Duration};

use client::Mesh;
use rpc::CancellationToken;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
};

use super::{
    health, identities,
    plan::{PARTS, PROFILE_FILE, Part, Plan},
    process::{Event, Service, tail},
    state::{Running, State},
};
use crate::{
    failure::Failure,
    profile,
    terminal::{Style, Terminal},
};

/// How often certificates are looked at, in milliseconds.
const RENEW_EVERY_MS: u64 = 60_000;
/// News of services that wait to be told.
const EVENTS: usize = 64;

/// The services that run, and what is told of them.
struct Fleet {
    tasks: Vec<(CancellationToken, JoinHandle<()>)>,
    events: mpsc::Receiver<Event>,
    processes: BTreeMap<Part, Running>,
}

impl Fleet {
    fn start(plan: &Plan) -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        let tasks = PARTS.map(|part| {
            let stop = CancellationToken::new();
            let service =
                Service { plan: plan.clone(), part, stop: stop.clone(), events: sender.clone() };
            (stop, tokio::spawn(service.run()))
        });
        Self { tasks: tasks.into(), events, processes: BTreeMap::new() }
    }

    /// Stops every service, the last one first; nobody waits for news any more.
    async fn stop(mut self) {
        self.events.close();
        while let Some((stop, task)) = self.tasks.pop() {
            stop.cancel();
            let _ = task.await;
        }
    }

    fn state(&self, ready: bool) -> Result<State, Failure> {
        let own = i32::try_from(std::process::id()).unwrap_or_default();
        let up = Running::of("up", own)
            .ok_or_else(|| Failure::cannot("cannot read /proc: this system is not supported"))?;
        let services = PARTS.iter().filter_map(|part| self.processes.get(part).cloned());
        Ok(State { up, services: services.collect(), ready })
    }
}

/// The signals that end the mesh.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::cannot("cannot wait for signals").because(error))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them; a closed terminal does not end a mesh in the background.
    async fn any(&mut self, in_background: bool) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv(), if !in_background => {}
        }
    }
}

/// Starts the mesh and keeps it until a signal comes.
pub(super) async fn run(terminal: &Terminal, plan: &Plan) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let mesh = profile::open(&plan.directory.join(PROFILE_FILE))?;
    let mut running = Fleet::start(plan);
    let outcome = tokio::select! {
        outcome = keep(terminal, plan, &mesh, &mut running) => outcome,
        () = signals.any(plan.in_background) => Ok(()),
    };
    terminal.say("stopping the mesh");
    running.stop().await;
    State::remove(&plan.directory);
    terminal.say("stopped");
    outcome
}

async fn keep(
    terminal: &Terminal,
    plan: &Plan,
    mesh: &Mesh,
    running: &mut Fleet,
) -> Result<(), Failure> {
    become_ready(plan, mesh, running).await?;
    running.state(true)?.write(&plan.directory)?;
    show(terminal, plan, &running.processes)?;
    let mut renewal = tokio::time::interval(Duration::from_millis(RENEW_EVERY_MS));
    loop {
        tokio::select! {
            event = running.events.recv() => match event {
                Some(event) => told(terminal, plan, running, event)?,
                None => return Ok(()),
            },
            _ = renewal.tick() => renew(terminal, plan).await,
        }
    }
}

/// Waits until every service answers; one that dies before it ever did ends the attempt.
async fn become_ready(plan: &Plan, mesh: &Mesh, running: &mut Fleet) -> Result<(), Failure> {
    let all_ready = async {
        for part in PARTS {
            health::until_ready(plan, mesh, part).await?;
        }
        Ok(())
    };
    tokio::pin!(all_ready);
    loop {
        let event = tokio::select! {
            ready = &mut all_ready => return ready,
            event = running.events.recv() => event,
        };
        match event {
            Some(Event::Started(part, process)) => {
                running.processes.insert(part, process);
                running.state(false)?.write(&plan.directory)?;
            }
            Some(Event::Died(part, how, _)) => {
                let log = plan.log(part);
                return Err(Failure::cannot(format_args!("the {part} does not start: {how}"))
                    .because(tail(&log))
                    .remedy(format_args!("its whole log is {}", log.display())));
            }
            Some(Event::Broken(failure)) => return Err(failure),
            None => return Err(Failure::cannot("the mesh ended before it began")),
        }
    }
}

fn told(
    terminal: &Terminal,
    plan: &Plan,
    running: &mut Fleet,
    event: Event,
) -> Result<(), Failure> {
    match event {
        Event::Started(part, process) => {
            terminal.say(format_args!("the {part} runs as process {}", process.pid));
            running.processes.insert(part, process);
            running.state(true)?.write(&plan.directory)
        }
        Event::Died(part, how, backoff_ms) => {
            let log = plan.log(part);
            terminal.say(format_args!(
                "the {part} died ({how}); starting it again in {backoff_ms} ms; its log is {}",
                log.display()
            ));
            Ok(())
        }
        Event::Broken(failure) => Err(failure),
    }
}

async fn renew(terminal: &Terminal, plan: &Plan) {
    let plan = plan.clone();
    match tokio::task::spawn_blocking(move || identities::ensure(&plan)).await {
        Ok(Ok(renewed)) => {
            for role in renewed {
                terminal.say(format_args!("renewed the certificate of the {role}"));
            }
        }
        Ok(Err(failure)) => terminal.say(format_args!("cannot renew certificates: {failure}")),
        Err(_) => terminal.say("cannot renew certificates: the renewal panicked"),
    }
}

/// The table of what runs where.
fn show(
    terminal: &Terminal,
    plan: &Plan,
    processes: &BTreeMap<Part, Running>,
) -> Result<(), Failure> {
    if terminal.is_json() {
        return terminal.json(&plan.profile()?);
    }
    let rows: Vec<_> = PARTS
        .iter()
        .map(|part| {
            let pid = processes.get(part).map(|process| process.pid.to_string());
            let log = plan.log(*part).display().to_string();
            vec![part.to_string(), plan.address(*part), pid.unwrap_or_default(), log]
        })
        .collect();
    terminal.table(&["SERVICE", "ADDRESS", "PROCESS", "LOG"], &rows)?;
    for (name, image) in &plan.trainers {
        terminal.line(format_args!("trainer {name}: {image}"))?;
    }
    let ready = terminal.paint(Style::Good, "ready");
    let profile = plan.directory.join(PROFILE_FILE);
    terminal.line(format_args!("{ready}  AIBOM_MESH={}", profile.display()))
}
