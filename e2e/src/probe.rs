//! Jobs for the probe trainer, which misbehaves on demand: the dataset's first row says how.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::place;

/// A job for the probe.
#[derive(Debug, Clone)]
pub struct Probe {
    /// What it does; see `e2e/trainers/probe/probe.py`.
    pub mode: String,
    /// The trainer's name: the probe itself, or one made of it.
    pub trainer: String,
    /// Makes its inputs, and so its job, unlike any other.
    pub mark: String,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Processes and threads.
    pub pids: u32,
    /// Wall clock, in seconds.
    pub wall_clock_s: u32,
    /// All outputs, in MiB.
    pub output_mib: u32,
    /// The submitted model, if not that of `examples/wine`.
    pub model: Option<PathBuf>,
}

impl Probe {
    /// A job of that mode with generous limits.
    #[must_use]
    pub fn new(mode: &str) -> Self {
        Self {
            mode: mode.to_owned(),
            trainer: "probe".to_owned(),
            mark: uuid::Uuid::new_v4().simple().to_string(),
            memory_mib: 128,
            pids: 64,
            wall_clock_s: 120,
            output_mib: 16,
            model: None,
        }
    }

    /// Writes job file and inputs into the new directory `folder`; gives the job file.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let wine = place::repository()?.join("examples/wine/model.keras");
        let model = self.model.as_ref().unwrap_or(&wine);
        std::fs::copy(model, folder.join("model.keras"))
            .with_context(|| format!("cannot copy {}", model.display()))?;
        let (mode, mark) = (&self.mode, &self.mark);
        let rows = format!("what,x\nmode={mode},1\nmark {mark},2\n");
        std::fs::write(folder.join("data.csv"), rows)?;
        let definition = "type: csv\ncolumns:\n  what: string\n  x: int\nlabel: what\n";
        std::fs::write(folder.join("definition.yaml"), definition)?;
        let path = folder.join("job.yaml");
        std::fs::write(&path, self.job_file())?;
        Ok(path)
    }

    fn job_file(&self) -> String {
        let Self { mode, trainer, memory_mib, pids, wall_clock_s, output_mib, .. } = self;
        format!(
            "trainer: {trainer}\n\
             task: classification\n\
             inputs: {{model: model.keras, dataset: data.csv, definition: definition.yaml}}\n\
             parameters: {{epochs: 3, batch_size: 4, validation_split: 0.0, seed: 7}}\n\
             model: {{name: \"probe-{mode}\", version: \"1.0\", licence: Apache-2.0}}\n\
             dataset: {{name: probe, licence: CC0-1.0}}\n\
             resources: {{cpus: 1, memory_mib: {memory_mib}, pids: {pids}, \
             wall_clock_s: {wall_clock_s}, output_mib: {output_mib}}}\n"
        )
    }
}
