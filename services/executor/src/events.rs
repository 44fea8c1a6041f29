//! The trainer's JSON lines on standard output, read with bounds: what it says becomes a small
//! report that is safe in canonical JSON, whatever it says.

mod lines;
mod series;
mod value;

use std::collections::BTreeMap;

use evidence::Reported;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::failure::clean;
pub use lines::{Lines, MAX_LINE_BYTES};
pub use series::{MAX_POINTS, MAX_SERIES};
pub use value::{MAX_SAFE_INTEGER, bounded};

/// The most metrics that are kept.
pub const MAX_METRICS: usize = 64;
/// The longest name and version of a trainer, in bytes.
pub const MAX_TRAINER_BYTES: usize = 128;
/// The longest name of a metric, parameter or framework, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// The most that is kept of the effective parameters, and of the data facts, in bytes of JSON.
pub const MAX_FACTS_BYTES: usize = 64 * 1024;
/// The most frameworks that are kept.
pub const MAX_FRAMEWORKS: usize = 64;
/// The most output names that are read; more than may be collected, so that too many are noticed.
pub const MAX_NAMED_OUTPUTS: usize = 256;

/// How the trainer said that it failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrainerError {
    /// A code.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// Everything that the trainer said, folded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// What goes into the evidence.
    pub reported: Reported,
    /// Epochs asked for, as the last epoch event said; 0 when none did.
    pub epochs_asked: u32,
    /// Names of the outputs; `None` when the trainer did not say that it is done.
    pub outputs: Option<Vec<String>>,
    /// Its last error.
    pub error: Option<TrainerError>,
    /// How each series is thinned.
    pub(crate) thinned: BTreeMap<String, series::Thinning>,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Start {
        #[serde(default)]
        trainer: Value,
        #[serde(default)]
        frameworks: BTreeMap<String, Value>,
    },
    Data(Map<String, Value>),
    Effective {
        parameters: Map<String, Value>,
    },
    Epoch {
        epoch: u32,
        #[serde(default)]
        epochs: u32,
        #[serde(default)]
        metrics: BTreeMap<String, Value>,
    },
    Done {
        outputs: Vec<String>,
    },
    Error {
        #[serde(default)]
        reason: String,
        #[serde(default)]
        message: String,
    },
}

/// `<name> <version>`, as far as the trainer says it.
fn trainer_name(trainer: &Value) -> String {
    let parts = ["name", "version"].map(|key| trainer.get(key).and_then(Value::as_str));
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    clean(&parts.join(" "), MAX_TRAINER_BYTES)
}

impl Report {
    /// Takes one line; true when it was an event, false when it is just log.
    pub fn take_line(&mut self, line: &[u8]) -> bool {
        if line.first() != Some(&b'{') || line.len() > MAX_LINE_BYTES {
            return false;
        }
        match serde_json::from_slice(line) {
            Ok(event) => {
                self.take(event);
                true
            }
            Err(_) => false,
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Start { trainer, frameworks } => {
                self.reported.trainer = trainer_name(&trainer);
                self.reported.frameworks = frameworks
                    .into_iter()
                    .take(MAX_FRAMEWORKS)
                    .map(|(name, version)| {
                        let version =
                            version.as_str().map_or_else(|| version.to_string(), str::to_owned);
                        (clean(&name, MAX_NAME_BYTES), clean(&version, MAX_NAME_BYTES))
                    })
                    .collect();
            }
            Event::Data(mut facts) => {
                facts.remove("event");
                self.reported.data = bounded(facts, MAX_FACTS_BYTES);
            }
            Event::Effective { parameters } => {
                self.reported.effective = bounded(parameters, MAX_FACTS_BYTES);
            }
            Event::Epoch { epoch, epochs, metrics } => self.epoch(epoch, epochs, metrics),
            Event::Done { outputs } => {
                let names = outputs.into_iter().take(MAX_NAMED_OUTPUTS);
                self.outputs = Some(names.collect());
            }
            Event::Error { reason, message } => {
                let (reason, message) = (clean(&reason, MAX_NAME_BYTES), clean(&message, 3072));
                self.error = Some(TrainerError { reason, message });
            }
        }
    }

    fn epoch(&mut self, epoch: u32, epochs: u32, metrics: BTreeMap<String, Value>) {
        let metrics: BTreeMap<String, f64> = metrics
            .into_iter()
            .filter_map(|(name, value)| {
                let value = value.as_f64().filter(|v| v.is_finite())?;
                Some((clean(&name, MAX_NAME_BYTES), value))
            })
            .take(MAX_METRICS)
            .collect();
        self.reported.epochs = epoch;
        self.epochs_asked = epochs;
        let best = &mut self.reported.best_metrics;
        for (name, value) in &metrics {
            let Some(direction) = evidence::direction(name) else { continue };
            let full = best.len() >= MAX_METRICS;
            if best.get(name).map_or(!full, |held| direction.prefers(*value, *held)) {
                best.insert(name.clone(), *value);
            }
        }
        series::take(&mut self.reported.series, &mut self.thinned, epoch, &metrics);
        self.reported.final_metrics = metrics;
    }
}

#[cfg(test)]
mod tests;
