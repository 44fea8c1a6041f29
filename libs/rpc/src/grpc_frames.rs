//! The length prefixes of gRPC messages, read while the bytes stream past.

use crate::refusal::Refusal;

const PREFIX_BYTES: usize = 5;

/// Where in the message stream the next byte falls.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    prefix: [u8; PREFIX_BYTES],
    filled: usize,
    left: usize,
}

impl Frames {
    /// Follows `data` and calls `on_message` with the length of each message that begins in it.
    pub(crate) fn follow(
        &mut self,
        mut data: &[u8],
        mut on_message: impl FnMut(u32) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        while !data.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(data.len());
                self.left -= skipped;
                data = &data[skipped..];
                continue;
            }
            let taken = (PREFIX_BYTES - self.filled).min(data.len());
            self.prefix[self.filled..self.filled + taken].copy_from_slice(&data[..taken]);
            self.filled += taken;
            data = &data[taken..];
            if self.filled == PREFIX_BYTES {
                self.filled = 0;
                let [flag, a, b, c, d] = self.prefix;
                if flag != 0 {
                    return Err(Refusal::Compressed);
                }
                let length = u32::from_be_bytes([a, b, c, d]);
                on_message(length)?;
                self.left = length as usize;
            }
        }
        Ok(())
    }
}
