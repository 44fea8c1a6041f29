//! `spdx < aibom.cdx.json > aibom.spdx.json`: for judges that need no more than the document.

use std::{
    error::Error,
    io::{Read as _, Write as _},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().take(report::MAX_AIBOM_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let aibom = report::Aibom::parse(&bytes)?;
    std::io::stdout().write_all(&report::spdx::document(&aibom)?)?;
    Ok(())
}
