//! What Trivy's container is asked to be: everything denied that is not named here.

use std::{
    collections::HashMap,
    fmt,
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread::available_parallelism,
};

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType, ResourcesUlimits,
};
use ids::Sha256Digest;
use rustix::process::{getegid, geteuid};

use crate::config::ToolConfig;

/// Where the input is, in the container.
pub(super) const INPUT: &str = "/input";
/// Where the database is.
pub(super) const DATABASE: &str = "/database";
/// Where the tool may write; in memory.
pub(super) const HOME: &str = "/scratch";
/// Who it is when the scanner is root: nobody.
const NOBODY: u32 = 65_534;
/// The most threads.
const PIDS_MAX: i64 = 512;
/// The most open files.
const OPEN_FILES_MAX: i64 = 1_024;

/// What all runs have in common.
#[derive(Debug)]
pub(super) struct Settings {
    image: Sha256Digest,
    memory_bytes: u64,
    scratch_bytes: u64,
    cpu_millis: u64,
    user: (u32, u32),
}

/// What one run does.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<String>,
    /// Read-only, by where they are in the container.
    pub(super) mounts: Vec<(PathBuf, &'static str)>,
}

impl Settings {
    pub(super) fn new(config: &ToolConfig, image: Sha256Digest) -> Self {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let processors = available_parallelism().map_or(1, |count| count.get() as u64);
        Self {
            image,
            memory_bytes: config.max_memory_bytes,
            // It counts towards the memory: what is left must do for the tool itself.
            scratch_bytes: config.max_scratch_bytes.min(config.max_memory_bytes / 2),
            // An engine refuses more than the machine has.
            cpu_millis: config.max_cpu_millis.min(processors.saturating_mul(1_000)),
            user: if uid == 0 { (NOBODY, NOBODY) } else { (uid, gid) },
        }
    }

    pub(super) fn body(&self, label: (String, String), work: Work) -> ContainerCreateBody {
        let (uid, gid) = self.user;
        let arguments = Some(work.arguments).filter(|words| !words.is_empty());
        ContainerCreateBody {
            image: Some(format!("sha256:{}", self.image)),
            entrypoint: Some(vec![work.program]),
            cmd: arguments,
            env: Some(work.environment),
            user: Some(format!("{uid}:{gid}")),
            working_dir: Some(HOME.to_owned()),
            // The sandbox has its own name, the host's is nobody's business.
            hostname: Some("trivy".to_owned()),
            attach_stdin: Some(false),
            open_stdin: Some(false),
            tty: Some(false),
            network_disabled: Some(true),
            labels: Some(HashMap::from([label])),
            host_config: Some(self.host_config(&work.mounts)),
            ..Default::default()
        }
    }

    fn host_config(&self, mounts: &[(PathBuf, &'static str)]) -> HostConfig {
        let (uid, gid) = self.user;
        let scratch = format!(
            "rw,noexec,nosuid,nodev,mode=0700,uid={uid},gid={gid},size={}",
            self.scratch_bytes
        );
        HostConfig {
            network_mode: Some("none".to_owned()),
            readonly_rootfs: Some(true),
            privileged: Some(false),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            ipc_mode: Some("private".to_owned()),
            tmpfs: Some(HashMap::from([(HOME.to_owned(), scratch)])),
            memory: Some(signed(self.memory_bytes)),
            memory_swap: Some(signed(self.memory_bytes)),
            nano_cpus: Some(signed(self.cpu_millis.saturating_mul(1_000_000))),
            pids_limit: Some(PIDS_MAX),
            ulimits: Some(vec![ulimit("nofile", OPEN_FILES_MAX), ulimit("core", 0)]),
            mounts: Some(mounts.iter().map(|(path, target)| bind(path, target)).collect()),
            // The report is taken from the attached stream; the engine keeps nothing.
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            auto_remove: Some(false),
            init: Some(false),
            ..Default::default()
        }
    }
}

/// What is in force, for the log.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { image, memory_bytes, scratch_bytes, cpu_millis, user: (uid, _) } = self;
        write!(
            f,
            "container of sha256:{image}, no network, read-only, no capabilities, no new privileges, \
             user {uid}, {memory_bytes} bytes of memory, {scratch_bytes} of scratch in it, \
             {cpu_millis} thousandths of a processor, {PIDS_MAX} threads"
        )
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn bind(path: &Path, target: &str) -> Mount {
    Mount {
        target: Some(target.to_owned()),
        source: Some(path.to_string_lossy().into_owned()),
        typ: Some(MountType::BIND),
        read_only: Some(true),
        ..Default::default()
    }
}

fn ulimit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) }
}

/// Lets the container's user read an input file that the scanner made; its directory stays shut to
/// others. A directory is left as it is: who unpacks one makes it readable.
pub(super) fn let_read(input: &Path) -> io::Result<()> {
    let metadata = fs::metadata(input)?;
    let mode = metadata.permissions().mode();
    if metadata.is_file() && geteuid().is_root() && mode & 0o004 == 0 {
        fs::set_permissions(input, Permissions::from_mode(mode | 0o004))?;
    }
    Ok(())
}
