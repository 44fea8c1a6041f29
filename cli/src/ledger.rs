//! `aibom ledger`: reads the public log as static files, checks all of it, and proves entries.
//!
//! Nothing here asks the ledger's service: the files are enough, wherever they are copied to. Only
//! `monitor --mine` asks the mesh, what entries of one's own stand for.

mod fsck;
mod monitor;
mod prove;
mod source;
mod tail;
mod trust;

use std::path::Path;

use clap::Subcommand;

use crate::{
    failure::{Exit, Failure},
    terminal::Terminal,
};

const FSCK_EXAMPLES: &str = "\
Examples:
  aibom ledger fsck .aibom/data/ledger/tiles --trust-root .aibom/certs/trust-root.json
  aibom ledger fsck s3://bucket/log --key 'mesh.example/ledger+c74f20a3+ARpc…'
  aibom ledger fsck https://log.example/aibom --ca ca.pem --trust-root trust-root.json
  aibom ledger fsck log --trust-root trust-root.json --format json | jq .faults

Reads every entry and every tile under the newest checkpoint, and computes every hash again. Each
fault is named with its file and its place in the file. Partial files of earlier sizes, and files
beyond the checkpoint, are not looked at. It ends early when 1,000 files cannot be used. Memory:
about 50 bytes for each entry.

Exit codes: 0 clean, 1 faults (a missing file is one), 2 cannot say (usage, unreadable files)";

const TAIL_EXAMPLES: &str = "\
Examples:
  aibom ledger tail log --trust-root trust-root.json             the last ten entries
  aibom ledger tail log --trust-root trust-root.json --from 0    all of them
  aibom ledger tail log --trust-root trust-root.json --follow    and what is logged from now on
  aibom ledger tail log --trust-root trust-root.json --format json | jq .entry.commitment

Each entry is checked against the checkpoint before it is shown. With --follow, each newer
checkpoint must extend the one before: a log that forks ends the command with 1. An older
checkpoint of the same log is a stale copy, which is said; a server that is away is asked again.

Exit codes: 0 done, 1 the log lies, 2 cannot say (usage, unreadable files), 130 interrupted";

const PROVE_EXAMPLES: &str = "\
Examples:
  aibom ledger prove log --bundle wine --trust-root trust-root.json
                                            is what the bundle says still in the log?
  aibom ledger prove log --index 42 --trust-root trust-root.json --out 42.tlog-proof
                                            a proof that others can check (C2SP tlog-proof)

The proof leads to the newest checkpoint. With --bundle, the bundle's own checkpoint must be one
that the log went through, and the entry must be where the bundle says.

Exit codes: 0 proved, 1 refused: the log or the bundle lies, 2 cannot say (usage, unreadable files)";

const MONITOR_EXAMPLES: &str = "\
Examples:
  aibom ledger monitor https://log.example/aibom --trust-root trust-root.json --state log.state
  aibom ledger monitor log --trust-root trust-root.json --state log.state --once
                                            for a timer: exit code 1 on an alert
  aibom ledger monitor log --trust-root trust-root.json --state log.state --monitor-key keys --bundle wine
                                            what is under your identity, and whether your job is there
  aibom ledger monitor https://log.example/aibom --trust-root trust-root.json --state log.state --mine
                                            whatever is logged in your name and was not submitted here
  aibom ledger monitor log --trust-root trust-root.json --state log.state --format json | jq .alert

Each round reads the checkpoint and every new entry, and compares with what was seen before. With --mine
the mesh (--mesh) gives your monitor key, and says what each entry under it is that --bundle and --known do
not explain; what it says is verified, and its request is looked up in the journal that 'aibom submit'
writes on this machine. While the mesh is away such entries stay open. What to do about each alert:
docs/runbooks/log-alert.md. The state file is evidence: keep it.

Exit codes: 0 no alert, 1 an alert (with --once), 2 cannot say (usage, unreadable files), 3 the mesh gives
no monitor key, 130 interrupted";

/// Reads, checks and proves the public log.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Reads everything under the newest checkpoint, and names each fault.
    #[command(after_help = FSCK_EXAMPLES)]
    Fsck(fsck::FsckArguments),
    /// Shows entries, and follows the log.
    #[command(after_help = TAIL_EXAMPLES)]
    Tail(tail::TailArguments),
    /// Proves an entry under the newest checkpoint.
    #[command(after_help = PROVE_EXAMPLES)]
    Prove(prove::ProveArguments),
    /// Watches the log: that it only grows, and what it has under your identity.
    #[command(after_help = MONITOR_EXAMPLES)]
    Monitor(monitor::MonitorArguments),
}

/// Runs `aibom ledger`.
pub(crate) fn ledger(
    terminal: &Terminal,
    mesh: &Path,
    command: &LedgerCommand,
) -> Result<Exit, Failure> {
    match command {
        LedgerCommand::Fsck(arguments) => fsck::fsck(terminal, arguments),
        LedgerCommand::Tail(arguments) => tail::tail(terminal, arguments),
        LedgerCommand::Prove(arguments) => prove::prove(terminal, arguments),
        LedgerCommand::Monitor(arguments) => monitor::monitor(terminal, mesh, arguments),
    }
}

#[cfg(test)]
mod tests;
