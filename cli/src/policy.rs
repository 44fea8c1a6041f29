//! `aibom policy`: what holds a job, from its writing to its signature.
//!
//! A policy is written as TOML, by people and for people; what counts is the signed document that
//! `sign` makes of it. Exit code 0 says valid or released, 1 invalid or held, 2 that nothing can be
//! said.

mod arguments;
mod attempt;
mod check;
mod read;
mod show;
mod sign;
mod text;

use std::path::Path;

use policy::Policy;

pub(crate) use arguments::PolicyCommand;

use crate::{
    certs::{now, write_public},
    failure::{Exit, Failure},
    terminal::{Style, Terminal},
};
use arguments::NewArguments;

/// Runs `aibom policy`.
pub(crate) fn policy(
    terminal: &Terminal,
    mesh: &Path,
    command: &PolicyCommand,
) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::New(arguments) => new(terminal, arguments),
        PolicyCommand::Check(arguments) => check::check(terminal, arguments),
        PolicyCommand::Sign(arguments) => sign::sign(terminal, arguments),
        PolicyCommand::Show(arguments) => show::show(terminal, mesh, arguments),
        PolicyCommand::Try(arguments) => attempt::attempt(terminal, arguments),
    }
}

fn new(terminal: &Terminal, arguments: &NewArguments) -> Result<Exit, Failure> {
    let mut policy = match &arguments.from {
        Some(path) => {
            let mut policy = read::read(path)?.policy;
            policy.version = policy.version.saturating_add(1);
            policy
        }
        None => Policy::standard(now()),
    };
    if let Some(name) = &arguments.name {
        policy.name.clone_from(name);
    }
    policy.validate().map_err(|error| Failure::refused("no such policy").caused_by(&error))?;
    let out = &arguments.out;
    if out.exists() {
        return Err(Failure::cannot(format_args!("{} exists already", out.display()))
            .remedy("name another file with --out, or move that one away"));
    }
    write_public(out, text::toml(&policy).as_bytes())?;
    if terminal.is_json() {
        let (name, version) = (&policy.name, policy.version);
        terminal.json(&serde_json::json!({ "file": out, "name": name, "version": version }))?;
        return Ok(Exit::Done);
    }
    let (done, out) = (terminal.paint(Style::Good, "✓"), out.display());
    terminal.line(format_args!("{done} {out}: edit it, then 'aibom policy check {out}'"))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
