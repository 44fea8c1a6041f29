//! The levels of the tree: what the files below give, against what is published.

use std::collections::BTreeMap;

use ids::Sha256Digest;
use merkle::{
    Checkpoint,
    tile::{EntryBundle, TILE_WIDTH, Tile, VerifiedTiles, subtree_hash},
};

use super::{
    entry_place,
    report::{FaultKind, Report},
};
use crate::{ReadError, Reader, SourceError};

type Hashes = Vec<Sha256Digest>;

/// One level above the entries.
#[derive(Debug, Default)]
struct Row {
    /// The tile that is being filled.
    index: u64,
    /// Its hashes so far, from the files below.
    computed: Hashes,
    /// The tile as published, once it was asked for: its index, and its hashes where it can be read.
    published: Option<(u64, Option<Hashes>)>,
}

/// A tile at the right edge, both ways.
#[derive(Debug)]
struct Edge {
    tile: Tile,
    computed: Hashes,
    published: Hashes,
}

/// Every level above the entries.
pub(super) struct Levels<'a> {
    reader: &'a Reader,
    size: u64,
    rows: BTreeMap<u8, Row>,
    edge: Vec<Edge>,
}

/// The file with what the hashes of a tile are made of.
fn below(tile: Tile, offset: usize) -> Option<String> {
    let index = tile.index().checked_mul(TILE_WIDTH.into())?.checked_add(offset as u64)?;
    Tile::new(tile.level().checked_sub(1)?, index, TILE_WIDTH).map(|tile| tile.to_string())
}

impl<'a> Levels<'a> {
    pub(super) fn new(reader: &'a Reader, size: u64) -> Self {
        Self { reader, size, rows: BTreeMap::new(), edge: Vec::new() }
    }

    /// A tile's hashes as they were read, or the fault that they were not.
    pub(super) fn found(
        &self,
        tile: Tile,
        read: Result<Option<Hashes>, ReadError>,
        report: &mut Report,
    ) -> Result<Option<Hashes>, SourceError> {
        Ok(match read {
            Ok(Some(hashes)) => {
                report.tiles += 1;
                Some(hashes)
            }
            Ok(None) => report.missing(&tile),
            Err(ReadError::Source(error)) => report.too_long(&tile, error)?,
            Err(error) => report.spoilt(&tile, &error),
        })
    }

    /// Takes a bundle: the hashes of its entries where they could be read, and the tile over them.
    pub(super) async fn bundle(
        &mut self,
        bundle: EntryBundle,
        computed: Option<Hashes>,
        published: Option<Hashes>,
        report: &mut Report,
    ) -> Result<(), SourceError> {
        let mut tile = bundle.tile();
        // What cannot be read has its fault already; the other file goes on in its place.
        let width = usize::from(bundle.width());
        let unread = || vec![Sha256Digest::from_bytes([0; 32]); width];
        let (mut computed, mut published) = match (computed, published) {
            (Some(computed), Some(published)) => (computed, published),
            (Some(one), None) | (None, Some(one)) => (one.clone(), one),
            (None, None) => (unread(), unread()),
        };
        while tile.is_full() {
            let hash = self.settle(tile, &computed, &published, report).await?;
            let level = tile.level().saturating_add(1);
            let row = self.rows.entry(level).or_default();
            row.computed.push(hash);
            if row.computed.len() < usize::from(TILE_WIDTH) {
                return Ok(());
            }
            let (index, full) = (row.index, std::mem::take(&mut row.computed));
            row.index = row.index.saturating_add(1);
            let Some(next) = Tile::new(level, index, TILE_WIDTH) else { return Ok(()) };
            published = self.published(next, report).await?.unwrap_or_else(|| full.clone());
            (tile, computed) = (next, full);
        }
        self.edge.push(Edge { tile, computed, published });
        Ok(())
    }

    /// The published hashes of a tile above level 0; asked for once.
    async fn published(
        &mut self,
        tile: Tile,
        report: &mut Report,
    ) -> Result<Option<Hashes>, SourceError> {
        if let Some(row) = self.rows.get(&tile.level())
            && let Some((index, hashes)) = &row.published
            && *index == tile.index()
        {
            return Ok(hashes.clone());
        }
        let read = self.reader.tile(tile).await;
        let hashes = self.found(tile, read, report)?;
        let row = self.rows.entry(tile.level()).or_default();
        row.published = Some((tile.index(), hashes.clone()));
        Ok(hashes)
    }

