//! `aibom policy show`: a policy for people, or as it was signed for programs.

use std::path::Path;

use policy::Policy;
use serde_json::json;

use super::{
    arguments::ShowArguments,
    read::{Read, parse, read_any},
    text,
};
use crate::{
    failure::{Exit, Failure},
    profile::open,
    runtime::block_on,
    terminal::{Style, Terminal},
};

pub(super) fn show(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &ShowArguments,
) -> Result<Exit, Failure> {
    if let Some(path) = &arguments.file {
        return print(terminal, &read_any(path)?);
    }
    let work = async {
        let mesh = open(mesh)?;
        let signer = mesh.profile().services.signer.as_ref().ok_or_else(|| {
            Failure::cannot("the profile names no signer").remedy("name a file to show")
        })?;
        let channel = mesh
            .channel(signer)
            .map_err(|error| Failure::cannot("cannot reach the signer").caused_by(&error))?;
        let read = parse(&client::policy(channel).await?)?;
        print(terminal, &read)
    };
    block_on(work, || "nothing was changed".to_owned())
}

fn print(terminal: &Terminal, read: &Read) -> Result<Exit, Failure> {
    let Read { policy, signed } = read;
    let digest = signed.as_ref().map(|bytes| ids::Sha256Digest::of(bytes));
    if terminal.is_json() {
        terminal
            .json(&json!({ "policy": policy, "signed": signed.is_some(), "digest": digest }))?;
        return Ok(Exit::Done);
    }
    let Policy { name, version, issued_at, .. } = policy;
    let title = format!("# {name} version {version}, issued {issued_at}");
    terminal.line(terminal.paint(Style::Bold, title))?;
    match digest {
        Some(digest) => terminal.line(format_args!("# signed; SHA-256 {digest}"))?,
        None => terminal.line("# not signed")?,
    }
    terminal.line("")?;
    for line in text::toml(policy).lines().filter(|line| !line.starts_with('#')) {
        terminal.line(crate::terminal::clean(line))?;
    }
    Ok(Exit::Done)
}
