//! What the user asks for and the scheduler grants.

use ::evidence::{GRANT_SCHEMA, Grant, Grantee, Operator};
use ids::{JobId, Sha256Digest};
use job::{
    BaseModel, BomOptions, Compliance, DatasetInfo, Fairness, InputFile, Inputs, JobSpec,
    ModelInfo, Parameters, REQUEST_SCHEMA, Request, Resources, Risk, Task, Tlp, Trainer,
};
use keys::SigningKey as _;

use super::{Times, inputs};
use crate::mesh::Mesh;

pub(crate) fn job_id(number: u64) -> JobId {
    let mut random = [0x5a; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    JobId::new(1_795_168_200_000, random)
}

fn input(index: usize) -> InputFile {
    let (_, name, bytes) = inputs()[index];
    InputFile { name: name.to_owned(), sha256: Sha256Digest::of(bytes), size: bytes.len() as u64 }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn own(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn model_info() -> ModelInfo {
    ModelInfo {
        name: "wine-cultivar".to_owned(),
        version: "1.0.0".to_owned(),
        description: text("Tells three grape cultivars apart by 13 chemical measurements."),
        author: text("AIBoM Mesh contributors"),
        kind: text("classifier"),
        licence: text("Apache-2.0"),
        base_model: Some(BaseModel {
            name: "wine-base".to_owned(),
            source: text("https://models.example/wine-base"),
            version: text("0.9.0"),
            sha256: Some(Sha256Digest::of(b"the base model")),
            derivation: text("full"),
        }),
        intended_use: text("Showing the way from a training job to a verified AIBoM."),
        out_of_scope: text("Any commercial grading of wine."),
        misuse: text("Presenting its answer as proof of a wine's origin."),
        users: own(&["People who try this software"]),
        limitations: own(&["Knows the 178 wines of one region only."]),
        trade_offs: own(&["Small and quick rather than exact."]),
        ethical_risks: vec![Risk {
            name: "A grower is wrongly accused of mislabelling.".to_owned(),
            mitigation: text("A chemist checks every doubtful answer."),
        }],
        fairness: vec![Fairness {
            group: "Growers of rare cultivars".to_owned(),
            benefits: text("None."),
            harms: text("Their wines are always taken for another cultivar."),
            mitigation: text("Out of scope by the card."),
        }],
        compliance: vec![Compliance {
            standard: "Regulation (EU) 2024/1689".to_owned(),
            statement: "Not a high-risk system under Annex III.".to_owned(),
        }],
        security_policy: text("https://producer.example/security.txt"),
    }
}

fn dataset_info() -> DatasetInfo {
    DatasetInfo {
        name: "UCI Wine".to_owned(),
        description: text("Chemical analysis of 178 wines of one region."),
        licence: text("CC-BY-4.0"),
        source: text("https://doi.org/10.24432/C5PC7J"),
        version: text("1991-06-30"),
        provenance: text("Measured in a laboratory; donated to a public repository."),
        classification: text("public"),
        sensitive_data: own(&["none"]),
        owners: own(&["M. Forina"]),
        custodians: own(&["UCI Machine Learning Repository"]),
        stewards: own(&["S. Aeberhard"]),
    }
}

fn spec() -> JobSpec {
    JobSpec {
        task: Task::Classification,
        trainer: Trainer {
            name: "keras".to_owned(),
            image: format!("sha256:{}", Sha256Digest::of(b"trainer image")).parse().unwrap(),
        },
        inputs: Inputs { model: input(0), dataset: input(1), definition: input(2) },
        parameters: Parameters {
            epochs: 30,
            initial_epoch: 0,
            batch_size: Some(16),
            validation_split: 0.2,
            steps_per_epoch: None,
            validation_steps: None,
            validation_freq: 1,
            seed: 20_260_101,
        },
        model: model_info(),
        dataset: dataset_info(),
        resources: Resources::default(),
        aibom: BomOptions {
            licence: text("CC0-1.0"),
            tlp: Some(Tlp::Clear),
            ..BomOptions::default()
        },
    }
}

pub(crate) fn request(mesh: &Mesh, times: &Times, number: u64) -> Request {
    Request {
        schema: REQUEST_SCHEMA.to_owned(),
        idempotency_key: uuid::Uuid::from_u128(u128::from(number)),
        requested_at: times.requested,
        user: mesh.user.id.clone(),
        spec: spec(),
    }
}

pub(crate) fn grant(mesh: &Mesh, times: &Times, number: u64, request: Sha256Digest) -> Grant {
    Grant {
        schema: GRANT_SCHEMA.to_owned(),
        job: job_id(number),
        attempt: 1,
        request,
        executor: Grantee {
            id: mesh.executor.id.clone(),
            key: mesh.executor.key.public_key().key_id(),
        },
        nonce: Sha256Digest::of(format!("nonce {number}").as_bytes()),
        fencing_token: 40 + number,
        issued_at: times.granted,
        expires_at: times.expires,
        scheduler: super::program(b"the scheduler's binary"),
        operator: Some(Operator {
            name: "Example Platform".to_owned(),
            url: Some("https://platform.example".to_owned()),
            email: Some("aibom@platform.example".to_owned()),
            security_policy: Some("https://platform.example/security.txt".to_owned()),
        }),
    }
}
