//! Since when somebody has been in a call that may hang.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// A clock that one thread runs while it is in calls that may hang, and others read.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Option<Instant>>);

impl Watch {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Does what may hang.
    pub(crate) fn watched<T>(&self, call: impl FnOnce() -> T) -> T {
        self.next_call();
        let done = call();
        self.set(None);
        done
    }

    /// The call before returned, and the next begins: each has the whole time.
    pub(crate) fn next_call(&self) {
        self.set(Some(Instant::now()));
    }

    /// When the call that is under way began.
    pub(crate) fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
