//! A new witness: its key, its empty state, and a configuration to complete.

use ::keys::Algorithm;
use serde_json::json;

use super::{arguments::InitArguments, config::public, store::Store};
use crate::{
    certs::{make_private, write_public, write_secret},
    failure::{Exit, Failure},
    keys::fresh,
    terminal::{Style, Terminal},
};

/// The key that cosigns.
const KEY_FILE: &str = "witness.key.pem";
/// Its public half.
const VKEY_FILE: &str = "witness.vkey";
/// The configuration.
const CONFIG_FILE: &str = "witness.toml";

/// Runs `aibom witness init`.
pub(super) fn init(terminal: &Terminal, arguments: &InitArguments) -> Result<Exit, Failure> {
    let (dir, name) = (&arguments.dir, &arguments.name);
    for file in [KEY_FILE, VKEY_FILE, CONFIG_FILE] {
        let path = dir.join(file);
        if path.exists() {
            return Err(Failure::cannot(format_args!("{} exists already", path.display()))
                .because("there is a witness in that directory")
                .remedy("make the new one in another directory"));
        }
    }
    let (pem, key) = fresh(Algorithm::Ed25519)?;
    let public = public(&key, name)?;
    let vkey = public.to_string();
    make_private(dir)?;
    Store::create(dir, &public)?;
    write_secret(&dir.join(KEY_FILE), &pem)?;
    write_public(&dir.join(VKEY_FILE), format!("{vkey}\n").as_bytes())?;
    let example = include_str!("../../witness.example.toml");
    let config = example.replace("witness.example.org/w1", name);
    write_public(&dir.join(CONFIG_FILE), config.as_bytes())?;
    if terminal.is_json() {
        terminal.json(&json!({ "directory": dir, "key": vkey }))?;
        return Ok(Exit::Done);
    }
    let done = terminal.paint(Style::Good, "✓");
    let dir = dir.display();
    terminal.line(format_args!("{done} a new witness in {dir}"))?;
    terminal.line(vkey)?;
    terminal.say(format_args!(
        "  name the log's key in {dir}/{CONFIG_FILE}, then: aibom witness serve --config \
         {dir}/{CONFIG_FILE}\n  give the line above to who signs the trust root and who runs the \
         ledger"
    ));
    Ok(Exit::Done)
}
