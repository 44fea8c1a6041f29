//! What the parties of the wine job say: realistic content, no signature.

mod findings;
mod request;

use std::collections::BTreeMap;

use ::evidence::{
    BUILD_TYPE, BuildDefinition, Builder, Container, Dataset, Energy, Engine, ExternalParameters,
    Firmware, Grant, Host, ImageFacts, InternalParameters, Layer, Limits, Model, Mount, Observed,
    PROVENANCE_PREDICATE_TYPE, PeakMemory, Point, Program, Provenance, Reported, RunDetails,
    RunMetadata, Split, Tensor, Trained, TrainingStatement, Usage,
};
use envelope::{ResourceDescriptor, Statement, StatementType};
use ids::{Digests, Sha256Digest, Timestamp};
use job::{JobSpec, Request};
use serde_json::json;

pub(super) use findings::{file_scan, input_files, output_files, policy, scan};
pub(super) use request::{grant, job_id, request};

const MINUTE_MS: i64 = 60_000;

/// When things happened, before the signing time.
pub(super) struct Times {
    requested: Timestamp,
    granted: Timestamp,
    expires: Timestamp,
    started: Timestamp,
    finished: Timestamp,
    pub(super) scan_started: Timestamp,
    pub(super) scan_finished: Timestamp,
}

impl Times {
    pub(super) const fn before(at: Timestamp) -> Self {
        Self {
            requested: at.plus_ms(-10 * MINUTE_MS),
            granted: at.plus_ms(-8 * MINUTE_MS),
            expires: at.plus_ms(22 * MINUTE_MS),
            started: at.plus_ms(-7 * MINUTE_MS),
            finished: at.plus_ms(-4 * MINUTE_MS),
            scan_started: at.plus_ms(-3 * MINUTE_MS),
            scan_finished: at.plus_ms(-2 * MINUTE_MS),
        }
    }
}

