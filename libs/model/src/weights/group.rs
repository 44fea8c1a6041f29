//! Old-style groups: a version 1 B-tree of symbol tables, with names in a local heap
//! (specification sections III.A.1, III.B, III.C and III.D).

use std::io::{Read, Seek};

use super::{Link, Walk, broken, feature};
use crate::{Refusal, fields::Fields};

/// The most bytes of names in one group.
const MAX_HEAP_BYTES: u64 = 8 << 20;
const MAX_NAME_BYTES: usize = 512;
const MAX_TREE_LEVEL: u8 = 8;

/// One 40-byte symbol table entry: where its name is in the heap, and what it links to.
pub(super) fn link(entry: &[u8; 40], path: &str) -> Result<(u64, Link), Refusal> {
    let mut fields = Fields(entry);
    let (name, object) = (fields.u64().unwrap_or_default(), fields.u64().unwrap_or_default());
    let kind = fields.u32();
    let _reserved = fields.u32();
    let group = match kind {
        Some(0) => None,
        Some(1) => fields.u64().zip(fields.u64()),
        Some(2) => return Err(feature(path, "a soft link")),
        _ => return Err(feature(path, "a link of unknown kind")),
    };
    Ok((name, Link { object, group }))
}

impl<R: Read + Seek> Walk<R> {
    /// The members of the group with this B-tree and heap, with their names.
    pub(super) fn members(
        &mut self,
        tree: u64,
        heap: u64,
        path: &str,
    ) -> Result<Vec<(String, Link)>, Refusal> {
        let names = self.heap(heap)?;
        let mut tables = Vec::new();
        self.leaves(tree, None, &mut tables)?;
        let mut members = Vec::new();
        for table in tables {
            self.visit(table)?;
            let head: [u8; 8] = self.get(table, "a symbol table outside of the file")?;
            let [b'S', b'N', b'O', b'D', 1, _, low, high] = head else {
                return Err(broken("no symbol table", table));
            };
            for index in 0..u64::from(u16::from_le_bytes([low, high])) {
                let at = table.saturating_add(8 + 40 * index);
                let entry = self.get(at, "a link outside of the file")?;
                let (offset, link) = link(&entry, path)?;
                let name = name(&names, offset).ok_or_else(|| broken("a bad name", at))?;
                if members.len() >= self.objects_left as usize {
                    return Err(feature(path, "a group of this many members"));
                }
                members.push((name, link));
            }
        }
        Ok(members)
    }

    /// The names' bytes.
    fn heap(&mut self, heap: u64) -> Result<Vec<u8>, Refusal> {
        self.visit(heap)?;
        let head: [u8; 32] = self.get(heap, "a heap outside of the file")?;
        let mut fields = Fields(&head);
        if fields.take(8) != Some(b"HEAP\0\0\0\0") {
            return Err(broken("no local heap", heap));
        }
        let (Some(size), Some(_), Some(data)) = (fields.u64(), fields.u64(), fields.u64()) else {
            return Err(broken("no local heap", heap));
        };
        let end = data.checked_add(size).filter(|end| *end <= self.file.length());
        match end {
            Some(end) if size <= MAX_HEAP_BYTES => self.file.bytes(&(data..end)),
            _ => Err(broken("a heap that is too large or outside of the file", heap)),
        }
    }

    /// Collects the symbol tables below a tree node; levels must fall by one at each step.
    fn leaves(
        &mut self,
        node: u64,
        level: Option<u8>,
        tables: &mut Vec<u64>,
    ) -> Result<(), Refusal> {
        self.visit(node)?;
        let head: [u8; 8] = self.get(node, "a tree outside of the file")?;
        let [b'T', b'R', b'E', b'E', 0, own, low, high] = head else {
            return Err(broken("no group tree", node));
        };
        if own > MAX_TREE_LEVEL || level.is_some_and(|level| level != own) {
            return Err(broken("a tree of wrong height", node));
        }
        for index in 0..u64::from(u16::from_le_bytes([low, high])) {
            // Behind the head and two sibling addresses: key, child, key, child, …
            let at = node.saturating_add(24 + 8 + 16 * index);
            let child = u64::from_le_bytes(self.get(at, "a tree outside of the file")?);
            match own.checked_sub(1) {
                Some(below) => self.leaves(child, Some(below), tables)?,
                None => tables.push(child),
            }
        }
        Ok(())
    }
}

/// The NUL-ended name at `offset`; one path component.
fn name(names: &[u8], offset: u64) -> Option<String> {
    let rest = names.get(usize::try_from(offset).ok()?..)?;
    let end = rest.iter().take(MAX_NAME_BYTES + 1).position(|byte| *byte == 0)?;
    let name = std::str::from_utf8(rest.get(..end)?).ok()?;
    let plain =
        !matches!(name, "" | "." | "..") && !name.contains(|c: char| c == '/' || c.is_control());
    plain.then(|| name.to_owned())
}
