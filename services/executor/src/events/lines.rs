//! Bytes into lines of bounded length.

/// The longest line that is read as an event, in bytes; longer ones are just log.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Cuts a stream into lines; what is too long is dropped up to its end.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// Takes the next bytes and hands each complete line (without its end) to `each`.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (piece, ends) = match piece.strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (piece, false),
            };
            if self.held.len() + piece.len() > MAX_LINE_BYTES {
                self.skipping = true;
                self.held = Vec::new();
            }
            if !self.skipping {
                self.held.extend_from_slice(piece);
            }
            if ends {
                if !self.skipping {
                    each(self.held.strip_suffix(b"\r").unwrap_or(&self.held));
                }
                self.held.clear();
                self.skipping = false;
            }
        }
    }

    /// The last line, when it has no end.
    pub fn finish(self, mut each: impl FnMut(&[u8])) {
        if !self.skipping && !self.held.is_empty() {
            each(&self.held);
        }
    }
}
