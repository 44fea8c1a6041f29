//! `aibom jobs release`: shows every finding, asks, signs, sends.

use std::{
    io::{BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::Path,
};

use clap::Args;
use client::{HoldView, Mesh, sign_release};
use evidence::MAX_RELEASE_REASON;
use ids::JobId;

use super::{
    hold::{Approver, lines},
    job_id, state_name,
};
use crate::{
    certs::now,
    failure::{Exit, Failure},
    profile,
    runtime::block_on,
    terminal::{Style, Terminal},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  aibom jobs held JOB                       read what you are asked to let pass
  aibom jobs release JOB --reason 'the parser is not reachable from the trainer: TICKET-12'
                                            shows every finding and asks before it signs
  aibom jobs release JOB --reason '…' --yes --format json
                                            for programs

A release is signed with the approver's key, for this evidence, this policy and exactly these findings;
anything else still holds the job. The signer checks it, and the AIBoM shows the approver, the reason and
the findings to everybody who reads it.";

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64;

/// Arguments of `jobs release`.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArguments {
    /// The job.
    #[arg(value_name = "JOB", value_parser = job_id)]
    job: JobId,
    /// Why, for whoever reads the AIBoM: 1 to 2000 characters.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    #[command(flatten)]
    who: Approver,
    /// Does not ask; needed where no terminal is.
    #[arg(long)]
    yes: bool,
}

fn reason(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > MAX_RELEASE_REASON {
        return Err(format!("1 to {MAX_RELEASE_REASON} characters, and not only blanks"));
    }
    Ok(text.to_owned())
}

/// Runs `aibom jobs release`.
pub(super) fn release(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &ReleaseArguments,
) -> Result<Exit, Failure> {
    let people = std::io::stdin().is_terminal() && terminal.is_live();
    if !arguments.yes && !people {
        return Err(Failure::cannot("nobody is here to be asked")
            .because("standard input and standard error are no terminal")
            .remedy("read the findings with 'aibom jobs held JOB', then pass --yes"));
    }
    let mesh = profile::open_as_approver(arguments.who.profile(mesh))?;
    let work = async {
        mesh.reach().await?;
        let hold = mesh.review().hold(arguments.job).await?;
        lines(terminal, &hold).iter().for_each(|line| terminal.say(line));
        if hold.more == 0 && !arguments.yes && !confirmed(&hold).await? {
            return Err(Failure::interrupted("the job stays held"));
        }
        sign_and_send(terminal, &mesh, &hold, &arguments.reason).await
    };
    block_on(work, || "the job stays held, unless the release was on its way".to_owned())
}

async fn sign_and_send(
    terminal: &Terminal,
    mesh: &Mesh,
    hold: &HoldView,
    reason: &str,
) -> Result<Exit, Failure> {
    let document = sign_release(mesh.identity(), hold, reason, now()).map_err(|error| {
        Failure::refused("the job cannot be released")
            .caused_by(&error)
            .remedy("mend what was found, or have the policy changed")
    })?;
    let job = mesh.review().release(&document).await?;
    if terminal.is_json() {
        terminal.json(&job)?;
        return Ok(Exit::Done);
    }
    let done = terminal.paint(Style::Good, "released");
    let (id, who) = (job.id, mesh.identity().spiffe_id());
    terminal.line(format_args!("{done}  job {id} by {who}, now {}", state_name(job.state)))?;
    terminal.say("if the signer is not satisfied, 'aibom jobs held' shows the job again");
    Ok(Exit::Done)
}

/// Asks on the terminal. A thread of its own reads: Ctrl-C must not wait for the Enter key.
async fn confirmed(hold: &HoldView) -> Result<bool, Failure> {
    let cannot = |error: std::io::Error| Failure::cannot("cannot ask").because(error);
    let mut out = std::io::stderr().lock();
    write!(out, "let the job out in spite of these {} findings? Type yes: ", hold.findings.len())
        .and_then(|()| out.flush())
        .map_err(cannot)?;
    drop(out);
    let (sender, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().take(ANSWER_BYTES_MAX).read_line(&mut line);
        // Nobody waits any more after Ctrl-C.
        let _ = sender.send(read.map(|_| line));
    });
    let line = answer.await.map_err(|_| Failure::interrupted("nothing was answered"))?;
    Ok(agrees(&line.map_err(cannot)?))
}

/// Only the whole word: a release is not given by leaning on a key.
fn agrees(line: &str) -> bool {
    line.trim() == "yes"
}

#[cfg(test)]
mod tests {
    use super::{agrees, reason};

    #[test]
    fn only_the_whole_word_releases() {
        assert!(agrees("yes\n"));
        assert!(["y\n", "", "\n", "no", "yes please"].iter().all(|line| !agrees(line)));
    }

    #[test]
    fn a_release_has_a_reason() {
        assert!(reason("not reachable").is_ok() && reason(&"é".repeat(2_000)).is_ok());
        assert!(reason(" \n").is_err() && reason(&"é".repeat(2_001)).is_err());
    }
}
