//! Old-style groups: a B-tree of symbol tables, with names in a local heap (section III).

use std::{io, ops::ControlFlow};

use super::Walk;
use model::Fields;

use crate::{Scan, Severity, rule::Rule, source::Source};

const MAX_HEAP_BYTES: u64 = 16 << 20;

impl Scan<'_> {
    /// Reaches the members of a group; false when it cannot be read.
    pub(super) fn hdf5_group(
        &mut self,
        source: &mut Source<'_>,
        (tree, heap): (u64, u64),
        path: &str,
        walk: &mut Walk,
    ) -> io::Result<bool> {
        let Some(names) = heap_data(source, walk.base.saturating_add(heap))? else {
            return Ok(false);
        };
        let mut nodes = vec![tree];
        while let Some(node) = nodes.pop() {
            if !walk.seen.insert(node) || nodes.len() > self.limits.max_entries as usize {
                return Ok(false);
            }
            let at = walk.base.saturating_add(node);
            let Some(head) = source.array::<8>(at)? else { return Ok(false) };
            let [a, b, c, d, _, _, low, high] = head;
            let count = u64::from(u16::from_le_bytes([low, high]));
            match [a, b, c, d] {
                [b'T', b'R', b'E', b'E'] => {
                    let bytes = source.peek(at.saturating_add(24), 16 * 65_536)?;
                    let mut fields = Fields(&bytes);
                    for _ in 0..count {
                        let (Some(_key), Some(child)) = (fields.u64(), fields.u64()) else {
                            return Ok(false);
                        };
                        nodes.push(child);
                    }
                }
                [b'S', b'N', b'O', b'D'] => {
                    let bytes = source.peek(at.saturating_add(8), 40 * 65_536)?;
                    let mut fields = Fields(&bytes);
                    for _ in 0..count {
                        let flow = self.symbol(&mut fields, &names, path, walk);
                        if flow.is_break() {
                            return Ok(false);
                        }
                    }
                }
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// One symbol table entry.
    fn symbol(
        &mut self,
        fields: &mut Fields<'_>,
        names: &[u8],
        path: &str,
        walk: &mut Walk,
    ) -> ControlFlow<()> {
        let (Some(name), Some(object), Some(kind), Some(_), Some(scratch)) =
            (fields.u64(), fields.u64(), fields.u32(), fields.u32(), fields.take(16))
        else {
            return ControlFlow::Break(());
        };
        let path = super::header::below(path, &text(names, name));
        if kind == 2 {
            let to = Fields(scratch).u32().map(u64::from).unwrap_or_default();
            let detail = format!("a soft link leads to {:?}", text(names, to));
            self.findings.add(Severity::Low, Rule::Hdf5Link, &path, &detail);
        } else {
            walk.reach(object, path);
        }
        ControlFlow::Continue(())
    }
}

/// The bytes of a local heap.
fn heap_data(source: &mut Source<'_>, at: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(head) = source.array::<32>(at)? else { return Ok(None) };
    let mut fields = Fields(&head);
    if fields.take(8) != Some(b"HEAP\0\0\0\0") {
        return Ok(None);
    }
    let (Some(size), Some(_), Some(data)) = (fields.u64(), fields.u64(), fields.u64()) else {
        return Ok(None);
    };
    source.exact(data, size, MAX_HEAP_BYTES)
}

/// The NUL-ended text at an offset.
fn text(names: &[u8], offset: u64) -> String {
    let rest = usize::try_from(offset).ok().and_then(|at| names.get(at..)).unwrap_or_default();
    let end = rest.iter().take(1024).position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned()
}
