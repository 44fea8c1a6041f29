//! What a container is asked to be: everything denied that is not named here.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, DeviceRequest, HostConfig, HostConfigLogConfig, Mount, MountType,
    ResourcesUlimits,
};

use crate::{
    engine::Settings,
    trainer_spec::{IN_DIR, OUT_DIR},
};

/// Scratch space, in memory: it counts towards the memory limit.
pub(super) const TMPFS_OPTIONS: &str = "rw,noexec,nosuid,nodev,size=256m";
/// The most open files.
const MAX_OPEN_FILES: i64 = 1024;

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn bind(path: &std::path::Path, target: &str, read_only: bool) -> Mount {
    Mount {
        target: Some(target.to_owned()),
        source: Some(path.to_string_lossy().into_owned()),
        typ: Some(MountType::BIND),
        read_only: Some(read_only),
        ..Default::default()
    }
}

fn ulimit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) }
}

fn host_config(settings: &Settings) -> HostConfig {
    let limits = &settings.limits;
    let gpus = (settings.gpus > 0).then(|| {
        vec![DeviceRequest {
            count: Some(i64::from(settings.gpus)),
            capabilities: Some(vec![vec!["gpu".to_owned()]]),
            ..Default::default()
        }]
    });
    HostConfig {
        network_mode: Some("none".to_owned()),
        readonly_rootfs: Some(true),
        privileged: Some(false),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        ipc_mode: Some("private".to_owned()),
        tmpfs: Some(HashMap::from([("/tmp".to_owned(), TMPFS_OPTIONS.to_owned())])),
        memory: Some(signed(limits.memory_bytes)),
        memory_swap: Some(signed(limits.memory_bytes)),
        nano_cpus: Some(signed(limits.cpu_millis.saturating_mul(1_000_000))),
        pids_limit: Some(signed(limits.pids)),
        ulimits: Some(vec![
            ulimit("nofile", MAX_OPEN_FILES),
            ulimit("core", 0),
            // One byte more than the limit of all outputs, so that passing it shows.
            ulimit("fsize", signed(limits.output_bytes).saturating_add(1)),
        ]),
        mounts: Some(vec![
            bind(&settings.inputs, IN_DIR, true),
            bind(&settings.outputs, OUT_DIR, false),
        ]),
        // The log is taken from the attached streams; the engine keeps none.
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        device_requests: gpus,
        auto_remove: Some(false),
        init: Some(false),
        ..Default::default()
    }
}

/// The body of the create call.
pub(super) fn body(settings: &Settings) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(settings.image_id.clone()),
        user: Some(settings.user.clone()),
        // The sandbox has its own name, the host's is nobody's business.
        hostname: Some("trainer".to_owned()),
        attach_stdin: Some(false),
        open_stdin: Some(false),
        tty: Some(false),
        network_disabled: Some(true),
        labels: Some(settings.labels.clone().into_iter().collect()),
        host_config: Some(host_config(settings)),
        ..Default::default()
    }
}
