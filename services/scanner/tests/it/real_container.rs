//! Trivy in a container of the real engine: the same findings as in a process, and no way out.
//!
//! Skipped, loudly, where there is no engine, no Trivy or no image with a shell.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use bollard::{
    Docker,
    query_parameters::{CreateContainerOptions, ListContainersOptions},
};
use ids::{Sha256Digest, Timestamp};
use scanner::{ChildError, Config, Engine, Scans, Target, Tool, config::Sandbox};
use store::MemoryCache;

use crate::real::{self, IMAGES, SOCKET};

const STUB_IMAGE: &str = "aibom/stub-trivy:test";

async fn engine() -> Docker {
    let docker = Docker::connect_with_unix(SOCKET, 30, bollard::API_DEFAULT_VERSION).unwrap();
    docker.negotiate_version().await.unwrap()
}

/// The containers of the scanner with this configuration.
async fn containers(config: &Config) -> Vec<String> {
    let owner = config.scan.scratch_directory.display();
    let filters = HashMap::from([("label".to_owned(), vec![format!("org.aibom.scanner={owner}")])]);
    let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
    let listed = engine().await.list_containers(Some(options)).await.unwrap();
    listed.into_iter().filter_map(|container| container.id).collect()
}

async fn none_are_left(config: &Config) {
    let mut look = tokio::time::interval(Duration::from_millis(50));
    while !containers(config).await.is_empty() {
        look.tick().await;
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let ended = Command::new(program).args(arguments).output().unwrap();
    assert!(ended.status.success(), "{program}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

fn scans(config: &Config) -> Arc<Scans> {
    let now: Timestamp = "2026-11-21T00:00:00.000Z".parse().unwrap();
    let engine = Arc::new(Engine::new(SOCKET.into()));
    Scans::new(config, engine, Arc::new(MemoryCache::new(64)), Arc::new(move || now)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_trivy_finds_the_same_in_a_container() {
    let (Some(trivy), Some(image)) = (real::trivy(), real::image().await) else {
        eprintln!("SKIPPED: no engine with one of {IMAGES:?}, or no Trivy (deploy/setup/trivy.sh)");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    real::database(&directory.path().join("database"));
    let in_process = real::config(directory.path(), &trivy);
    let script = real::repository().join("deploy/setup/trivy-image.sh");
    let mut contained = in_process.clone();
    contained.tool.sandbox = Sandbox::Container;
    contained.tool.image = said("bash", &[script.to_str().unwrap(), trivy.to_str().unwrap()]);
    contained.tool.path = PathBuf::new();

    let scans_contained = scans(&contained);
    scans_contained.ready().await.unwrap();
    let one = scans_contained.scan(&image).await.unwrap();
    none_are_left(&contained).await;
    let other = scans(&in_process).scan(&image).await.unwrap();
    assert_eq!(one.record.inventory, other.record.inventory);
    assert!(!one.record.inventory.vulnerabilities.is_empty() && one.database.is_ok());
    // The binary in the image is the binary: the evidence names the same tool.
    assert_eq!(one.tool_sha256, other.tool_sha256);
    assert_eq!(one.tool_sha256, Sha256Digest::of(&std::fs::read(&trivy).unwrap()));
}

#[tokio::test]
async fn an_image_that_is_not_there_is_named() {
    if real::image().await.is_none() {
        eprintln!("SKIPPED: no engine with one of {IMAGES:?}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut config = real::config(directory.path(), Path::new("unused"));
    config.tool.sandbox = Sandbox::Container;
    config.tool.image = format!("sha256:{}", Sha256Digest::of(b"no such image"));
    let missing = scans(&config).ready().await.unwrap_err().to_string();
    assert!(
        missing.contains(&config.tool.image) && missing.contains("trivy-image.sh"),
        "{missing}"
    );
}

/// A stub in an image with a shell.
struct Stub {
    directory: tempfile::TempDir,
    config: Config,
}

impl Stub {
    async fn new() -> Option<Self> {
        let base = real::image().await?.to_string();
        let script = real::repository().join("services/scanner/tests/it/stub-contained.sh");
        let container = said("docker", &["create", &base, "true"]);
        said("docker", &["cp", script.to_str()?, &format!("{container}:/stub-contained")]);
        let entry = "ENTRYPOINT [\"/stub-contained\"]";
        let id = said("docker", &["commit", "--change", entry, &container, STUB_IMAGE]);
        said("docker", &["rm", &container]);
        let directory = tempfile::tempdir().unwrap();
        let mut config = real::config(directory.path(), Path::new("unused"));
        config.tool.sandbox = Sandbox::Container;
        config.tool.image = id;
        config.tool.max_memory_bytes = 256 << 20;
        config.tool.max_report_bytes = 1_000_000;
        for name in ["database/db", "home", "scratch"] {
            std::fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        std::fs::write(directory.path().join("input"), "an input").unwrap();
        Some(Self { directory, config })
    }

    async fn run(&self, behaviour: &str) -> Result<String, ChildError> {
        let path = |name: &str| self.directory.path().join(name);
        std::fs::write(path("database/behaviour"), behaviour).unwrap();
        let tool = Tool::new(&self.config);
        tool.ready().await.unwrap();
        let (input, home, database) = (path("input"), path("home"), path("database"));
        let output = tool.scan(Target::Image(&input), &home, Some(&database)).await;
        assert_eq!(containers(&self.config).await, Vec::<String>::new(), "left behind");
        output.map(|output| String::from_utf8(output).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contained_stub_finds_no_way_out() {
    let Some(mut stub) = Stub::new().await else {
        eprintln!("SKIPPED: no engine with one of {IMAGES:?}");
        return;
    };
    assert_eq!(stub.run("break-out").await.unwrap(), "could do-its-work\n");

    let error = stub.run("exit").await.unwrap_err().to_string();
    assert!(error.contains("status: 7") && error.contains("FATAL no luck"), "{error}");
    let error = stub.run("memory").await.unwrap_err().to_string();
    assert!(error.contains("out of tool.max_memory_bytes"), "{error}");
    let error = stub.run("huge").await.unwrap_err();
    assert!(matches!(error, ChildError::TooMuch { limit: 1_000_000 }), "{error}");
    stub.config.tool.timeout_ms = 2_000;
    let error = stub.run("hang").await.unwrap_err();
    assert!(matches!(error, ChildError::TimedOut { limit_ms: 2_000 }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_nobody_waits_for_or_that_was_left_behind_is_removed() {
    let Some(stub) = Stub::new().await else {
        eprintln!("SKIPPED: no engine with one of {IMAGES:?}");
        return;
    };
    {
        let run = stub.run("hang");
        let started = async {
            let mut look = tokio::time::interval(Duration::from_millis(20));
            while containers(&stub.config).await.is_empty() {
                look.tick().await;
            }
        };
        tokio::select! {
            ended = run => panic!("{ended:?}"),
            () = started => {}
        }
    }
    none_are_left(&stub.config).await;

    let labels = [("org.aibom.scanner", stub.config.scan.scratch_directory.to_str().unwrap())];
    let left = bollard::models::ContainerCreateBody {
        image: Some(stub.config.tool.image.clone()),
        labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        ..Default::default()
    };
    engine().await.create_container(None::<CreateContainerOptions>, left).await.unwrap();
    assert_eq!(containers(&stub.config).await.len(), 1);
    scans(&stub.config).ready().await.unwrap();
    none_are_left(&stub.config).await;
}
