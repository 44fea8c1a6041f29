//! Which database is meant: by its directory, or by the scanner's configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::arguments::PlaceArguments;
use crate::failure::Failure;

/// The scanner's bound where no configuration says another.
const MAX_AGE_DAYS: u32 = 7;

/// What is known of the place.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) directory: PathBuf,
    pub(super) max_age_days: u32,
    /// As configured.
    pub(super) label: Option<String>,
    pub(super) repository: Option<scandb::Repository>,
    pub(super) trivy: Option<PathBuf>,
}

/// The scanner's configuration, as far as it matters here.
#[derive(Deserialize)]
struct Configuration {
    database: scandb::Config,
    #[serde(default)]
    tool: Tool,
}

#[derive(Default, Deserialize)]
struct Tool {
    path: Option<PathBuf>,
}

impl Place {
    /// The place that was named, or that of the mesh whose profile is at `mesh`.
    pub(super) fn find(arguments: &PlaceArguments, mesh: &Path) -> Result<Self, Failure> {
        if let Some(directory) = &arguments.dir {
            return Ok(Self {
                directory: directory.clone(),
                max_age_days: MAX_AGE_DAYS,
                label: None,
                repository: None,
                trivy: None,
            });
        }
        if let Some(path) = &arguments.config {
            return Self::read(path);
        }
        let path = mesh.with_file_name("config").join("scanner.toml");
        if path.is_file() {
            return Self::read(&path);
        }
        Err(Failure::cannot("no database is named")
            .because(format_args!("there is no mesh of 'aibom up' with {}", path.display()))
            .remedy("name its directory with --dir, or the scanner's configuration with --config"))
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::cannot(format_args!("cannot read {shown}")).because(error))?;
        let configuration: Configuration = toml::from_str(&text).map_err(|error| {
            let what = format_args!("{shown} is no configuration of a scanner");
            Failure::cannot(what).because(error.message())
        })?;
        let database = configuration.database;
        Ok(Self {
            directory: database.directory,
            max_age_days: database.max_age_days,
            label: Some(database.label),
            repository: database.update.and_then(|update| update.repository),
            trivy: configuration.tool.path,
        })
    }
}
