//! The memo: CPython's rules about its places, within a bound of memory.

use std::collections::HashMap;

use super::value::Value;

/// Values that were put away.
#[derive(Debug)]
pub(super) struct Memo {
    values: HashMap<u64, Value>,
    count: Count,
    /// What is put away while bytes are looked at that only another loader runs.
    branch: Option<Branch>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    /// How many places are taken, which is where MEMOIZE puts the next.
    taken: u64,
    bytes_left: usize,
    /// Some puts were dropped for want of memory, or their place is not known.
    lossy: bool,
}

#[derive(Debug)]
struct Branch {
    values: HashMap<u64, Value>,
    /// Whether what was put away before is not known any more.
    alone: bool,
    /// As it was before.
    before: Count,
}

impl Memo {
    pub(super) fn new(bytes: usize) -> Self {
        let count = Count { taken: 0, bytes_left: bytes, lossy: false };
        Self { values: HashMap::new(), count, branch: None }
    }

    /// PUT, BINPUT, LONG_BINPUT.
    pub(super) fn put(&mut self, place: u64, value: Value) {
        if self.count.lossy {
            // Whether the place was taken is not known any more, so neither is where MEMOIZE puts.
            self.forget();
        }
        self.store(place, value);
    }

    /// MEMOIZE.
    pub(super) fn memoize(&mut self, value: Value) {
        self.store(self.count.taken, value);
    }

    /// Nothing is known any more of what any place holds.
    pub(super) fn forget(&mut self) {
        self.count.lossy = true;
        match &mut self.branch {
            Some(branch) => {
                branch.values.clear();
                branch.alone = true;
            }
            None => self.values.clear(),
        }
    }

    pub(super) const fn is_lossy(&self) -> bool {
        self.count.lossy
    }

    /// What is put away from here on is undone by [`Self::rejoin`].
    pub(super) fn branch(&mut self) {
        let branch = Branch { values: HashMap::new(), alone: false, before: self.count };
        self.branch = Some(branch);
    }

    pub(super) fn rejoin(&mut self) {
        if let Some(branch) = self.branch.take() {
            self.count = branch.before;
        }
    }

    fn store(&mut self, place: u64, value: Value) {
        let cost = value.cost();
        let known = match &mut self.branch {
            Some(branch) => {
                let below = !branch.alone && self.values.contains_key(&place);
                let known = branch.values.remove(&place);
                self.count.bytes_left += known.as_ref().map_or(0, Value::cost);
                below || known.is_some()
            }
            None => {
                let known = self.values.remove(&place);
                self.count.bytes_left += known.as_ref().map_or(0, Value::cost);
                known.is_some()
            }
        };
        self.count.taken += u64::from(!known);
        let Some(left) = self.count.bytes_left.checked_sub(cost) else {
            self.count.lossy = true;
            return;
        };
        self.count.bytes_left = left;
        self.branch
            .as_mut()
            .map_or(&mut self.values, |branch| &mut branch.values)
            .insert(place, value);
    }

    /// `None` when nothing was put there.
    pub(super) fn get(&self, place: u64) -> Option<Value> {
        let over = self.branch.as_ref();
        let below = over.is_none_or(|branch| !branch.alone);
        let value = over.and_then(|branch| branch.values.get(&place));
        match value.or_else(|| self.values.get(&place).filter(|_| below)) {
            Some(value) => Some(value.clone()),
            None => self.count.lossy.then_some(Value::Other),
        }
    }
}
