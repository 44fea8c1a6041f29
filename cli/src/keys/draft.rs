//! The next trust root of a mesh's directory: changes gather in it until a root key signs them.

use std::path::{Path, PathBuf};

use ::keys::FileKey;
use evidence::{KeyUse, MAX_TRUST_ROOT_BYTES, TrustRoot};
use ids::{Timestamp, canonical};
use serde_json::json;

use crate::{
    certs::{TRUST_ROOT_FILE, write_public},
    failure::Failure,
    profile::{read_bounded, trust_root},
    terminal::{Style, Terminal},
    trust_root::{LedgerKey, changes, sign},
};

/// The next trust root, not signed yet.
pub(crate) const NEXT_FILE: &str = "trust-root.next.json";

/// The trust root in use, and what is to follow it.
#[derive(Debug)]
pub(crate) struct Draft {
    directory: PathBuf,
    pinned: TrustRoot,
    root: TrustRoot,
}

/// Reads a trust root that nobody has signed.
pub(crate) fn unsigned(path: &Path) -> Result<TrustRoot, Failure> {
    let bytes = read_bounded(path, MAX_TRUST_ROOT_BYTES as u64)?;
    TrustRoot::parse_unsigned(&bytes).map_err(|error| {
        Failure::cannot(format_args!("{} is no unsigned trust root", path.display()))
            .caused_by(&error)
    })
}

impl Draft {
    /// Reads the mesh's trust root, and the changes that wait already.
    pub(crate) fn open(directory: &Path) -> Result<Self, Failure> {
        let (pinned, _) = trust_root(&directory.join(TRUST_ROOT_FILE))?;
        let path = directory.join(NEXT_FILE);
        let mut root = pinned.clone();
        if path.exists() {
            let waiting = unsigned(&path)?;
            if waiting.version == pinned.version.saturating_add(1) {
                root = waiting;
            } else if waiting != pinned {
                let (old, new) = (pinned.version, waiting.version);
                let shown = path.display();
                let what = format!("{shown} is version {new}, and does not follow version {old}");
                return Err(Failure::refused(what).remedy("move it away, and change anew"));
            }
        }
        Ok(Self { directory: directory.to_owned(), pinned, root })
    }

    /// The trust root with every change that waits.
    pub(crate) const fn root(&self) -> &TrustRoot {
        &self.root
    }

    /// Writes the changed root: signed in the place of the old one when a root key is at hand, else
    /// beside it.
    pub(crate) fn finish(
        self,
        terminal: &Terminal,
        mut changed: TrustRoot,
        at: Timestamp,
        root_key: Option<&FileKey>,
    ) -> Result<(), Failure> {
        changed.version = self.pinned.version.saturating_add(1);
        changed.issued_at = at;
        changed.validate().map_err(|error| {
            Failure::refused("the changed trust root cannot be used").caused_by(&error)
        })?;
        let next = self.directory.join(NEXT_FILE);
        let file = if let Some(key) = root_key {
            let path = self.directory.join(TRUST_ROOT_FILE);
            let bytes = sign(Some(&self.pinned), &changed, key, at, LedgerKey::Stays)?;
            write_public(&path, &bytes)?;
            // One that stays is known as the version in use.
            let _ = std::fs::remove_file(&next);
            path
        } else {
            let bytes = canonical::to_vec(&changed).map_err(|error| {
                Failure::cannot("cannot write the next trust root").because(error)
            })?;
            write_public(&next, &bytes)?;
            next
        };
        self.report(terminal, &changed, &file, root_key.is_some())?;
        warn_of_gaps(terminal, &changed, at);
        Ok(())
    }

    fn report(
        &self,
        terminal: &Terminal,
        changed: &TrustRoot,
        file: &Path,
        signed: bool,
    ) -> Result<(), Failure> {
        let changes = changes(&self.pinned, changed);
        if terminal.is_json() {
            let version = changed.version;
            return terminal.json(&json!({
                "file": file, "version": version, "signed": signed, "changes": changes,
            }));
        }
        for change in changes {
            terminal.line(format_args!("  {change}"))?;
        }
        let done = terminal.paint(Style::Good, "✓");
        let (version, file) = (changed.version, file.display());
        if signed {
            return terminal.line(format_args!("{done} version {version} is signed: {file}"));
        }
        terminal.line(format_args!("{done} version {version} waits for a root key: {file}"))?;
        terminal.line("  sign it with 'aibom trust-root sign' where the root key is,")?;
        terminal.line("  and put it in place with 'aibom trust-root update'")
    }
}

/// Says which use has no key that may sign now.
fn warn_of_gaps(terminal: &Terminal, root: &TrustRoot, at: Timestamp) {
    for usage in KeyUse::ALL {
        if root.current_keys(usage, at).is_empty() {
            let note =
                format!("no {usage} key may sign now: run 'aibom keys rotate --use {usage}'");
            terminal.say(terminal.paint(Style::Warn, note));
        }
    }
}
