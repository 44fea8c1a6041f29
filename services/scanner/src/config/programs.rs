//! `[[mesh]]`: which programs the services of the mesh are.

use std::{collections::BTreeSet, path::PathBuf};

use job::Image;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::ConfigError;

/// The most programs, as the rules of evidence take them.
const PROGRAMS_MAX: usize = 64;

/// A program of the mesh.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Stated")]
pub struct ProgramConfig {
    /// What the evidence calls it: 1 to 64 of a-z, 0-9 and '-'.
    pub name: String,
    /// Where it is.
    pub source: ProgramSource,
}

/// Where a program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramSource {
    /// A file of this machine.
    File(PathBuf),
    /// In an image of the engine.
    Image(Image),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    name: String,
    path: Option<PathBuf>,
    #[serde(default, deserialize_with = "image")]
    image: Option<Image>,
}

fn image<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Image>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

impl TryFrom<Stated> for ProgramConfig {
    type Error = String;

    fn try_from(Stated { name, path, image }: Stated) -> Result<Self, String> {
        let source = match (path, image) {
            (Some(path), None) => ProgramSource::File(path),
            (None, Some(image)) => ProgramSource::Image(image),
            (Some(_), Some(_)) | (None, None) => {
                return Err(format!("the program {name:?} has either a path or an image"));
            }
        };
        Ok(Self { name, source })
    }
}

/// Names hold in a file system and in evidence, and each is there once.
pub(super) fn check(programs: &[ProgramConfig]) -> Result<(), ConfigError> {
    let refused = |value: String, reason| ConfigError::Value { key: "mesh.name", value, reason };
    if programs.len() > PROGRAMS_MAX {
        return Err(refused(format!("{} programs", programs.len()), "at most 64"));
    }
    let mut names = BTreeSet::new();
    for name in programs.iter().map(|program| program.name.as_str()) {
        let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(refused(format!("{name:?}"), "1 to 64 of a-z, 0-9 and '-'"));
        }
        if !names.insert(name) {
            return Err(refused(format!("{name:?}"), "another program has that name"));
        }
    }
    Ok(())
}
