//! `aibom trust-root`: signs, shows and updates what verifiers pin.

mod changes;
mod show;
mod sign;
mod witnesses;

use std::path::PathBuf;

use ::keys::SigningKey as _;
use clap::{Args, Subcommand};
use evidence::{MAX_TRUST_ROOT_BYTES, TrustRoot};
use ids::{Sha256Digest, Timestamp};
use merkle::CosignerKey;
use serde_json::json;

pub(crate) use changes::changes;
pub(crate) use sign::{LedgerKey, sign};

use crate::{
    certs::{now, write_public},
    failure::{Exit, Failure},
    keys::{RootKey, load, short, unsigned},
    profile::{read_bounded, trust_root},
    terminal::{Style, Terminal},
};
use show::Shown;

const SIGN_EXAMPLES: &str = "\
Examples:
  aibom trust-root sign trust-root.next.json --key root.key.pem --pinned trust-root.json --out new.json

Meant for a machine that is on no network: it needs the three files and nothing else. Look at what
changes with 'aibom trust-root show trust-root.next.json --pinned trust-root.json' before.

Exit codes: 0 signed, 1 refused (it does not follow the pinned one), 2 cannot say (usage, files)";

const UPDATE_EXAMPLES: &str = "\
Examples:
  aibom trust-root update trust-root.json new.json

Exit codes: 0 replaced, or the same version already; 1 refused, and the pinned one stays: older,
another file of the same version, another mesh, signed by no pinned root key; 2 cannot say";

const WITNESS_EXAMPLES: &str = "\
Examples:
  aibom trust-root add-witness 'w.example+5f0c1d2e+BK…' --dir mesh-certs --quorum 2
                                          then sign trust-root.next.json where the root key is
  aibom trust-root retire-witness w.example --dir mesh-certs --quorum 1
  aibom trust-root retire-witness w.example --dir mesh-certs --at 2026-05-01T00:00:00.000Z
  aibom trust-root set-quorum 2 --dir .aibom/certs --root-key .aibom/certs/root.key.pem

A quorum of k: verifiers believe the ledger's checkpoints that k of the witnesses that count have
cosigned. More than half of them exclude a split view: that the ledger shows two histories. Name a new
witness here first and in the ledger's configuration second: until then bundles with its line are refused.
A retired witness stays named, and what it cosigned until --at goes on counting. That time is its own word:
retire one whose key was stolen with --at 1970-01-01T00:00:00.000Z, and give its bundles newer proofs.
Changes gather in trust-root.next.json until they are signed.";

const LOG_POLICY_EXAMPLES: &str = "\
Examples:
  aibom trust-root log-policy trust-root.json > log.policy

Tools of other transparency logs read this file (C2SP tlog-policy): the ledger's key, each witness,
and how many of those that count must have cosigned.";

/// Signs, shows and updates what verifiers pin.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustRootCommand {
    /// Signs the next trust root with the offline root key.
    #[command(after_help = SIGN_EXAMPLES)]
    Sign(SignArguments),
    /// Shows what a trust root says.
    Show(ShowArguments),
    /// Replaces a pinned trust root by a newer one, and by nothing else.
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(UpdateArguments),
    /// Makes the next trust root, in which a witness' cosignature counts.
    #[command(after_help = WITNESS_EXAMPLES)]
    AddWitness(AddWitnessArguments),
    /// Makes the next trust root, in which what a witness cosigns from then on counts no more.
    #[command(after_help = WITNESS_EXAMPLES)]
    RetireWitness(RetireWitnessArguments),
    /// Makes the next trust root, in which so many witnesses must have cosigned.
    #[command(after_help = WITNESS_EXAMPLES)]
    SetQuorum(SetQuorumArguments),
    /// Prints which checkpoints count, as tools of other transparency logs read it.
    #[command(after_help = LOG_POLICY_EXAMPLES)]
    LogPolicy(LogPolicyArguments),
}

