//! How many advisories a database has, by who published them: one bounded walk over its tree.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
};

use serde::{Deserialize, Serialize};

use super::{
    ELEMENT_BYTES, ELEMENT_IS_BUCKET, FLAG_BRANCH, FLAG_LEAF, PAGE_HEADER_BYTES, Shape, u16_at,
    u32_at, u64_at,
};

/// How deep buckets and pages may lie in each other; a tree of the published size has about 8.
const DEPTH_MAX: u32 = 32;
/// The most pages that one element of the tree may take; what the database holds are short texts.
const PAGES_AT_ONCE_MAX: u64 = 16 * 1024;
/// The bucket that lists the others, with who published them.
const DATA_SOURCE: &[u8] = b"data-source";

/// Who published advisories, and how many of them are in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// As the database calls it, such as `Debian Security Tracker`.
    pub name: String,
    /// How many: one that concerns several packages, or releases of a distribution, counts for each.
    pub advisories: u64,
}

/// Why advisories cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// The file cannot be read.
    #[error("the database cannot be read")]
    Read(#[from] io::Error),
    /// A page or an element is not as bbolt writes it.
    #[error("the database's tree is damaged at page {0}")]
    Page(u64),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
}

struct Tree<'a, F> {
    file: &'a mut F,
    shape: Shape,
    /// Each page is read at most once in a sound tree.
    pages_left: u64,
    /// And its elements do not share their places.
    elements_left: u64,
}

/// What is done with a leaf page: the tree, the page's bytes, its number.
type TakeLeaf<'t, F> = &'t mut dyn FnMut(&mut Tree<'_, F>, &[u8], u64) -> Result<(), SourcesError>;

struct Element<'p> {
    key: &'p [u8],
    value: &'p [u8],
    is_bucket: bool,
}

/// Counts the advisories of every source that the database names.
///
/// # Errors
/// When the tree is damaged or cannot be read; each of its pages is read at most once.
pub fn sources(file: &mut (impl Read + Seek), shape: Shape) -> Result<Vec<Source>, SourcesError> {
    let elements_left = shape.pages.saturating_mul(shape.page_bytes.into()) / ELEMENT_BYTES as u64;
    let mut tree = Tree { file, shape, pages_left: shape.pages, elements_left };
    let mut names = BTreeMap::new();
    let mut counts = Vec::new();
    let mut listed = None;
    tree.top(&mut |key, value| {
        if key == DATA_SOURCE {
            listed = Some(value.to_vec())
        } else {
            counts.push((key.to_vec(), value.to_vec()))
        }
    })?;
    if let Some(bucket) = listed {
        tree.bucket(&bucket, 0, &mut |element| {
            if let Ok(Named { name }) = serde_json::from_slice(element.value) {
                names.insert(element.key.to_vec(), name);
            }
        })?;
    }
    let mut by_name: BTreeMap<String, u64> = BTreeMap::new();
    for (bucket, value) in counts {
        let Some(name) = names.get(&bucket) else { continue };
        let count = by_name.entry(name.clone()).or_default();
        tree.bucket(&value, 0, &mut |_| *count += 1)?;
    }
    Ok(by_name.into_iter().map(|(name, advisories)| Source { name, advisories }).collect())
}

impl<F: Read + Seek> Tree<'_, F> {
    /// The buckets of the root bucket: name and value.
    fn top(&mut self, take: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), SourcesError> {
        self.leaves(self.shape.root, 0, &mut |tree, page, id| {
            for element in tree.elements(page, id)? {
                if element.is_bucket {
                    take(element.key, element.value);
                }
            }
            Ok(())
        })
    }

    /// Every plain entry of a bucket and of those in it.
    fn bucket(
        &mut self,
        value: &[u8],
        depth: u32,
        take: &mut dyn FnMut(&Element<'_>),
    ) -> Result<(), SourcesError> {
        let damaged = SourcesError::Page(self.shape.root);
        match u64_at(value, 0) {
            // A small bucket is a page within its own value.
            Some(0) => match value.get(16..) {
                Some(page) => self.entries(page, 0, depth, take),
                None => Err(damaged),
            },
            Some(root) => {
                self.leaves(root, depth, &mut |tree, page, id| tree.entries(page, id, depth, take))
            }
            None => Err(damaged),
        }
    }

    fn entries(
        &mut self,
        page: &[u8],
        id: u64,
        depth: u32,
        take: &mut dyn FnMut(&Element<'_>),
    ) -> Result<(), SourcesError> {
        for element in self.elements(page, id)? {
            if element.is_bucket {
                if depth >= DEPTH_MAX {
                    return Err(SourcesError::Page(id));
                }
                self.bucket(element.value, depth + 1, take)?;
            } else {
                take(&element);
            }
        }
        Ok(())
    }

    /// Every leaf page below `id`.
    fn leaves(&mut self, id: u64, depth: u32, take: TakeLeaf<'_, F>) -> Result<(), SourcesError> {
        let page = self.page(id)?;
        let damaged = || SourcesError::Page(id);
        match u16_at(&page, 8) {
            Some(FLAG_LEAF) => take(self, &page, id),
            Some(FLAG_BRANCH) if depth < DEPTH_MAX => {
                let count = usize::from(u16_at(&page, 10).ok_or_else(damaged)?);
                for index in 0..count {
                    let at = PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
                    let child = u64_at(&page, at + 8).ok_or_else(damaged)?;
                    self.leaves(child, depth + 1, take)?;
                }
                Ok(())
            }
            _ => Err(damaged()),
        }
    }

    fn elements<'p>(&mut self, page: &'p [u8], id: u64) -> Result<Vec<Element<'p>>, SourcesError> {
        let damaged = || SourcesError::Page(id);
        let count = u16_at(page, 10).ok_or_else(damaged)?;
        self.elements_left = self.elements_left.checked_sub(count.into()).ok_or_else(damaged)?;
        (0..usize::from(count)).map(|index| element(page, index).ok_or_else(damaged)).collect()
    }

    fn page(&mut self, id: u64) -> Result<Vec<u8>, SourcesError> {
        let damaged = || SourcesError::Page(id);
        let page_bytes = u64::from(self.shape.page_bytes);
        self.file.seek(SeekFrom::Start(id.checked_mul(page_bytes).ok_or_else(damaged)?))?;
        let mut page = Vec::new();
        self.file.by_ref().take(page_bytes).read_to_end(&mut page)?;
        let pages = 1 + u64::from(u32_at(&page, 12).ok_or_else(damaged)?);
        let within = pages <= PAGES_AT_ONCE_MAX
            && id.checked_add(pages).is_some_and(|end| end <= self.shape.pages);
        self.pages_left =
            self.pages_left.checked_sub(pages).filter(|_| within).ok_or_else(damaged)?;
        let more = page_bytes.saturating_mul(pages - 1);
        self.file.by_ref().take(more).read_to_end(&mut page)?;
        Ok(page)
    }
}

fn element(page: &[u8], index: usize) -> Option<Element<'_>> {
    let at = PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
    let field = |offset| u32_at(page, at + offset).and_then(|word| usize::try_from(word).ok());
    // Positions count from the start of their own element.
    let data = page.get(at.checked_add(field(4)?)?..)?;
    let (key, rest) = data.split_at_checked(field(8)?)?;
    let value = rest.get(..field(12)?)?;
    Some(Element { key, value, is_bucket: u32_at(page, at)? & ELEMENT_IS_BUCKET != 0 })
}
