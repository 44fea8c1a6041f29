//! Writes a small vulnerability database that Trivy reads, from a list of advisories: for machines
//! without a network, for tests and for the demo. Same list, same bytes.

mod advisories;
mod bolt;
#[cfg(test)]
mod tests;

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::Parser;

/// Write DIR/db/trivy.db and DIR/db/metadata.json from a list of advisories.
#[derive(Debug, Parser)]
struct Arguments {
    /// The list of advisories (JSON), such as deploy/trivy-db/advisories.json.
    #[arg(long)]
    advisories: PathBuf,
    /// The directory that the scanner's `database.directory` names.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let path = &arguments.advisories;
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let list: advisories::Advisories = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no list of advisories", path.display()))?;
    let database = bolt::file(&list.buckets()?)?;
    let directory = arguments.out.join("db");
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let metadata = format!("{}\n", serde_json::to_string_pretty(&list.metadata())?);
    for (name, bytes) in [("trivy.db", database.as_slice()), ("metadata.json", metadata.as_bytes())]
    {
        let (target, beside) = (directory.join(name), directory.join(format!("{name}.new")));
        fs::write(&beside, bytes)
            .and_then(|()| fs::rename(&beside, &target))
            .with_context(|| format!("cannot write {}", target.display()))?;
    }
    let sha256 = ids::Sha256Digest::of(&database);
    say(&format!(
        "{} advisories in {} (SHA-256 {sha256})",
        list.len(),
        directory.join("trivy.db").display()
    ));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a command line tool tells what it did")]
fn say(line: &str) {
    eprintln!("{line}");
}
