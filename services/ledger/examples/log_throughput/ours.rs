//! The real log: in process, over the wire, and at its start.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bundle::Tag;
use ids::{Sha256Digest, Timestamp};
use keys::FileKey;
use ledger::{Core, Leaf, Parts, SignKey, TABLES};
use proto::ledger::v1::AppendRequest;
use rpc::CancellationToken;
use store::Durable;

use crate::{
    drive::{Figures, drive},
    mesh::TestMesh,
};

fn commitment(number: u64) -> Sha256Digest {
    Sha256Digest::of(&number.to_be_bytes())
}

async fn open(directory: &Path, publish: bool, stop: &CancellationToken) -> Core {
    let pem = keys::generate_ed25519(&[1; 32]).unwrap();
    let parts = Parts {
        store: Durable::open(directory.join("ledger.redb"), TABLES).unwrap(),
        state: directory.to_owned(),
        key: SignKey::new(FileKey::from_pem(&pem).unwrap(), "mesh.test/ledger").unwrap(),
        witnesses: None,
        tiles: publish.then(|| directory.join("tiles").to_string_lossy().into_owned()),
        publish_every: Duration::from_millis(250),
        cosign_every: Duration::from_secs(60),
    };
    let clock = Arc::new(|| Timestamp::from(SystemTime::now()));
    Core::start(parts, clock, stop.clone()).await.unwrap()
}

async fn append(core: &Core, callers: usize, life: Duration, first: u64) -> Figures {
    let appender = core.appender().clone();
    drive(callers, life, move |number| {
        let appender = appender.clone();
        async move {
            let commitment = commitment(first + number);
            let leaf = Leaf { commitment, tag: Tag::from_bytes([7; 16]) };
            appender.append(leaf, None).await.unwrap();
        }
    })
    .await
}

pub(crate) async fn in_process(directory: &Path, life: Duration, publish: bool) -> Figures {
    let stop = CancellationToken::new();
    let core = open(directory, publish, &stop).await;
    let figures = append(&core, 64, life, 0).await;
    stop.cancel();
    core.stopped().await;
    figures
}

pub(crate) async fn over_mtls(life: Duration) -> Figures {
    let mesh = TestMesh::new();
    let running = mesh.start().await;
    let client = mesh.scheduler(&running);
    let figures = drive(64, life, move |number| {
        let mut client = client.clone();
        async move {
            let commitment = commitment(number).as_bytes().to_vec();
            client.append(AppendRequest { commitment, tag: vec![7; 16] }).await.unwrap();
        }
    })
    .await;
    running.stop().await;
    figures
}

/// Resident memory, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How long a start with so many entries takes, and what it keeps in memory.
pub(crate) async fn start(directory: &Path, entries: u64) {
    if std::env::var_os("THROUGHPUT_START").is_none() {
        let stop = CancellationToken::new();
        let core = open(directory, false, &stop).await;
        let mut size = 0;
        while size < entries {
            append(&core, 1024, Duration::from_secs(2), size).await;
            size = core.log().committed().size;
        }
        stop.cancel();
        core.stopped().await;
        // In a process of its own: memory that was used before would count.
        let program = std::env::current_exe().unwrap();
        let mut again = std::process::Command::new(program);
        let again = again.args([directory.as_os_str(), "1".as_ref(), "1".as_ref()]);
        assert!(again.env("THROUGHPUT_START", "1").status().unwrap().success());
        return;
    }
    let (begun, before) = (Instant::now(), resident());
    let checked = Durable::open(directory.join("ledger.redb"), TABLES).unwrap();
    let pages = begun.elapsed();
    drop(checked);
    let begun = Instant::now();
    let core = open(directory, false, &CancellationToken::new()).await;
    let size = core.log().committed().size;
    println!(
        "start with {size} entries: {:?}, of it the check of every page {pages:?}",
        begun.elapsed()
    );
    let bytes = (resident() - before) * 1024;
    println!(
        "memory: {} MiB, {} bytes an entry (store's cache included)",
        bytes >> 20,
        bytes / size
    );
}
