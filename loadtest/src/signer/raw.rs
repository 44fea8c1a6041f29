//! Signatures and nothing else, of messages as long as those of an AIBoM.

use std::{hint::black_box, time::Instant};

use anyhow::Context as _;
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};

use super::work::Messages;
use crate::{
    cpu,
    rounds::{as_f64, median},
    site::Site,
};

/// What signing alone showed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Raw {
    /// Signatures per second.
    pub(crate) per_second: f64,
    /// Processor time for one, in milliseconds.
    pub(crate) cpu_ms: f64,
}

/// The three Ed25519 signatures of each of `aiboms` AIBoMs, one thread of this process.
pub(super) fn ed25519(site: &Site, messages: &Messages, aiboms: usize) -> anyhow::Result<Raw> {
    let key = site.mesh.platform_key();
    let key = key.as_ed25519().context("an Ed25519 key")?;
    let model = super::token::MODEL;
    let lengths = messages.0.iter().enumerate().filter(|(place, _)| *place != model);
    let messages: Vec<Vec<u8>> = lengths.map(|(_, length)| vec![b'a'; *length]).collect();
    let (begun, before) = (Instant::now(), cpu::thread_seconds()?);
    for _ in 0..aiboms {
        for message in &messages {
            black_box(key.sign(message));
        }
    }
    let count = as_f64((aiboms * messages.len()) as u64);
    let cpu_ms = (cpu::thread_seconds()? - before) * 1e3 / count;
    Ok(Raw { per_second: count / begun.elapsed().as_secs_f64(), cpu_ms })
}

/// Each figure's median over the rounds.
pub(super) fn middle(rounds: &[Raw]) -> anyhow::Result<Raw> {
    let per_second = median(rounds.iter().map(|raw| raw.per_second))?;
    Ok(Raw { per_second, cpu_ms: median(rounds.iter().map(|raw| raw.cpu_ms))? })
}
