//! The file that this process runs.

use std::{fs::File, io::Read as _};

use ids::{Digests, Hasher};

/// Bytes that are read at a time.
const BLOCK_BYTES: usize = 256 * 1024;

/// Digests of this process's own program, as the kernel started it; blocks.
///
/// # Errors
/// When it cannot be read.
pub fn own_program() -> std::io::Result<Digests> {
    let mut file = File::open("/proc/self/exe")?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BLOCK_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}
