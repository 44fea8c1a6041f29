//! The rule `sha256-rank.v1`: which rows train and which validate, from a seed and a share alone.
//!
//! A row's rank is the SHA-256 of `aibom.split.v1:<seed>:<row>`, with rows from 0. Rows are sorted by
//! rank; the first `floor(rows * share)` validate, the others train, each in the order of the ranks.
//! The product is exact in decimal: 0.29 of 100 rows are 29, although 0.29 * 100 is a little less in
//! binary. The rule is that of `trainers/keras`.

use ids::Sha256Digest;
use serde::Deserialize;

/// The rule's name.
pub const ALGORITHM: &str = "sha256-rank.v1";
/// The schema of a trainer's own record of its split.
pub const SCHEMA: &str = "aibom.trainer.split.v1";
/// The most rows that are split: their hashes and ranks are held in memory.
pub const MAX_ROWS: u64 = 1_000_000;
/// The longest record of a split that is read, in bytes: [`MAX_ROWS`] row numbers, indented.
pub const MAX_RECORD_BYTES: usize = 32 * 1024 * 1024;

/// The rows of each split, in the order of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Every row once, by rank.
    order: Vec<u32>,
    /// How many of the first ones validate.
    validation: usize,
}

/// What a trainer writes down, as far as it is compared.
#[derive(Deserialize)]
struct Record {
    schema: String,
    train: Vec<u32>,
    validation: Vec<u32>,
}

/// How many of `rows` validate; `None` when `share` is not from 0 to less than 1.
#[must_use]
pub fn validation_rows(rows: u64, share: f64) -> Option<u64> {
    if !(0.0..1.0).contains(&share) {
        return None;
    }
    // The shortest decimal that reads back, as `<digit>.<digits>e<exponent>` with at most 17 digits.
    let text = format!("{:e}", share.abs());
    let (mantissa, exponent) = text.split_once('e')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let places = u32::try_from(fraction.len()).ok()?.checked_add(exponent.unsigned_abs())?;
    // 2^64 rows times 17 digits are below 10^37; beyond 10^38 nothing is left of that.
    let count = 10_u128.checked_pow(places).map_or(0, |unit| u128::from(rows) * digits / unit);
    u64::try_from(count).ok()
}

impl Division {
    /// Divides `rows` rows; `None` for more than [`MAX_ROWS`], or a share that is none.
    #[must_use]
    pub fn new(rows: u64, share: f64, seed: u32) -> Option<Self> {
        let validation = usize::try_from(validation_rows(rows, share)?).ok()?;
        let rows = u32::try_from(rows).ok().filter(|_| rows <= MAX_ROWS)?;
        let rank = |row| (Sha256Digest::of(format!("aibom.split.v1:{seed}:{row}").as_bytes()), row);
        let mut ranked: Vec<(Sha256Digest, u32)> = (0..rows).map(rank).collect();
        ranked.sort_unstable();
        Some(Self { order: ranked.into_iter().map(|(_, row)| row).collect(), validation })
    }

    /// Rows that train, from 0, in the order of use.
    #[must_use]
    pub fn train(&self) -> &[u32] {
        self.order.get(self.validation..).unwrap_or_default()
    }

    /// Rows that validate, from 0, in the order of use.
    #[must_use]
    pub fn validation(&self) -> &[u32] {
        self.order.get(..self.validation).unwrap_or_default()
    }

    /// Whether a trainer's record of its split (schema [`SCHEMA`]) names the same rows in the same
    /// order; `None` when it cannot be read.
    #[must_use]
    pub fn agrees(&self, record: &[u8]) -> Option<bool> {
        if record.len() > MAX_RECORD_BYTES {
            return None;
        }
        let record: Record = serde_json::from_slice(record).ok()?;
        let same = self.train() == record.train && self.validation() == record.validation;
        (record.schema == SCHEMA).then_some(same)
    }
}

#[cfg(test)]
mod tests;
