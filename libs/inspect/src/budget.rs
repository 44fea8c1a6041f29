//! What is left of the bytes that may be read and inflated, shared by all parts of an inspection.

use std::{cell::Cell, rc::Rc};

/// The counters.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Rc<Left>);

#[derive(Debug)]
struct Left {
    read: Cell<u64>,
    inflated: Cell<u64>,
}

impl Budget {
    pub(crate) fn new(read: u64, inflated: u64) -> Self {
        Self(Rc::new(Left { read: Cell::new(read), inflated: Cell::new(inflated) }))
    }

    /// Takes `bytes` of what may be read; false when they are not left.
    pub(crate) fn read(&self, bytes: u64) -> bool {
        take(&self.0.read, bytes)
    }

    /// Takes `bytes` of what may be inflated; false when they are not left.
    pub(crate) fn inflate(&self, bytes: u64) -> bool {
        take(&self.0.inflated, bytes)
    }
}

fn take(left: &Cell<u64>, bytes: u64) -> bool {
    let rest = left.get().checked_sub(bytes);
    left.set(rest.unwrap_or(0));
    rest.is_some()
}
