//! `aibom scanner db import` and `build`: a database is put in place, or refused with what to do.

use std::path::Path;

use scandb::{Advisories, ImportError, Imported, Installer, Options, UnpackError};

use super::{
    arguments::{BuildArguments, ImportArguments},
    place::Place,
};
use crate::{
    certs::now,
    failure::{Exit, Failure},
    terminal::{Style, Terminal, size},
};

/// Runs `aibom scanner db import`.
pub(super) fn import(
    terminal: &Terminal,
    mesh: &Path,
    arguments: &ImportArguments,
) -> Result<Exit, Failure> {
    let place = Place::find(&arguments.place, mesh)?;
    let options =
        Options { now: now(), sha256: arguments.sha256, allow_older: arguments.allow_older };
    let source = &arguments.source;
    let imported = Installer::lock(&place.directory)
        .and_then(|installer| installer.import(source, &options))
        .map_err(|error| refusal(&error).about(source.display()))?;
    report(terminal, &place.directory, &imported, &[])
}

/// Runs `aibom scanner db build`.
pub(super) fn build(terminal: &Terminal, arguments: &BuildArguments) -> Result<Exit, Failure> {
    let (list, out) = (&arguments.list, &arguments.out);
    let text = std::fs::read(list).map_err(|error| {
        Failure::cannot(format_args!("cannot read {}", list.display())).because(error)
    })?;
    let advisories = Advisories::parse(&text);
    let built = advisories.as_ref().map_err(ToString::to_string).and_then(|list| {
        list.build().map(|built| (built, list.len())).map_err(|error| error.to_string())
    });
    let (built, count) = built.map_err(|cause| {
        Failure::refused(format_args!("{} makes no database", list.display())).because(cause)
    })?;
    let imported = Installer::lock(out)
        .and_then(|installer| installer.put(&built))
        .map_err(|error| refusal(&error))?;
    report(terminal, out, &imported, &[("advisories", count.into())])
}

/// Says what is in place now, and `more` for programs.
pub(super) fn report(
    terminal: &Terminal,
    directory: &Path,
    imported: &Imported,
    more: &[(&str, serde_json::Value)],
) -> Result<Exit, Failure> {
    let Imported { metadata, sha256, bytes, unchanged } = imported;
    if terminal.is_json() {
        let mut facts = serde_json::json!({
            "directory": directory, "updatedAt": metadata.updated_at, "sha256": sha256,
            "bytes": bytes, "unchanged": unchanged,
        });
        if let Some(facts) = facts.as_object_mut() {
            facts.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        terminal.json(&facts)?;
        return Ok(Exit::Done);
    }
    let done = terminal.paint(Style::Good, "✓");
    let what = if *unchanged { "was in place already" } else { "is in place" };
    let (updated_at, directory) = (metadata.updated_at, directory.display());
    terminal.line(format_args!("{done} the database of {updated_at} {what} in {directory}"))?;
    for (name, value) in more {
        terminal.line(format_args!("  {name} {value}"))?;
    }
    terminal.line(format_args!("  sha256 {sha256}, {}", size(*bytes)))?;
    Ok(Exit::Done)
}

/// An import's failure as users see it.
pub(super) fn refusal(error: &ImportError) -> Failure {
    let kept = "the database in place is as it was";
    let refused = || Failure::refused("the database is refused").caused_by(error);
    let cannot = || Failure::cannot("the database cannot be imported").caused_by(error);
    match error {
        ImportError::Older { .. } => {
            refused().remedy(format_args!("{kept}; --allow-older takes an older one all the same"))
        }
        ImportError::Sha256 { .. } => {
            refused().remedy(format_args!("{kept}; fetch it again from where the digest is from"))
        }
        ImportError::InTheFuture(_) => refused().remedy(format_args!("{kept}; check the clock")),
        ImportError::Open { .. } => cannot(),
        ImportError::Unpack(UnpackError::Write(_)) | ImportError::Write { .. } => {
            cannot().remedy(format_args!("{kept}; it takes twice the room of a database"))
        }
        ImportError::Busy(_) => cannot().remedy("wait until the other has ended"),
        ImportError::NoExchange(_) => {
            cannot().remedy(format_args!("{kept}; use a local file system such as ext4 or xfs"))
        }
        ImportError::Unpack(_)
        | ImportError::Metadata(_)
        | ImportError::Schema(_)
        | ImportError::Damaged(_) => refused().remedy(format_args!(
            "{kept}; 'aibom scanner db import --help' says what can be imported"
        )),
    }
}
