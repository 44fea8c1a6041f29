//! From a job file to the specification that the user signs.

use client::Jobs;
use job::{JobSpec, Trainer};

use super::{
    file::{Aibom, Dataset, JobFile, Model, Resources, TrainerChoice},
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

/// A file's name without its ending.
fn stem(name: &str) -> String {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

fn model_info(model: Model, file: &str) -> job::ModelInfo {
    job::ModelInfo {
        name: model.name.unwrap_or_else(|| stem(file)),
        version: model.version.map_or_else(|| "1".to_owned(), String::from),
        description: model.description,
        author: model.author,
        kind: model.kind,
        licence: model.licence,
        base_model: model.base_model.map(|base| job::BaseModel {
            name: base.name,
            source: base.source,
            version: base.version.map(String::from),
            sha256: base.sha256,
            derivation: base.derivation,
        }),
        intended_use: model.intended_use,
        out_of_scope: model.out_of_scope,
        misuse: model.misuse,
        users: model.users.into(),
        limitations: model.limitations.into(),
        trade_offs: model.trade_offs.into(),
        ethical_risks: model.ethical_risks,
        fairness: model.fairness,
        compliance: model.compliance,
        security_policy: model.security_policy,
    }
}

fn dataset_info(dataset: Dataset, file: &str) -> job::DatasetInfo {
    job::DatasetInfo {
        name: dataset.name.unwrap_or_else(|| stem(file)),
        description: dataset.description,
        licence: dataset.licence,
        source: dataset.source,
        version: dataset.version.map(String::from),
        provenance: dataset.provenance,
        classification: dataset.classification,
        sensitive_data: dataset.sensitive_data.into(),
        owners: dataset.owners.into(),
        custodians: dataset.custodians.into(),
        stewards: dataset.stewards.into(),
    }
}

/// How the AIBoM is to be written; a marking that would not stand in it is refused.
fn bom_options(aibom: Aibom) -> Result<job::BomOptions, Failure> {
    let cyclone_dx = aibom.cyclonedx.0;
    if aibom.tlp.is_some() && cyclone_dx == job::CycloneDx::V1_6 {
        return Err(Failure::cannot("aibom.tlp cannot be used")
            .because("CycloneDX 1.6 has no place for it")
            .remedy("add 'cyclonedx: 1.7' to aibom, or remove tlp"));
    }
    Ok(job::BomOptions {
        profile: job::PROFILE,
        cyclone_dx,
        licence: aibom.licence,
        tlp: aibom.tlp.map(job::Tlp::from),
    })
}

/// The specification; its bounds are checked when it is signed.
pub(super) fn specification(
    file: JobFile,
    trainer: Trainer,
    inputs: &Prepared,
) -> Result<JobSpec, Failure> {
    let parameters = file.parameters;
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
        model: model_info(file.model, &inputs.model.name),
        dataset: dataset_info(file.dataset, &inputs.dataset.name),
        resources: job::Resources {
            cpu_millis: cpu_millis(&file.resources)?,
            memory_mib: file.resources.memory_mib,
            pids: file.resources.pids,
            wall_clock_s: file.resources.wall_clock_s,
            output_mib: file.resources.output_mib,
            gpus: file.resources.gpus,
        },
        aibom: bom_options(file.aibom)?,
    })
}
