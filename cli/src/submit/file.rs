//! The job file: YAML, every key known, every error with its line and what to do.
//!
//! ```yaml
//! trainer: keras                 # a name that 'aibom jobs trainers' lists, or {name, image}
//! task: classification           # or regression
//! inputs:                        # paths begin at this file's directory
//!   model: model.keras           #   .keras, untrained or to be trained further
//!   dataset: data.csv            #   CSV with a header row
//!   definition: definition.yaml  #   what the columns mean (AIBoMGen's format)
//! parameters:                    # all may be left out
//!   epochs: 50                   #   1 to 100000
//!   initial_epoch: 0             #   less than epochs
//!   batch_size: 32               #   left out: the trainer's choice, which it reports
//!   validation_split: 0.2        #   0 to less than 1
//!   steps_per_epoch: 10          #   left out: all rows
//!   validation_steps: 10         #   left out: all rows
//!   validation_freq: 1           #   epochs between validations
//!   seed: 0                      #   the same seed gives the same model
//! model:                         # what the submitter says of it; all may be left out
//!   name: wine                   #   left out: the model file's name
//!   version: 1.0.0               #   left out: 1
//!   description, author, type, licence, intended_use, out_of_scope, misuse: text
//!   users, limitations, trade_offs: a text, or a list of texts
//!   base_model: {name: ResNet50, source: https://example.org/resnet50, version: 2,
//!     sha256: …, derivation: full}      #   how it was made from it: full, lora, distillation, …
//!   ethical_risks: [{name, mitigation}]
//!   fairness: [{group, benefits, harms, mitigation}]
//!   compliance: [{standard, statement}] #   what the submitter says that it complies with
//!   security_policy: https://example.org/.well-known/security.txt
//! dataset:                       # all may be left out
//!   name: wine                   #   left out: the dataset file's name
//!   version: 1                   #   left out: not said
//!   description, licence, source, provenance: text
//!   classification: public       #   or internal, confidential, …
//!   sensitive_data: none         #   or a list of what it holds
//!   owners, custodians, stewards: a text, or a list of texts
//! resources: {cpus: 2, memory_mib: 2048, pids: 256, wall_clock_s: 3600, output_mib: 1024, gpus: 0}
//! aibom:                         # how the AIBoM is written; all may be left out
//!   cyclonedx: 1.6               #   or 1.7
//!   licence: CC0-1.0             #   of the AIBoM itself
//!   tlp: green                   #   clear, green, amber, amber+strict or red; needs cyclonedx: 1.7
//! ```

mod said;

use std::path::{Path, PathBuf};

use job::{Image, Task};
use serde::Deserialize;

pub(super) use said::{Aibom, Dataset, Model};

use super::suggestion;
use crate::{failure::Failure, profile::read_bounded};

/// The longest job file, in bytes.
pub(crate) const MAX_JOB_FILE_BYTES: u64 = 64 * 1024;

/// A job file as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobFile {
    pub(super) trainer: TrainerChoice,
    pub(super) task: Task,
    pub(super) inputs: InputPaths,
    #[serde(default)]
    pub(super) parameters: Parameters,
    #[serde(default)]
    pub(super) model: Model,
    #[serde(default)]
    pub(super) dataset: Dataset,
    #[serde(default)]
    pub(super) resources: Resources,
    #[serde(default)]
    pub(super) aibom: Aibom,
}

/// Which trainer runs: a name of the mesh's, or an image by digest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "trainer is a name, or a name and an image: {name: keras, image: \"sha256:…\"}"
)]
pub(super) enum TrainerChoice {
    Named(String),
    Pinned(PinnedTrainer),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinnedTrainer {
    pub(super) name: String,
    pub(super) image: Image,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputPaths {
    pub(super) model: PathBuf,
    pub(super) dataset: PathBuf,
    pub(super) definition: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    pub(super) epochs: u32,
    pub(super) initial_epoch: u32,
    pub(super) batch_size: Option<u32>,
    pub(super) validation_split: f64,
    pub(super) steps_per_epoch: Option<u32>,
    pub(super) validation_steps: Option<u32>,
    pub(super) validation_freq: u32,
    pub(super) seed: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            epochs: 50,
            initial_epoch: 0,
            batch_size: None,
            validation_split: 0.2,
            steps_per_epoch: None,
            validation_steps: None,
            validation_freq: 1,
            seed: 0,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Resources {
    pub(super) cpus: f64,
    pub(super) memory_mib: u32,
    pub(super) pids: u32,
    pub(super) wall_clock_s: u32,
    pub(super) output_mib: u32,
    pub(super) gpus: u32,
}

impl Default for Resources {
    fn default() -> Self {
        let limits = job::Resources::default();
        Self {
            cpus: f64::from(limits.cpu_millis) / 1000.0,
            memory_mib: limits.memory_mib,
            pids: limits.pids,
            wall_clock_s: limits.wall_clock_s,
            output_mib: limits.output_mib,
            gpus: limits.gpus,
        }
    }
}

/// Reads the job file at `path`.
pub(super) fn read(path: &Path) -> Result<JobFile, Failure> {
    let bytes = read_bounded(path, MAX_JOB_FILE_BYTES)?;
    let shown = path.display();
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::cannot(format_args!("{shown} is not UTF-8 text")))?;
    parse(&text).map_err(|(place, why, remedy)| {
        Failure::cannot(format_args!("{shown}{place} cannot be used")).because(why).remedy(remedy)
    })
}

/// Reads a job file; an error is its place, its cause, and what to do.
pub(super) fn parse(text: &str) -> Result<JobFile, (String, String, String)> {
    serde_norway::from_str(text).map_err(|error| {
        let why = error.to_string();
        let place =
            error.location().map_or_else(String::new, |place| format!(", line {}", place.line()));
        let why = why.split(" at line ").next().unwrap_or(&why).to_owned();
        let remedy = suggestion::remedy(&why);
        (place, why, remedy)
    })
}
