//! The three input files: found, hashed once, checked, uploaded.

use std::{error::Error, fs::File, io::BufReader, path::Path, sync::Arc};

use client::{Artifacts, LocalFile, UploadError, UploadOutcome};
use job::{InputFile, Inputs};

use super::{file::InputPaths, progress::Bars};
use crate::{
    failure::Failure,
    names::{MAX_LABEL_BYTES, is_file_name},
    terminal::Terminal,
};

/// An input with the name that the job knows it by.
#[derive(Debug, Clone)]
pub(super) struct Input {
    /// The label.
    pub(super) name: String,
    /// The file.
    pub(super) file: LocalFile,
}

/// The inputs of a job, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The model.
    pub(super) model: Input,
    /// The data.
    pub(super) dataset: Input,
    /// What the data means.
    pub(super) definition: Input,
}

impl Prepared {
    /// The inputs as a request names them.
    pub(super) fn named(&self) -> Inputs {
        let named = |input: &Input| InputFile {
            name: input.name.clone(),
            sha256: input.file.digests.sha256,
            size: input.file.size,
        };
        Inputs {
            model: named(&self.model),
            dataset: named(&self.dataset),
            definition: named(&self.definition),
        }
    }

    const fn each(&self) -> [&Input; 3] {
        [&self.model, &self.dataset, &self.definition]
    }
}

/// Finds, hashes and checks the inputs of the job file at `job_file`.
pub(super) fn prepare(job_file: &Path, paths: &InputPaths) -> Result<Prepared, Failure> {
    let directory = job_file.parent().unwrap_or_else(|| Path::new(""));
    let prepared = Prepared {
        model: input("model", &directory.join(&paths.model))?,
        dataset: input("dataset", &directory.join(&paths.dataset))?,
        definition: input("definition", &directory.join(&paths.definition))?,
    };
    let mut names = prepared.each().map(|input| input.name.as_str());
    names.sort_unstable();
    if let Some([name, _]) = names.windows(2).find(|pair| pair.first() == pair.last()) {
        return Err(Failure::cannot(format_args!("two inputs are both called {name}"))
            .remedy("give each input file its own name"));
    }
    inspect(&prepared.model.file.path)?;
    for input in prepared.each() {
        harmless(input)?;
    }
    Ok(prepared)
}

fn input(key: &str, path: &Path) -> Result<Input, Failure> {
    let file = LocalFile::hash(path).map_err(|error| {
        Failure::cannot(format_args!("the input {key:?} cannot be used"))
            .caused_by(&error)
            .remedy("correct inputs in the job file; paths begin at its directory")
    })?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if is_file_name(name) {
        return Ok(Input { name: name.to_owned(), file });
    }
    Err(Failure::cannot(format_args!("the input {key:?} cannot be called {name:?}"))
        .remedy(format_args!("rename it: 1 to {MAX_LABEL_BYTES} of A-Z, a-z, 0-9, '.', '_', '-'")))
}

/// The same rules by which the executor refuses a model, before anything is sent.
fn inspect(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let opened = File::open(path)
        .map_err(|error| Failure::cannot(format_args!("cannot read {shown}")).because(error))?;
    match model::inspect(BufReader::new(opened), &model::Limits::default()) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(Failure::refused(format_args!("the model {shown} is refused"))
            .caused_by(&refusal)
            .remedy("save it again with Keras 3.13 or newer, of Keras's own layers without code")),
    }
}

/// No input may hold what runs code or reaches other files, whatever it is called.
fn harmless(input: &Input) -> Result<(), Failure> {
    let shown = input.file.path.display();
    let cannot =
        |error: &dyn Error| Failure::cannot(format_args!("cannot read {shown}")).caused_by(error);
    let opened = File::open(&input.file.path).map_err(|error| cannot(&error))?;
    let found = inspect::inspect(&input.name, opened, &inspect::Limits::default())
        .map_err(|error| cannot(&error))?;
    match found.refusal() {
        None => Ok(()),
        Some(reasons) => Err(Failure::refused(format_args!("the input {shown} is refused"))
            .because(reasons)
            .remedy("submit files that hold data only, under names that say what they are")),
    }
}

/// Sends what the store does not have yet.
pub(super) async fn upload(
    terminal: &Terminal,
    artifacts: &Artifacts,
    inputs: &Prepared,
) -> Result<(), Failure> {
    let bars = Bars::new(terminal);
    for input in inputs.each() {
        let bar = bars.bytes(&input.name, Some(input.file.size));
        let moving = bar.clone();
        let outcome = artifacts
            .upload(&input.file, Arc::new(move |sent| moving.set_position(sent)))
            .await
            .map_err(|error| match error {
                UploadError::Call(error) => error.into(),
                UploadError::Read { .. } => Failure::cannot("cannot upload").caused_by(&error),
                UploadError::Changed { .. } => Failure::refused(&error).remedy("submit again"),
            })?;
        bar.finish();
        if let UploadOutcome::Sent { resumed_at } = outcome
            && resumed_at > 0
        {
            terminal.say(format_args!("{}: resumed at byte {resumed_at}", input.name));
        }
    }
    bars.clear();
    Ok(())
}
