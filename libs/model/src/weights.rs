//! The weights: HDF5 walked from the root, held to the few structures that h5py writes for Keras.
//!
//! Allowed: superblock version 0, version 1 object headers, old-style groups with hard links, and
//! contiguous or compact arrays of plain numbers whose bytes lie in the file. Refused, because libhdf5
//! would follow them: external file lists, soft and external links, virtual and chunked layouts,
//! filters (plug-ins), shared messages and driver blocks; also arrays that claim more than they store.
//! Not checked: the attributes' values, and bytes that no object refers to.
//! (HDF5 File Format Specification 3.0; CVE-2026-1669, CVE-2026-0897.)

mod group;
mod object;

use std::{
    collections::HashSet,
    io::{Read, Seek},
};

use crate::{Limits, Refusal, fields::Fields, window::Window};
use object::Object;

/// "No address" in HDF5.
const UNDEFINED: u64 = u64::MAX;
/// The most groups inside of each other.
const MAX_DEPTH: usize = 64;

/// One array of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Array {
    /// Its path without a leading slash.
    pub(crate) path: String,
    /// How many numbers.
    pub(crate) elements: u64,
}

/// The file being walked, and what was met in it.
struct Walk<R> {
    file: Window<R>,
    seen: HashSet<u64>,
    objects_left: u32,
    stored_bytes: u64,
}

/// Every array in the weights.
pub(crate) fn arrays<R: Read + Seek>(
    file: Window<R>,
    limits: &Limits,
) -> Result<Vec<Array>, Refusal> {
    let length = file.length();
    let objects_left = limits.max_weight_objects;
    let mut walk = Walk { file, seen: HashSet::new(), objects_left, stored_bytes: 0 };
    let root = walk.superblock(length)?;
    let mut pending = vec![(String::new(), root, 0)];
    let mut arrays = Vec::new();
    while let Some((path, link, depth)) = pending.pop() {
        let Some(left) = walk.objects_left.checked_sub(1) else {
            return Err(feature(&path, "a tree of this many objects"));
        };
        walk.objects_left = left;
        walk.visit(link.object)?;
        match walk.object(link.object, &path)? {
            Object::Array { elements, bytes } => {
                if link.group.is_some() {
                    return Err(feature(&path, "a link that calls an array a group"));
                }
                walk.stored_bytes = walk.stored_bytes.saturating_add(bytes);
                if walk.stored_bytes > length {
                    return Err(feature(&path, "data that several arrays share"));
                }
                arrays.push(Array { path, elements });
            }
            Object::Group { tree, heap } => {
                if link.group.is_some_and(|cached| cached != (tree, heap)) {
                    return Err(feature(&path, "a link that contradicts its group"));
                }
                if depth == MAX_DEPTH {
                    return Err(feature(&path, "a group this deep"));
                }
                for (name, link) in walk.members(tree, heap, &path)? {
                    let path = if path.is_empty() { name } else { format!("{path}/{name}") };
                    pending.push((path, link, depth + 1));
                }
            }
        }
    }
    Ok(arrays)
}

/// A hard link: the object's address and, if the link repeats them, the group's tree and heap.
struct Link {
    object: u64,
    group: Option<(u64, u64)>,
}

impl<R: Read + Seek> Walk<R> {
    /// Checks the superblock and gives the link to the root group.
    fn superblock(&mut self, length: u64) -> Result<Link, Refusal> {
        const PLAIN: [u8; 8] = [0, 0, 0, 0, 0, 8, 8, 0];
        let bytes: [u8; 96] = self.get(0, "too short for HDF5")?;
        let mut fields = Fields(&bytes);
        if fields.take(8) != Some(b"\x89HDF\r\n\x1a\n") {
            return Err(broken("no HDF5 signature", 0));
        }
        if fields.take(8) != Some(&PLAIN) {
            return Err(broken("not the superblock that Keras writes", 8));
        }
        let _tree_sizes_and_flags = fields.take(8);
        let addresses = [fields.u64(), fields.u64(), fields.u64(), fields.u64()];
        let [base, free, end, driver] = addresses.map(Option::unwrap_or_default);
        if base != 0 || free != UNDEFINED || driver != UNDEFINED {
            return Err(broken("a base address, a free list or a driver block", 24));
        }
        if end != length {
            return Err(broken("not as long as it says", 40));
        }
        let mut entry = [0; 40];
        entry.copy_from_slice(fields.take(40).unwrap_or(&[0; 40]));
        let (_, link) = group::link(&entry, "")?;
        Ok(link)
    }

    /// Notes that the structure at `address` was met; Keras writes each once.
    fn visit(&mut self, address: u64) -> Result<(), Refusal> {
        if self.seen.insert(address) {
            Ok(())
        } else {
            Err(broken("one structure in two places, or a cycle", address))
        }
    }

    fn get<const N: usize>(
        &mut self,
        offset: u64,
        problem: &'static str,
    ) -> Result<[u8; N], Refusal> {
        self.file.array(offset)?.ok_or_else(|| broken(problem, offset))
    }
}

fn broken(problem: &'static str, offset: u64) -> Refusal {
    Refusal::Hdf5 { problem, offset }
}

fn feature(path: &str, feature: &'static str) -> Refusal {
    Refusal::Hdf5Feature { path: format!("/{}", crate::refusal::cut(path)), feature }
}

#[cfg(test)]
mod tests;