/// Arguments of `trust-root sign`.
#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// The unsigned trust root that `aibom keys` wrote.
    #[arg(value_name = "NEXT")]
    next: PathBuf,
    /// The root key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The passphrase of --key.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The trust root that it is to follow; only the first version follows none.
    #[arg(long, value_name = "FILE")]
    pinned: Option<PathBuf>,
    /// Lets NEXT name another ledger key: another log begins. Bundles of before verify only by the older
    /// trust root then, which whoever holds such bundles must keep.
    #[arg(long, requires = "pinned")]
    new_ledger_key: bool,
    /// Where the signed trust root goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `trust-root show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The trust root; it may be unsigned.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Shows only what changes against this one.
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    pinned: Option<PathBuf>,
    /// Prints only the SHA-256 of the file, to compare by another way, such as a telephone call.
    #[arg(long)]
    fingerprint: bool,
}

/// Arguments of `trust-root update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    /// The trust root that is pinned; it is replaced.
    #[arg(value_name = "PINNED")]
    pinned: PathBuf,
    /// The newer one.
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

/// Arguments of `trust-root add-witness`.
#[derive(Debug, Args)]
pub(crate) struct AddWitnessArguments {
    #[command(flatten)]
    root: RootKey,
    /// Its key, <name>+<key id>+<base64>; 'aibom witness' prints it.
    #[arg(value_name = "KEY")]
    key: CosignerKey,
    /// How many witnesses must have cosigned from then on [default: as before].
    #[arg(long, value_name = "K")]
    quorum: Option<u32>,
}

/// Arguments of `trust-root retire-witness`.
#[derive(Debug, Args)]
pub(crate) struct RetireWitnessArguments {
    #[command(flatten)]
    root: RootKey,
    /// Its name or its whole key.
    #[arg(value_name = "NAME")]
    name: String,
    /// Since when, such as 2026-05-01T00:00:00.000Z: what it cosigned until then goes on counting
    /// [default: now].
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How many witnesses must have cosigned from then on [default: as before].
    #[arg(long, value_name = "K")]
    quorum: Option<u32>,
}

/// Arguments of `trust-root set-quorum`.
#[derive(Debug, Args)]
pub(crate) struct SetQuorumArguments {
    #[command(flatten)]
    root: RootKey,
    /// How many witnesses must have cosigned; 0: the ledger alone is believed.
    #[arg(value_name = "K")]
    quorum: u32,
}

