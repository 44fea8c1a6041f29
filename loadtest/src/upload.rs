//! One large upload beside what the same file costs to copy, to hash, and to send bare.

use std::{
    fs::File,
    io::{BufWriter, Seek as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use client::{Artifacts, LocalFile, UploadOutcome};
use serde::Serialize;
use tokio::process::Command;

use crate::{
    options::Upload,
    raw_tls::{self, Hashes},
    rounds::{as_f64, median},
    site::Site,
};

/// What share of raw TLS with SHA-256 an upload has to reach.
const TARGET: f64 = 0.60;

/// One round: how long each contender took, in seconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Seconds {
    /// The uploader of `libs/client` to the scheduler: both digests, synced, under its key.
    pub(crate) upload: f64,
    /// Processor time of the scheduler for it.
    pub(crate) upload_server_cpu: f64,
    /// `cp`, then fsync of the copy.
    pub(crate) copy: f64,
    /// `openssl dgst -sha256`, where there is one.
    pub(crate) openssl_sha256: Option<f64>,
    /// `openssl dgst -sha512`, where there is one.
    pub(crate) openssl_sha512: Option<f64>,
    /// TLS to a receiver that hashes SHA-256.
    pub(crate) tls_sha256: f64,
    /// TLS to a receiver that hashes SHA-256 and SHA-512.
    pub(crate) tls_both: f64,
}

/// All rounds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Uploads {
    /// The file, in bytes.
    pub(crate) bytes: u64,
    /// The contenders' medians, in bytes per second.
    pub(crate) per_second: Vec<(&'static str, f64)>,
    /// Upload over raw TLS with SHA-256: the median of the rounds' ratios.
    pub(crate) ratio_tls_sha256: f64,
    /// Upload over raw TLS with both hashes.
    pub(crate) ratio_tls_both: f64,
    /// Upload over cp + fsync.
    pub(crate) ratio_copy: f64,
    /// What `ratio_tls_sha256` should be.
    pub(crate) target: f64,
    /// Every round.
    pub(crate) rounds: Vec<Seconds>,
}

/// Writes noise that no file system makes smaller. Blocks.
fn make_file(path: &Path, bytes: u64) -> anyhow::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..bytes / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    let rest = usize::try_from(bytes % 8)?;
    file.write_all(state.to_le_bytes().get(..rest).unwrap_or_default())?;
    file.into_inner()?.sync_all()?;
    Ok(())
}

/// Makes the file another one, so that the store does not have it yet. Blocks.
fn stamp(path: &Path, round: u8) -> anyhow::Result<LocalFile> {
    let mut file = File::options().write(true).open(path)?;
    file.rewind()?;
    file.write_all(&[round, !round])?;
    file.sync_all()?;
    Ok(LocalFile::hash(path)?)
}

async fn upload(site: &Site, binary: &Path, file: &LocalFile) -> anyhow::Result<(f64, f64)> {
    let server = site.scheduler(binary, "upload").await?;
    let channel = site.channel(&server)?;
    channel.probe().await.map_err(|status| anyhow::anyhow!(rpc::describe(&status)))?;
    let artifacts = Artifacts::new(channel);
    let cpu = server.cpu_seconds()?;
    let begun = Instant::now();
    let outcome = artifacts.upload(file, Arc::new(|_| ())).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = server.cpu_seconds()? - cpu;
    anyhow::ensure!(outcome == UploadOutcome::Sent { resumed_at: 0 }, "not a whole upload");
    server.stop().await?;
    tokio::fs::remove_dir_all(site.path("upload")).await?;
    Ok((seconds, cpu))
}

async fn copy(site: &Site, path: &Path) -> anyhow::Result<f64> {
    let target = site.path("copy");
    let begun = Instant::now();
    let status = Command::new("cp").arg(path).arg(&target).kill_on_drop(true).status().await?;
    anyhow::ensure!(status.success(), "cp: {status}");
    tokio::fs::File::open(&target).await?.sync_all().await?;
    let seconds = begun.elapsed().as_secs_f64();
    tokio::fs::remove_file(&target).await?;
    Ok(seconds)
}

/// `None` where there is no openssl.
async fn openssl(digest: &str, path: &Path) -> anyhow::Result<Option<f64>> {
    let begun = Instant::now();
    let mut command = Command::new("openssl");
    command.args(["dgst", digest]).arg(path).stdout(Stdio::null()).kill_on_drop(true);
    match command.status().await {
        Ok(status) if status.success() => Ok(Some(begun.elapsed().as_secs_f64())),
        Ok(status) => anyhow::bail!("openssl dgst {digest}: {status}"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("cannot run openssl"),
    }
}

async fn round(site: &Site, binary: &Path, path: &Path, number: u8) -> anyhow::Result<Seconds> {
    let stamped = path.to_owned();
    let file = tokio::task::spawn_blocking(move || stamp(&stamped, number)).await??;
    let tls_sha256 = raw_tls::send(site, path, Hashes::Sha256).await?.as_secs_f64();
    let (upload, upload_server_cpu) = upload(site, binary, &file).await?;
    Ok(Seconds {
        upload,
        upload_server_cpu,
        tls_sha256,
        tls_both: raw_tls::send(site, path, Hashes::Both).await?.as_secs_f64(),
        copy: copy(site, path).await?,
        openssl_sha256: openssl("-sha256", path).await?,
        openssl_sha512: openssl("-sha512", path).await?,
    })
}

type Contender = (&'static str, fn(&Seconds) -> Option<f64>);

const CONTENDERS: [Contender; 6] = [
    ("upload: mTLS, both digests, durable", |s| Some(s.upload)),
    ("raw TLS + SHA-256", |s| Some(s.tls_sha256)),
    ("raw TLS + SHA-256 + SHA-512", |s| Some(s.tls_both)),
    ("cp + fsync", |s| Some(s.copy)),
    ("openssl dgst -sha256", |s| s.openssl_sha256),
    ("openssl dgst -sha512", |s| s.openssl_sha512),
];

/// Measures every contender in every round.
pub(crate) async fn measure(
    site: &Site,
    binary: &Path,
    options: &Upload,
) -> anyhow::Result<Uploads> {
    let bytes = options.size.0;
    let path: PathBuf = site.path("large");
    let target = path.clone();
    eprintln!("upload: making a file of {bytes} bytes …");
    tokio::task::spawn_blocking(move || make_file(&target, bytes)).await??;
    let mut rounds = Vec::new();
    for number in 0..options.upload_rounds {
        eprintln!("upload: round {} of {} …", number + 1, options.upload_rounds);
        rounds.push(round(site, binary, &path, number).await?);
    }
    tokio::fs::remove_file(&path).await?;
    let mut per_second = Vec::new();
    for (name, of) in CONTENDERS {
        let times: Option<Vec<f64>> = rounds.iter().map(of).collect();
        if let Some(times) = times {
            per_second.push((name, as_f64(bytes) / median(times)?));
        }
    }
    let ratio = |of: fn(&Seconds) -> f64| median(rounds.iter().map(|s| of(s) / s.upload));
    Ok(Uploads {
        bytes,
        per_second,
        ratio_tls_sha256: ratio(|s| s.tls_sha256)?,
        ratio_tls_both: ratio(|s| s.tls_both)?,
        ratio_copy: ratio(|s| s.copy)?,
        target: TARGET,
        rounds,
    })
}
