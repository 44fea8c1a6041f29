//! Bytes that are opcodes for one loader and not for another: `pickle.load` runs what joblib passes
//! over, with the stack and the memo that it has there.

use std::io;

use super::{End, Machine, Seen, Step, TAKES};
use crate::{pickle::value::Value, source::Stream};

/// How much of the stack is copied for one array: more than a list is built of at once.
const MAX_COPIED: usize = 1_100;
/// How much is copied for all arrays of a pickle.
pub(super) const MAX_COPIES: usize = 1 << 24;

impl Machine {
    /// Looks at the bytes up to `end` as opcodes. With `live`, all is noted up to the first fault,
    /// where the other loader ends; then, since numbers look like many things, only what surely does
    /// harm is.
    pub(in crate::pickle) fn run_raw(
        &mut self,
        stream: &mut Stream<'_, '_>,
        end: u64,
        live: bool,
    ) -> io::Result<()> {
        let stack = std::mem::take(&mut self.stack);
        let (faulted, bytes_left) = (self.faulted, self.bytes_left);
        let start = stack.len().saturating_sub(MAX_COPIED.min(self.copies_left));
        self.stack = stack.get(start..).unwrap_or_default().to_vec();
        self.copies_left -= self.stack.len();
        // On top is what reads the array, which is no name of anything.
        if let Some(top) = self.stack.last_mut() {
            *top = Value::Object;
        }
        self.memo.branch();
        self.raw = true;
        self.faulted |= !live;
        while stream.at() < end {
            let at = stream.at();
            let Some(opcode) = stream.u8()? else { break };
            match self.step(opcode, at, stream)? {
                Step::On => continue,
                Step::Odd(_) => {}
                // What it takes may stand where the copy does not reach.
                Step::Fault(TAKES) if start > 0 => {
                    self.see(Seen::Hidden, at);
                    self.clear();
                }
                Step::Stop | Step::Fault(_) | Step::Full => self.clear(),
            }
            self.faulted = true;
        }
        stream.seek(end);
        self.memo.rejoin();
        (self.stack, self.bytes_left) = (stack, bytes_left);
        (self.faulted, self.raw) = (faulted, false);
        Ok(())
    }

    /// A pickle inside of this one, which has a stack and a memo of its own.
    pub(in crate::pickle) fn run_inner(&mut self, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        let start = stream.at();
        let mut inner = Self::new(self.bytes_left);
        // Plain pickles have no arrays of joblib in them, so this goes one level deep.
        inner.inner = true;
        let end = inner.run(stream, false)?;
        for (seen, at) in inner.seen {
            self.see(seen, at);
        }
        self.called.extend(inner.called);
        self.calls |= inner.calls;
        self.overflow |= inner.overflow;
        self.fault = self.fault.or(inner.fault);
        Ok(match end {
            End::Stop { next, .. } => {
                stream.seek(start);
                self.run_raw(stream, next, false)?;
                Step::On
            }
            End::Fault { why, .. } => Step::Fault(why),
            End::Full => Step::Full,
        })
    }
}
