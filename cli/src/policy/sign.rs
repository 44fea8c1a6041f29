//! `aibom policy sign`: from what people wrote to the document that counts.

use ::keys::SigningKey as _;
use evidence::KeyUse;
use ids::Sha256Digest;

use super::{arguments::SignArguments, check::notes, read::read};
use crate::{
    certs::{now, write_public},
    failure::{Exit, Failure},
    keys::{load, short},
    profile::trust_root,
    terminal::{Style, Terminal, clean},
};

pub(super) fn sign(terminal: &Terminal, arguments: &SignArguments) -> Result<Exit, Failure> {
    let (mut policy, at, out) = (read(&arguments.file)?.policy, now(), &arguments.out);
    policy.issued_at = at;
    if out.exists() {
        let old = read(out)?.policy;
        if policy.version <= old.version {
            let (name, version) = (&policy.name, policy.version);
            let what = format!("{name} version {version} cannot follow");
            return Err(Failure::refused(what)
                .because(format_args!(
                    "{} holds {} version {}, and the signer never goes back",
                    out.display(),
                    old.name,
                    old.version
                ))
                .remedy(format_args!("give it version {}", old.version.saturating_add(1))));
        }
    }
    let key = load(&arguments.key, arguments.passphrase_file.as_deref())?;
    let id = key.public_key().key_id();
    if let Some(path) = &arguments.trust_root {
        let (root, _) = trust_root(path)?;
        let named = root.signing_key(KeyUse::Policy, id).ok_or_else(|| {
            Failure::refused(format_args!("{} names no policy key {}", path.display(), short(id)))
                .remedy("'aibom keys list' shows which key is for what")
        })?;
        named.1.may_sign(at).map_err(|error| {
            Failure::refused("the policy key does not count now").caused_by(&error)
        })?;
    }
    let bytes = policy
        .seal(&key)
        .map_err(|error| Failure::refused("the policy cannot be signed").caused_by(&error))?;
    write_public(out, &bytes)?;
    let (name, version, digest) = (&policy.name, policy.version, Sha256Digest::of(&bytes));
    if terminal.is_json() {
        terminal.json(&serde_json::json!({
            "file": out, "name": name, "version": version, "digest": digest, "key": id,
        }))?;
        return Ok(Exit::Done);
    }
    for note in notes(&policy, at) {
        let word = terminal.paint(Style::Warn, "note:");
        terminal.line(format_args!("{word} {}", clean(&note)))?;
    }
    let (done, key) = (terminal.paint(Style::Good, "✓"), short(id));
    let out = out.display();
    terminal.line(format_args!("{done} {name} version {version} is signed by {key}: {out}"))?;
    terminal.line("  the signer takes it once it is in the place that its configuration names")?;
    Ok(Exit::Done)
}
