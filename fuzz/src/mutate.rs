//! Seeded mutations of a corpus: of bytes, and of JSON documents node by node.

mod bytes;
mod json;
mod random;

use std::{fs, io, path::Path};

use ids::canonical;
use serde_json::Value;

pub use random::Random;

/// The longest input, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// The inputs that mutations start from.
pub struct Corpus {
    inputs: Vec<Vec<u8>>,
    documents: Vec<Value>,
}

impl Corpus {
    /// Reads every file of `folder`, in the order of their names.
    ///
    /// # Errors
    /// When it cannot be read, or there is none.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut paths: Vec<_> = fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        paths.sort();
        let inputs: Vec<Vec<u8>> = paths.iter().map(fs::read).collect::<Result<_, _>>()?;
        if inputs.is_empty() {
            return Err(io::Error::other(format!("{} is empty", folder.display())));
        }
        let parsed = inputs.iter().filter_map(|input| serde_json::from_slice(input).ok());
        let documents = parsed.filter(Value::is_object).collect();
        Ok(Self { inputs, documents })
    }

    /// The inputs themselves.
    #[must_use]
    pub fn inputs(&self) -> &[Vec<u8>] {
        &self.inputs
    }

    /// One input with a few changes. Of JSON documents three in four are changed node by node and
    /// written in canonical form, since a change of bytes seldom gets past that one check.
    #[must_use]
    pub fn mutate(&self, random: &mut Random) -> Vec<u8> {
        let mut input = match random.pick(&self.documents) {
            Some(document) if random.below(4) > 0 => {
                let mut document = document.clone();
                for _ in 0..=random.below(3) {
                    json::change(&mut document, &self.documents, random);
                }
                // Values from JSON texts can be written.
                canonical::rewrite(&document).unwrap_or_default()
            }
            _ => bytes::changed(&self.inputs, random),
        };
        input.truncate(MAX_BYTES);
        input
    }
}
