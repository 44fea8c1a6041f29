//! Keeps one mesh running as long as any test uses it; see `e2e::keeper`.

use anyhow::Context as _;
use e2e::keeper::{Order, keep};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next =
        || arguments.next().context("usage: aibom-mesh-keeper DIR GRACE_MS SLOTS KEYS FINDINGS");
    let directory = next()?.into();
    let grace_ms = next()?.to_string_lossy().parse()?;
    let slots = next()?.to_string_lossy().parse()?;
    let keys = next()?.to_string_lossy().parse()?;
    let findings = next()?.to_string_lossy().parse()?;
    keep(&Order { directory, grace_ms, slots, keys, findings })
}
