//! `[database]` of the scanner's configuration; the command reads the same section.

use std::path::PathBuf;

use serde::Deserialize;

use crate::Repository;

/// The longest time between two updates, in hours: a week.
pub const UPDATE_HOURS_MAX: u32 = 168;

/// The vulnerability database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The directory that holds `db/trivy.db` and `db/metadata.json`.
    pub directory: PathBuf,
    /// The oldest database that still counts, in days since its last update.
    #[serde(default = "default_max_age_days")]
    pub max_age_days: u32,
    /// What the evidence calls it, such as `trivy-db` or `test subset`: 1 to 64 of a-z, 0-9, '.',
    /// '-', '_' and blanks.
    #[serde(default = "default_label")]
    pub label: String,
    /// Whether, and from where, the scanner downloads it by itself.
    #[serde(default)]
    pub update: Option<UpdateConfig>,
}

/// How the scanner keeps the database young.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateConfig {
    /// Where Trivy downloads it from; without, where Trivy itself looks.
    #[serde(default)]
    pub repository: Option<Repository>,
    /// How many hours lie between two downloads: 1 to [`UPDATE_HOURS_MAX`].
    #[serde(default = "default_every_h")]
    pub every_h: u32,
}

const fn default_max_age_days() -> u32 {
    7
}

fn default_label() -> String {
    "trivy-db".to_owned()
}

const fn default_every_h() -> u32 {
    6
}
