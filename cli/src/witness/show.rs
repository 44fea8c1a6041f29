//! What a witness knows.

use ids::Timestamp;
use serde::Serialize;

use super::{arguments::ServeArguments, config::Config, evidence::Evidence, store::Store};
use crate::{
    failure::{Exit, Failure},
    terminal::{Terminal, clean},
};

/// The last checkpoint cosigned of a log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    origin: String,
    /// Leaves.
    size: u64,
    root: ids::Sha256Digest,
    cosigned_at: Timestamp,
    /// Log's and witness's signature.
    note: String,
}

/// Runs `aibom witness show`.
pub(super) fn show(terminal: &Terminal, arguments: &ServeArguments) -> Result<Exit, Failure> {
    let config = Config::read(&arguments.config)?;
    let (_, vkey) = config.cosigner()?;
    let state = Store::read(&config.state_dir, &vkey)?;
    let logs = config.logs()?;
    let shown: Vec<Shown> = state
        .remembered()
        .map(|known| Shown {
            origin: known.checkpoint.origin.clone(),
            size: known.checkpoint.size,
            root: known.checkpoint.root,
            cosigned_at: instant(known.time),
            note: known.note.clone(),
        })
        .collect();
    let evidence = Evidence::of(&config.state_dir).files();
    if terminal.is_json() {
        let watched: Vec<_> = logs.origins().collect();
        terminal.json(&serde_json::json!({
            "key": vkey.to_string(), "watched": watched, "cosigned": shown, "evidence": evidence,
        }))?;
        return Ok(Exit::Done);
    }
    terminal.line(format_args!("witness {}", clean(&vkey.to_string())))?;
    let mut rows: Vec<_> = shown
        .iter()
        .map(|known| {
            let (size, root) = (known.size.to_string(), known.root.to_string());
            vec![known.origin.clone(), size, root, known.cosigned_at.to_string()]
        })
        .collect();
    let never = logs.origins().filter(|origin| !shown.iter().any(|known| known.origin == **origin));
    rows.extend(
        never.map(|origin| vec![origin.to_owned(), "-".into(), "-".into(), "never".into()]),
    );
    terminal.table(&["LOG", "SIZE", "ROOT", "COSIGNED"], &rows)?;
    for file in evidence {
        let kind = if file.starts_with("fork-") { "a fork is proved by" } else { "look into" };
        terminal.line(format_args!("{kind} evidence/{}", clean(&file)))?;
    }
    Ok(Exit::Done)
}

/// A time in seconds since the epoch, as people read it.
pub(super) fn instant(seconds: u64) -> Timestamp {
    let seconds = std::time::Duration::from_secs(seconds.min(u64::from(u32::MAX) * 16));
    Timestamp::from(std::time::SystemTime::UNIX_EPOCH + seconds)
}