/// Arguments of `trust-root log-policy`.
#[derive(Debug, Args)]
pub(crate) struct LogPolicyArguments {
    /// The trust root.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs `aibom trust-root`.
pub(crate) fn run(terminal: &Terminal, command: &TrustRootCommand) -> Result<Exit, Failure> {
    match command {
        TrustRootCommand::Sign(arguments) => sign_file(terminal, arguments)?,
        TrustRootCommand::Show(arguments) => show_file(terminal, arguments)?,
        TrustRootCommand::Update(arguments) => update(terminal, arguments)?,
        TrustRootCommand::AddWitness(AddWitnessArguments { root, key, quorum }) => {
            change_witnesses(terminal, root, *quorum, |root, _| witnesses::add(root, key))?;
        }
        TrustRootCommand::RetireWitness(RetireWitnessArguments { root, name, at, quorum }) => {
            change_witnesses(terminal, root, *quorum, |root, now| {
                witnesses::retire(root, name, at.unwrap_or(now))
            })?;
        }
        TrustRootCommand::SetQuorum(SetQuorumArguments { root, quorum }) => {
            change_witnesses(terminal, root, Some(*quorum), |root, _| Ok(root.clone()))?;
        }
        TrustRootCommand::LogPolicy(LogPolicyArguments { file }) => {
            let policy = witnesses::policy(&trust_root(file)?.0)?.to_string();
            match terminal.is_json() {
                true => terminal.json(&policy)?,
                false => terminal.bytes(policy.as_bytes())?,
            }
        }
    }
    Ok(Exit::Done)
}

fn change_witnesses(
    terminal: &Terminal,
    root: &RootKey,
    quorum: Option<u32>,
    change: impl FnOnce(&TrustRoot, Timestamp) -> Result<TrustRoot, Failure>,
) -> Result<(), Failure> {
    let at = now();
    let (mut narrower, mut split_view) = (None, None);
    root.change(terminal, |old, _| {
        let next = witnesses::with_quorum(change(old, at)?, quorum)?;
        narrower = witnesses::narrower(old, &next, at);
        split_view = witnesses::split_view(&next);
        Ok(next)
    })?;
    narrower.into_iter().for_each(|note| terminal.say(note));
    split_view.into_iter().for_each(|note| terminal.say(note));
    Ok(())
}

fn sign_file(terminal: &Terminal, arguments: &SignArguments) -> Result<(), Failure> {
    let next = unsigned(&arguments.next)?;
    let pinned = arguments.pinned.as_deref().map(trust_root).transpose()?.map(|(root, _)| root);
    let key = load(&arguments.key, arguments.passphrase_file.as_deref())?;
    let ledger = if arguments.new_ledger_key { LedgerKey::MayChange } else { LedgerKey::Stays };
    let bytes = sign(pinned.as_ref(), &next, &key, now(), ledger)?;
    write_public(&arguments.out, &bytes)?;
    let changes = pinned.as_ref().map(|pinned| changes(pinned, &next)).unwrap_or_default();
    let (fingerprint, version) = (Sha256Digest::of(&bytes), next.version);
    if terminal.is_json() {
        return terminal.json(&json!({
            "file": arguments.out, "version": version, "signedBy": key.public_key().key_id(),
            "fingerprint": fingerprint, "changes": changes,
        }));
    }
    for change in changes {
        terminal.line(format_args!("  {change}"))?;
    }
    let done = terminal.paint(Style::Good, "✓");
    let (by, out) = (short(key.public_key().key_id()), arguments.out.display());
    terminal.line(format_args!("{done} version {version} is signed by root key {by}: {out}"))?;
    terminal.line(format_args!("  fingerprint {fingerprint}"))
}

fn show_file(terminal: &Terminal, arguments: &ShowArguments) -> Result<(), Failure> {
    let bytes = read_bounded(&arguments.file, 2 * MAX_TRUST_ROOT_BYTES as u64 + 1)?;
    let (root, signed) = match TrustRoot::parse_unsigned(&bytes) {
        Ok(root) => (root, false),
        Err(_) => (trust_root(&arguments.file)?.0, true),
    };
    if let Some(pinned) = &arguments.pinned {
        let changes = changes(&trust_root(pinned)?.0, &root);
        if terminal.is_json() {
            return terminal.json(&changes);
        }
        return changes.iter().try_for_each(|change| terminal.line(change));
    }
    let fingerprint = Sha256Digest::of(&bytes);
    if arguments.fingerprint {
        return match terminal.is_json() {
            true => terminal.json(&fingerprint),
            false => terminal.line(fingerprint),
        };
    }
    Shown::of(&root, signed, fingerprint).print(terminal)?;
    witnesses::split_view(&root).into_iter().for_each(|note| terminal.say(note));
    Ok(())
}

fn update(terminal: &Terminal, arguments: &UpdateArguments) -> Result<(), Failure> {
    let (pinned, _) = trust_root(&arguments.pinned)?;
    let bytes = read_bounded(&arguments.new, 2 * MAX_TRUST_ROOT_BYTES as u64 + 1)?;
    let (old, new) = (arguments.pinned.display(), arguments.new.display());
    let next = pinned.succeed(&bytes).map_err(|error| {
        Failure::refused(format_args!("{new} does not take the place of {old}")).caused_by(&error)
    })?;
    let changes = changes(&pinned, &next);
    let updated = next.version > pinned.version;
    if updated {
        write_public(&arguments.pinned, &bytes)?;
    }
    let version = next.version;
    if terminal.is_json() {
        return terminal.json(&json!({
            "file": arguments.pinned, "version": version, "updated": updated, "changes": changes,
        }));
    }
    let done = terminal.paint(Style::Good, "✓");
    if !updated {
        return terminal.line(format_args!("{done} {old} is version {version}: nothing to do"));
    }
    for change in changes {
        terminal.line(format_args!("  {change}"))?;
    }
    terminal.line(format_args!("{done} {old} is version {version} now"))
}

#[cfg(test)]
mod tests;
