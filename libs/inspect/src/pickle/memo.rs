//! The memo: CPython's rules about its places, within a bound of memory.

use std::collections::HashMap;

use super::value::Value;

/// Values that were put away.
#[derive(Debug)]
pub(super) struct Memo {
    values: HashMap<u64, Value>,
    /// How many places are taken, which is where MEMOIZE puts the next.
    taken: u64,
    bytes_left: usize,
    /// Some puts were dropped for want of memory.
    lossy: bool,
}

impl Memo {
    pub(super) fn new(bytes: usize) -> Self {
        Self { values: HashMap::new(), taken: 0, bytes_left: bytes, lossy: false }
    }

    /// PUT, BINPUT, LONG_BINPUT.
    pub(super) fn put(&mut self, place: u64, value: Value) {
        if self.lossy {
            // Whether the place was taken is not known any more, so neither is where MEMOIZE puts.
            self.values.clear();
        }
        self.store(place, value);
    }

    /// MEMOIZE.
    pub(super) fn memoize(&mut self, value: Value) {
        self.store(self.taken, value);
    }

    fn store(&mut self, place: u64, value: Value) {
        let cost = value.cost();
        let known = self.values.remove(&place);
        self.bytes_left += known.as_ref().map_or(0, Value::cost);
        self.taken += u64::from(known.is_none());
        match self.bytes_left.checked_sub(cost) {
            Some(left) => {
                self.bytes_left = left;
                self.values.insert(place, value);
            }
            None => self.lossy = true,
        }
    }

    /// `None` when nothing was put there.
    pub(super) fn get(&self, place: u64) -> Option<Value> {
        match self.values.get(&place) {
            Some(value) => Some(value.clone()),
            None => self.lossy.then_some(Value::Other),
        }
    }
}