/// Role, file name and bytes of the three inputs.
#[must_use]
pub fn inputs() -> [(&'static str, &'static str, &'static [u8]); 3] {
    [
        ("model", "model.keras", b"the submitted model"),
        ("dataset", "wine.csv", b"alcohol,target\n14.23,0\n13.2,1\n"),
        ("definition", "definition.yaml", b"type: csv\nlabel: target\n"),
    ]
}

/// Name and bytes of the outputs.
#[must_use]
pub fn outputs() -> [(&'static str, &'static [u8]); 4] {
    [
        ("metrics.json", b"{\"final\":{}}\n"),
        ("model.keras", b"the trained model"),
        ("preprocessing.json", b"{\"normalize\":true}\n"),
        ("split.json", b"{\"algorithm\":\"sha256-rank.v1\"}\n"),
    ]
}

/// A service's own program.
pub(super) fn program(binary: &[u8]) -> Program {
    Program { version: "0.1.0".to_owned(), digest: Digests::of(binary) }
}

pub(super) fn training(
    times: &Times,
    request: &Request,
    grant: &Grant,
    grant_digest: Sha256Digest,
) -> TrainingStatement {
    let spec = &request.spec;
    let mut dependencies: Vec<ResourceDescriptor> = spec
        .inputs
        .each()
        .into_iter()
        .map(|(role, file)| ResourceDescriptor::sha256(role, file.sha256))
        .collect();
    dependencies.push(ResourceDescriptor::sha256("trainer", spec.trainer.image.digest()));
    Statement {
        kind: StatementType::V1,
        subject: outputs()
            .into_iter()
            .map(|(name, bytes)| ResourceDescriptor::both(name, &Digests::of(bytes)))
            .collect(),
        predicate_type: PROVENANCE_PREDICATE_TYPE.to_owned(),
        predicate: Provenance {
            build_definition: BuildDefinition {
                build_type: BUILD_TYPE.to_owned(),
                external_parameters: ExternalParameters {
                    request: grant.request,
                    spec: spec.clone(),
                },
                internal_parameters: InternalParameters {
                    job: grant.job,
                    attempt: grant.attempt,
                    grant: grant_digest,
                    nonce: grant.nonce,
                    fencing_token: grant.fencing_token,
                },
                resolved_dependencies: dependencies,
            },
            run_details: run_details(times, grant, spec),
        },
    }
}

fn run_details(times: &Times, grant: &Grant, spec: &JobSpec) -> RunDetails {
    let binary = Digests::of(b"the executor's binary");
    RunDetails {
        builder: Builder {
            id: grant.executor.id.clone(),
            version: BTreeMap::from([("aibom-executor".to_owned(), "0.1.0".to_owned())]),
            builder_dependencies: vec![ResourceDescriptor::both("aibom-executor", &binary)],
        },
        metadata: RunMetadata {
            invocation_id: format!("{}/{}", grant.job, grant.attempt),
            started_on: times.started,
            finished_on: times.finished,
        },
        byproducts: vec![ResourceDescriptor::both("training.log", &Digests::of(b"epoch 1\n"))],
        observed: Observed {
            container: container(spec),
            host: host(),
            model: model(),
            dataset: Dataset {
                records: 178,
                columns: 14,
                label: "target".to_owned(),
                statistics: statistics(),
                merkle_root: Some(Sha256Digest::of(b"the records")),
                splits: vec![split("train", 143), split("validation", 35)],
                split_agrees: Some(true),
            },
            trained: Trained::Read(trained()),
            usage: Usage {
                cpu_ms: Some(41_250),
                cpu_sampled: false,
                peak_memory_bytes: Some(734_003_200),
                peak_memory_kind: Some(PeakMemory::HighWaterMark),
                energy: vec![Energy {
                    counter: "rapl:package-0".to_owned(),
                    millijoules: 3_456_789,
                }],
            },
        },
        reported: reported(),
    }
}

fn split(name: &str, records: u64) -> Split {
    Split { name: name.to_owned(), records, merkle_root: Sha256Digest::of(name.as_bytes()) }
}

fn statistics() -> BTreeMap<String, String> {
    [
        ("alcohol.kind", "float"),
        ("alcohol.max", "14.83"),
        ("alcohol.mean", "13.0006"),
        ("alcohol.min", "11.03"),
        ("alcohol.missing", "0"),
        ("alcohol.std", "0.8095"),
        ("bytes", "10782"),
        ("ignored.0", "bottle"),
        ("target.count.0", "59"),
        ("target.count.1", "71"),
        ("target.count.2", "48"),
        ("target.kind", "int"),
        ("target.missing", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn container(spec: &JobSpec) -> Container {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let image = &spec.trainer.image;
    let mount = |source: &str, destination: &str, read_only| Mount {
        source: source.to_owned(),
        destination: destination.to_owned(),
        read_only,
    };
    Container {
        engine: Engine {
            name: "docker".to_owned(),
            version: "20.10.24".to_owned(),
            components: [("containerd", "1.6.20"), ("runc", "1.1.5")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .into(),
        },
        runtime: "runc".to_owned(),
        image_id: format!("sha256:{}", image.digest()),
        repo_digests: image.repository().map(|_| image.to_string()).into_iter().collect(),
        command: own(&["python3", "-m", "aibom_trainer"]),
        environment_names: own(&["HOME", "PATH"]),
        user: "65532:65532".to_owned(),
        network_mode: "none".to_owned(),
        readonly_rootfs: true,
        privileged: false,
        cap_drop: own(&["ALL"]),
        cap_add: Vec::new(),
        security_options: own(&["no-new-privileges"]),
        pid_mode: String::new(),
        ipc_mode: "private".to_owned(),
        userns_mode: String::new(),
        limits: Limits {
            memory_bytes: 2_147_483_648,
            memory_swap_bytes: 2_147_483_648,
            cpu_millis: 2_000,
            pids: 256,
            wall_clock_s: 3_600,
            output_bytes: 1_073_741_824,
        },
        tmpfs: BTreeMap::from([(
            "/tmp".to_owned(),
            "rw,noexec,nosuid,nodev,size=268435456".to_owned(),
        )]),
        mounts: vec![mount("inputs", "/aibom/in", true), mount("outputs", "/aibom/out", false)],
        devices: Vec::new(),
        exit_code: 0,
        oom_killed: false,
        image: ImageFacts {
            size_bytes: Some(1_420_000_000),
            layers: ["base", "packages"]
                .map(|layer| format!("sha256:{}", Sha256Digest::of(layer.as_bytes())))
                .into(),
            labels: BTreeMap::from([("org.aibom.trainer".to_owned(), "keras".to_owned())]),
        },
    }
}

fn host() -> Host {
    Host {
        os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        kernel: "6.1.0-28-amd64".to_owned(),
        architecture: "x86_64".to_owned(),
        cpu_model: "Example CPU @ 2.40GHz".to_owned(),
        cpus: 8,
        memory_bytes: 33_554_432_000,
        gpus: Vec::new(),
        firmware: [("BIOS", "1.16.2", "Example Systems"), ("CPU microcode", "0x1000065", "")]
            .map(|(name, version, vendor)| Firmware {
                name: name.to_owned(),
                version: version.to_owned(),
                vendor: vendor.to_owned(),
            })
            .into(),
    }
}

fn model() -> Model {
    let layer =
        |name: &str, class: &str| Layer { name: name.to_owned(), class_name: class.to_owned() };
    let tensor = |name: &str, size| Tensor {
        name: name.to_owned(),
        shape: vec![None, Some(size)],
        dtype: "float32".to_owned(),
    };
    Model {
        format: "keras-v3".to_owned(),
        framework_version: "3.15.1".to_owned(),
        class_name: "Sequential".to_owned(),
        layers: vec![
            layer("input", "InputLayer"),
            layer("hidden", "Dense"),
            layer("cultivar", "Dense"),
        ],
        inputs: vec![tensor("input", 13)],
        outputs: vec![tensor("cultivar", 3)],
        parameter_count: Some(275),
        optimizer: None,
        losses: Vec::new(),
    }
}

/// The model that came out: the same layers, compiled.
fn trained() -> Model {
    Model {
        optimizer: Some("Adam".to_owned()),
        losses: vec!["sparse_categorical_crossentropy".to_owned()],
        ..model()
    }
}

fn series() -> BTreeMap<String, Vec<Point>> {
    let falling = |from: f64| (1..=30_u32).map(|n| Point(n, from / f64::from(n))).collect();
    [("loss", 1.186_211_3), ("val_loss", 0.997_060_5)]
        .map(|(name, from)| (name.to_owned(), falling(from)))
        .into()
}

fn reported() -> Reported {
    let versions = [("keras", "3.15.1"), ("tensorflow", "2.21.0"), ("numpy", "2.4.6")];
    let metrics = |accuracy, loss, val_accuracy, val_loss| {
        [
            ("accuracy", accuracy),
            ("loss", loss),
            ("val_accuracy", val_accuracy),
            ("val_loss", val_loss),
        ]
        .map(|(name, value): (&str, f64)| (name.to_owned(), value))
        .into()
    };
    let values = |list: Vec<(&str, serde_json::Value)>| {
        list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    };
    Reported {
        frameworks: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).into(),
        data: values(vec![
            ("rows", json!(178)),
            ("train_rows", json!(143)),
            ("validation_rows", json!(35)),
            ("classes", json!(["0", "1", "2"])),
        ]),
        effective: values(vec![
            ("epochs", json!(30)),
            ("batch_size", json!(16)),
            ("learning_rate", json!(0.001)),
            ("optimizer", json!("adam")),
            ("optimizer_config", json!({"beta_1": 0.9, "amsgrad": false})),
            ("steps_per_epoch", json!(null)),
        ]),
        epochs: 30,
        final_metrics: metrics(0.993_006_993, 0.045_612, 0.971_428_57, 0.080_123),
        best_metrics: metrics(1.0, 0.045_612, 1.0, 0.078_001),
        trainer: "keras 1.0.0".to_owned(),
        series: series(),
    }
}
