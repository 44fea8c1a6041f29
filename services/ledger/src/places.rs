//! Where each commitment is: in memory only, for random keys in a B-tree cost pages in every commit.
//!
//! A slot holds 64 keyed bits of the commitment and its place, 17 bytes with the table's own; tables
//! are between 7/16 and 7/8 full, so an entry costs 19 to 39 bytes. The key of the 64 bits is random
//! and new at every start: nobody can choose commitments that clash. Those that do by chance (about
//! one pair among six billion entries) are kept whole, beside the table.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher as _, BuildHasherDefault, Hasher},
};

use ids::Sha256Digest;

/// Keeps a number that is a hash already.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Never asked for: the keys are `u64`. Still a hash, so that nothing depends on that.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Where a commitment may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Candidate {
    Nowhere,
    /// There, or nowhere: the entry there says which.
    Perhaps(u64),
    Known(u64),
}

impl Candidate {
    /// The place; `is_at` says whether the commitment is the one of the entry at a place.
    pub(crate) fn confirm<E>(
        self,
        is_at: impl FnOnce(u64) -> Result<bool, E>,
    ) -> Result<Option<u64>, E> {
        match self {
            Self::Nowhere => Ok(None),
            Self::Known(place) => Ok(Some(place)),
            Self::Perhaps(place) => Ok(is_at(place)?.then_some(place)),
        }
    }
}

/// Commitment to place. It gives candidates: the caller looks at the entry there.
#[derive(Debug)]
pub(crate) struct Places {
    keyed: RandomState,
    /// Which of the 64 bits count: all, but in tests.
    mask: u64,
    table: HashMap<u64, u64, BuildHasherDefault<AsIs>>,
    clashes: HashMap<Sha256Digest, u64>,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self {
            keyed: RandomState::new(),
            mask: u64::MAX,
            table: HashMap::default(),
            clashes: HashMap::new(),
        }
    }

    fn short(&self, commitment: &Sha256Digest) -> u64 {
        self.keyed.hash_one(commitment) & self.mask
    }

    /// Where `commitment` may be. Looks at nothing but memory, so a lock may be held over it.
    pub(crate) fn candidate(&self, commitment: &Sha256Digest) -> Candidate {
        if let Some(place) = self.clashes.get(commitment) {
            return Candidate::Known(*place);
        }
        let place = self.table.get(&self.short(commitment));
        place.map_or(Candidate::Nowhere, |place| Candidate::Perhaps(*place))
    }

    /// Remembers a commitment that is at no [`candidate`](Self::candidate).
    pub(crate) fn insert(&mut self, commitment: Sha256Digest, place: u64) {
        let short = self.short(&commitment);
        if let std::collections::hash_map::Entry::Vacant(slot) = self.table.entry(short) {
            slot.insert(place);
        } else {
            self.clashes.insert(commitment, place);
        }
    }
}

#[cfg(test)]
impl Places {
    /// These, as if all of them had clashed.
    pub(crate) fn sure(known: &[(Sha256Digest, u64)]) -> Self {
        Self { clashes: known.iter().copied().collect(), ..Self::new() }
    }
}

#[cfg(test)]
mod tests {
    //! Commitments that clash are told apart.
    use super::*;

    fn commitment(number: u64) -> Sha256Digest {
        Sha256Digest::of(&number.to_be_bytes())
    }

    #[test]
    fn commitments_that_clash_are_told_apart() {
        for mask in [u64::MAX, 0xf, 0] {
            let mut places = Places { mask, ..Places::new() };
            let find = |places: &Places, number: u64| {
                let is_at = |place| Ok::<_, ()>(place == number);
                places.candidate(&commitment(number)).confirm(is_at).unwrap()
            };
            for number in 0..500 {
                assert_eq!(find(&places, number), None);
                places.insert(commitment(number), number);
            }
            for number in 0..500 {
                assert_eq!(find(&places, number), Some(number));
            }
            assert_eq!(find(&places, 500), None);
            let clashes =
                if mask == u64::MAX { 0 } else { 500 - (usize::try_from(mask).unwrap() + 1) };
            assert_eq!(places.clashes.len(), clashes, "{mask:x}");
        }
    }
}
