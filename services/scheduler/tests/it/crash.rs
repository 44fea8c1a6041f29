//! kill -9 of the real binary: what was acknowledged is there again, and leases go on.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use proto::dispatch::v1::RenewRequest;
use proto::job::v1::{GetRequest, JobState};

use crate::world::World;

pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
}

impl Process {
    pub(crate) fn start(world: &World) -> Self {
        let path = world.directory.path().join("scheduler.toml");
        std::fs::write(&path, world.config_text()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_aibom-scheduler"))
            .arg("--config")
            .arg(&path)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("address=")?.1.trim().to_owned()))
            .expect("the scheduler says where it listens");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, url: format!("https://{address}") }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_job_survives_kill_9() {
    let world = World::new();
    let mut acknowledged = Vec::new();
    for round in 0..4_u64 {
        let process = Process::start(&world);
        let url = process.url.clone();
        world.upload_input(&url).await;
        for id in &acknowledged {
            let ask = GetRequest { id: String::clone(id) };
            assert!(world.jobs(&url, &world.mesh.user).get(ask).await.is_ok(), "lost {id}");
        }
        let jobs = world.jobs(&url, &world.mesh.user);
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..50 {
            let (mut jobs, request) =
                (jobs.clone(), world.sign(&world.request(round * 100 + number)));
            calls.spawn(async move { jobs.submit(request).await });
        }
        // Killed in the middle: some of the fifty are answered, some are not.
        let mut kill = Some(process);
        while let Some(answer) = calls.join_next().await {
            if let Ok(answer) = answer.unwrap() {
                acknowledged.push(answer.into_inner().job.unwrap().id);
            }
            if acknowledged.len() > 20 * (usize::try_from(round).unwrap() + 1)
                && let Some(process) = kill.take()
            {
                process.kill();
            }
        }
        if let Some(process) = kill {
            process.kill();
        }
    }
    assert!(acknowledged.len() >= 80, "{} acknowledged", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_goes_on_after_a_restart() {
    let world = World::new();
    let process = Process::start(&world);
    world.upload_input(&process.url).await;
    let id = world.submit(&process.url, 1).await.id;
    let lease = world.lease(&process.url, &world.mesh.executor).await.unwrap();
    process.kill();

    let process = Process::start(&world);
    let renew = RenewRequest {
        job_id: lease.job_id,
        attempt: lease.attempt,
        fencing_token: lease.fencing_token,
    };
    world.dispatch(&process.url, &world.mesh.executor).renew(renew).await.unwrap();
    let job = world.jobs(&process.url, &world.mesh.user).get(GetRequest { id }).await.unwrap();
    assert_eq!(job.into_inner().job.unwrap().state(), JobState::Training);
    process.kill();
}
