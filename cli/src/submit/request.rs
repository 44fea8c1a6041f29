//! From a job file to the specification that the user signs.

use client::Jobs;
use job::{JobSpec, Trainer};

use super::{
    file::{JobFile, Resources, TrainerChoice, Version},
    inputs::Prepared,
};
use crate::failure::Failure;

/// The trainer's image: as pinned, or as the mesh names it now.
pub(super) async fn trainer(choice: &TrainerChoice, jobs: &Jobs) -> Result<Trainer, Failure> {
    let name = match choice {
        TrainerChoice::Pinned(pinned) => {
            return Ok(Trainer { name: pinned.name.clone(), image: pinned.image.clone() });
        }
        TrainerChoice::Named(name) => name,
    };
    let known = jobs.trainers().await?;
    if let Some(trainer) = known.iter().find(|trainer| trainer.name == *name) {
        return Ok(Trainer { name: name.clone(), image: trainer.image.clone() });
    }
    let names: Vec<_> = known.into_iter().map(|trainer| trainer.name).collect();
    let failure = Failure::refused(format_args!("this mesh has no trainer {name:?}"));
    Err(if names.is_empty() {
        failure.because("no executor offers any").remedy(
            "build one with trainers/keras/build.sh and restart 'aibom up', or pin an image: \
             trainer: {name: …, image: \"sha256:…\"}",
        )
    } else {
        failure.remedy(format_args!("it has: {}", names.join(", ")))
    })
}

fn cpu_millis(resources: &Resources) -> Result<u32, Failure> {
    let millis = (resources.cpus * 1000.0).round();
    if (100.0..=256_000.0).contains(&millis) {
        #[expect(clippy::cast_possible_truncation, reason = "within 100 to 256,000, and whole")]
        #[expect(clippy::cast_sign_loss, reason = "within 100 to 256,000")]
        return Ok(millis as u32);
    }
    Err(Failure::cannot(format_args!("resources.cpus is {}: must be 0.1 to 256", resources.cpus)))
}

/// The specification; its bounds are checked when it is signed.
pub(super) fn specification(
    file: JobFile,
    trainer: Trainer,
    inputs: &Prepared,
) -> Result<JobSpec, Failure> {
    let (parameters, model, dataset) = (file.parameters, file.model, file.dataset);
    let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
    let version = match model.version {
        Some(Version::Text(text)) => text,
        Some(Version::Whole(number)) => number.to_string(),
        None => "1".to_owned(),
    };
    Ok(JobSpec {
        task: file.task,
        trainer,
        inputs: inputs.named(),
        parameters: job::Parameters {
            epochs: parameters.epochs,
            initial_epoch: parameters.initial_epoch,
            batch_size: parameters.batch_size,
            validation_split: parameters.validation_split,
            steps_per_epoch: parameters.steps_per_epoch,
            validation_steps: parameters.validation_steps,
            validation_freq: parameters.validation_freq,
            seed: parameters.seed,
        },
        model: job::ModelInfo {
            name: model.name.unwrap_or_else(|| stem(&inputs.model.name)),
            version,
            description: model.description,
            author: model.author,
            kind: model.kind,
            licence: model.licence,
            base_model: model.base_model.map(|base| job::BaseModel {
                name: base.name,
                source: base.source,
                ..Default::default()
            }),
            intended_use: model.intended_use,
            out_of_scope: model.out_of_scope,
            misuse: model.misuse,
            ..job::ModelInfo::default()
        },
        dataset: job::DatasetInfo {
            name: dataset.name.unwrap_or_else(|| stem(&inputs.dataset.name)),
            description: dataset.description,
            licence: dataset.licence,
            source: dataset.source,
            ..job::DatasetInfo::default()
        },
        resources: job::Resources {
            cpu_millis: cpu_millis(&file.resources)?,
            memory_mib: file.resources.memory_mib,
            pids: file.resources.pids,
            wall_clock_s: file.resources.wall_clock_s,
            output_mib: file.resources.output_mib,
            gpus: file.resources.gpus,
        },
        aibom: job::BomOptions::default(),
    })
}
