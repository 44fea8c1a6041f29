//! A SoftHSM token, and what it reaches alone, in a process of its own that has its environment.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::Context as _;
use clap::Subcommand;
use evidence::KeyUse;
use hsm::{SESSIONS, TokenStore, Uri};
use keys::{KeyStore as _, PublicKey, SigningKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use testkit::softhsm::SoftHsm;

use super::{attest::steady_rate, raw::Raw, work::Messages};
use crate::{cpu, rounds::as_f64, site::Site};

/// Signatures that one AIBoM needs.
pub(super) const PER_AIBOM: f64 = 4.0;
/// Which of them is the model's, and by P-256.
pub(super) const MODEL: usize = 1;
const PIN: &str = "bench-pin";
/// How long a token may take to open, in milliseconds.
const OPEN_MS: u64 = 15_000;

/// What a process with a token does; not for people.
#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Makes a token with three keys.
    Make {
        #[arg(long)]
        module: PathBuf,
        #[arg(long)]
        pin: PathBuf,
    },
    /// Signs what a number of AIBoMs need, all sessions busy.
    Sign {
        #[arg(long)]
        uri: String,
        /// Key ids, in the order of the signatures.
        #[arg(long, value_delimiter = ',')]
        keys: Vec<keys::KeyId>,
        /// Lengths of the messages, in bytes.
        #[arg(long, value_delimiter = ',')]
        lengths: Vec<usize>,
        #[arg(long)]
        aiboms: usize,
    },
}

/// What a new token holds.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    uri: String,
    /// Use and PEM.
    keys: Vec<(KeyUse, String)>,
}

/// A token.
pub(super) struct Token {
    pub(super) name: String,
    pub(super) uri: String,
    pub(super) environment: Vec<(&'static str, PathBuf)>,
    keys: Vec<(KeyUse, String)>,
}

/// Runs a job of a process with this environment, and reads what it prints.
fn child<T: DeserializeOwned>(
    environment: &[(&'static str, PathBuf)],
    arguments: &[String],
) -> anyhow::Result<T> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("token").args(arguments).envs(environment.iter().cloned());
    let output = command.stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "the process with the token ended: {}", output.status);
    serde_json::from_slice(&output.stdout).context("what the process with the token said")
}

impl Token {
    /// A new token in the site, with three keys; with `signature_ms` a shim waits that long before
    /// each signature.
    pub(super) fn make(site: &Site, name: &str, signature_ms: Option<u32>) -> anyhow::Result<Self> {
        let directory = site.path(name).canonicalize().or_else(|_| {
            std::fs::create_dir_all(site.path(name))?;
            site.path(name).canonicalize()
        })?;
        let hsm = SoftHsm::create(&directory);
        let module = match signature_ms {
            Some(_) => hsm.module(),
            None => SoftHsm::real_module().context("SoftHSM is not installed")?,
        };
        let mut environment = hsm.environment();
        // Without a log of every call: that would be measured, too.
        environment.retain(|(name, _)| *name != "P11FAULT_LOG");
        let pin = directory.join("pin");
        keys::write_secret(&pin, PIN)?;
        let text = |path: &PathBuf| path.display().to_string();
        let arguments = ["make", "--module", &text(&module), "--pin", &text(&pin)];
        let made: Made = child(&environment, &arguments.map(str::to_owned))?;
        if let Some(ms) = signature_ms {
            hsm.faults(&format!("C_Sign=sleep:{ms}\n"));
        }
        Ok(Self { name: name.to_owned(), uri: made.uri, environment, keys: made.keys })
    }

    pub(super) fn public_key(&self, usage: KeyUse) -> anyhow::Result<&str> {
        let found = self.keys.iter().find(|(of, _)| *of == usage).map(|(_, pem)| pem.as_str());
        found.context("the token has a key for each use")
    }

    /// The signatures of `aiboms` AIBoMs by the token alone. Blocks.
    pub(super) fn sign(&self, messages: &Messages, aiboms: usize) -> anyhow::Result<Raw> {
        let order = [KeyUse::Aibom, KeyUse::Model, KeyUse::Aibom, KeyUse::Layout];
        let ids = order
            .iter()
            .map(|usage| Ok(PublicKey::from_pem(self.public_key(*usage)?)?.key_id().to_string()));
        let ids: Vec<String> = ids.collect::<anyhow::Result<_>>()?;
        let lengths: Vec<String> = messages.0.iter().map(ToString::to_string).collect();
        let (ids, lengths, aiboms) = (ids.join(","), lengths.join(","), aiboms.to_string());
        let arguments: [&str; 9] = [
            "sign",
            "--uri",
            &self.uri,
            "--keys",
            &ids,
            "--lengths",
            &lengths,
            "--aiboms",
            &aiboms,
        ];
        tokio::task::block_in_place(|| child(&self.environment, &arguments.map(str::to_owned)))
    }
}

/// Does what a process with a token is for, and prints what came of it.
pub(crate) fn run(job: Job) -> anyhow::Result<()> {
    let text = match job {
        Job::Make { module, pin } => {
            let uri = hsm::initialise(&module, None, "bench", "officer-pin", PIN)?;
            let uri = Uri { pin_source: Some(pin), ..uri };
            let token = hsm::Token::open(&uri)?;
            let mut keys = Vec::new();
            for usage in KeyUse::SIGNER {
                let key = token.generate(usage.algorithm(), usage.as_str())?;
                keys.push((usage, key.to_pem()));
            }
            serde_json::to_string(&Made { uri: uri.to_string(), keys })?
        }
        Job::Sign { uri, keys, lengths, aiboms } => {
            serde_json::to_string(&sign(uri.parse()?, &keys, &lengths, aiboms)?)?
        }
    };
    println!("{text}");
    Ok(())
}

fn sign(uri: Uri, ids: &[keys::KeyId], lengths: &[usize], aiboms: usize) -> anyhow::Result<Raw> {
    let store = TokenStore::new(uri, None)?;
    let begun = Instant::now();
    while let Err(error) = store.ready() {
        anyhow::ensure!(begun.elapsed().as_millis() < OPEN_MS.into(), error);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut works: Vec<(Arc<dyn SigningKey>, Vec<u8>)> = Vec::new();
    for (id, length) in ids.iter().zip(lengths) {
        works.push((store.find(*id)?, vec![b'a'; *length]));
    }
    for (key, message) in &works {
        key.sign(message)?;
    }
    let count = aiboms * works.len();
    let (next, works) = (AtomicUsize::new(0), &works);
    let before = cpu::seconds(std::process::id())?;
    let begun = Instant::now();
    let ends = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..SESSIONS)
            .map(|_| {
                scope.spawn(|| -> anyhow::Result<Vec<_>> {
                    let mut ends = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let work = works.get(number % works.len()).filter(|_| number < count);
                        let Some((key, message)) = work else { return Ok(ends) };
                        key.sign(message)?;
                        ends.push(begun.elapsed());
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| anyhow::anyhow!("a thread ended"))??);
        }
        anyhow::Ok(all)
    })?;
    let cpu_ms = (cpu::seconds(std::process::id())? - before) * 1e3 / as_f64(count as u64);
    // The token stays open until the process ends: closing it, in a thread of the store, would meet
    // the exit handlers of the module.
    std::mem::forget(store);
    Ok(Raw { per_second: steady_rate(ends, SESSIONS)?, cpu_ms })
}
