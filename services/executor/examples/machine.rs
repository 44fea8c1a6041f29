//! Prints what training evidence tells of this machine: `cargo run --example machine`.

use std::io::Write as _;

fn main() -> anyhow::Result<()> {
    let facts = executor::host::HostFacts::read()?;
    let host = facts.for_run(u32::MAX);
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&host)?)?;
    Ok(())
}