    /// The hash over a full tile. Where what is published is not what the files below give, the
    /// published tile above says which of them is at fault.
    async fn settle(
        &mut self,
        tile: Tile,
        computed: &[Sha256Digest],
        published: &[Sha256Digest],
        report: &mut Report,
    ) -> Result<Sha256Digest, SourceError> {
        let hash = subtree_hash(computed);
        if computed == published {
            return Ok(hash);
        }
        let width = u64::from(TILE_WIDTH);
        let (above, offset) = (tile.index() / width, tile.index() % width);
        let parent = Tile::in_tree(tile.level().saturating_add(1), above, self.size);
        let above = match parent {
            Some(parent) => self.published(parent, report).await?,
            None => None,
        };
        let expected = usize::try_from(offset)
            .ok()
            .and_then(|offset| above.as_ref().and_then(|hashes| hashes.get(offset)).copied());
        let other = subtree_hash(published);
        if expected == Some(other) {
            blame_below(tile, computed, published, FaultKind::Changed, report);
            return Ok(other);
        }
        blame(tile, computed, published, FaultKind::Changed, report);
        Ok(hash)
    }

    /// The tiles at the right edge, against each other and the checkpoint's root.
    pub(super) async fn finish(
        mut self,
        checkpoint: &Checkpoint,
        report: &mut Report,
    ) -> Result<(), SourceError> {
        let rows: Vec<(u8, u64, Hashes)> = self
            .rows
            .iter()
            .map(|(level, row)| (*level, row.index, row.computed.clone()))
            .collect();
        for (level, index, computed) in rows {
            let width = u16::try_from(computed.len()).unwrap_or(u16::MAX);
            if let Some(tile) = Tile::new(level, index, width) {
                let published = self.published(tile, report).await?;
                let published = published.unwrap_or_else(|| computed.clone());
                self.edge.push(Edge { tile, computed, published });
            }
        }
        let leads = |hashes: fn(&Edge) -> &Hashes| {
            let edge = self.edge.iter().map(|edge| (edge.tile, hashes(edge).clone())).collect();
            VerifiedTiles::new(checkpoint.size, checkpoint.root, edge)
        };
        let (computed, published) = (leads(|edge| &edge.computed), leads(|edge| &edge.published));
        for Edge { tile, computed: from_below, published: read } in &self.edge {
            match (&computed, &published) {
                _ if from_below == read => {}
                (Ok(_), _) => blame(*tile, from_below, read, FaultKind::Changed, report),
                (Err(_), Ok(_)) => {
                    blame_below(*tile, from_below, read, FaultKind::Changed, report);
                }
                (Err(_), Err(_)) => blame(*tile, from_below, read, FaultKind::Differs, report),
            }
        }
        if let (Err(error), Err(_)) = (computed, published) {
            let file = merkle::tile::CHECKPOINT_PATH;
            report.fault(FaultKind::Root, &file, None, error.to_string());
        }
        Ok(())
    }
}

/// Each hash of the tile that the files below do not give.
fn blame(
    tile: Tile,
    computed: &[Sha256Digest],
    published: &[Sha256Digest],
    kind: FaultKind,
    report: &mut Report,
) {
    for (place, (computed, published)) in (0..).zip(computed.iter().zip(published)) {
        if computed != published {
            let from = match tile.level() {
                0 => "the entry gives",
                _ => "the tile below gives",
            };
            let detail = format!("hash {place} is {published}, {from} {computed}");
            report.fault(kind, &tile, Some(place), detail);
        }
    }
}

/// Each file, or entry, below the tile that does not give the tile's hash.
fn blame_below(
    tile: Tile,
    computed: &[Sha256Digest],
    published: &[Sha256Digest],
    kind: FaultKind,
    report: &mut Report,
) {
    for (offset, (computed, published)) in computed.iter().zip(published).enumerate() {
        if computed == published {
            continue;
        }
        let detail = format!("it gives {computed}, the log has {published}");
        let bundle = (tile.level() == 0).then(|| EntryBundle::new(tile.index(), tile.width()));
        match bundle.flatten() {
            Some(bundle) => report.fault(kind, &bundle, Some(entry_place(bundle, offset)), detail),
            None => {
                let file = below(tile, offset).unwrap_or_else(|| tile.to_string());
                report.fault(kind, &file, None, detail);
            }
        }
    }
}

impl std::fmt::Debug for Levels<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Levels").field("rows", &self.rows).finish_non_exhaustive()
    }
}
