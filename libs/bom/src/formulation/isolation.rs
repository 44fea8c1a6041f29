//! How the container was shut in: properties and workspaces.

use evidence::Container;

use crate::claims::{Claims, Source};
use crate::cyclonedx::formulation::{Volume, Workspace};
use crate::cyclonedx::{Property, property};
use crate::text;

/// The name of scratch space.
const SCRATCH: &str = "tmpfs";

/// Every effective setting, under `aibom:isolation:` and `aibom:limit:`.
pub(super) fn properties(c: &Container) -> Vec<Property> {
    let or = |text: &str| {
        if text.is_empty() { "engine's default".to_owned() } else { text.to_owned() }
    };
    let mut out = vec![
        property("isolation:networkMode", &c.network_mode),
        property("isolation:readonlyRootfs", c.readonly_rootfs),
        property("isolation:privileged", c.privileged),
        property("isolation:capDrop", text::list(&c.cap_drop)),
        property("isolation:capAdd", text::list(&c.cap_add)),
        property("isolation:securityOptions", text::list(&c.security_options)),
        property("isolation:user", &c.user),
        property("isolation:pidMode", or(&c.pid_mode)),
        property("isolation:ipcMode", &c.ipc_mode),
        property("isolation:usernsMode", or(&c.userns_mode)),
        property("isolation:devices", text::list(&c.devices)),
        property("isolation:runtime", &c.runtime),
    ];
    let limits = [
        ("memoryBytes", c.limits.memory_bytes),
        ("memorySwapBytes", c.limits.memory_swap_bytes),
        ("cpuMillis", c.limits.cpu_millis),
        ("pids", c.limits.pids),
        ("wallClockS", c.limits.wall_clock_s),
        ("outputBytes", c.limits.output_bytes),
    ];
    out.extend(limits.map(|(name, value)| property(&format!("limit:{name}"), value)));
    out
}

/// Bind mounts, then scratch space.
pub(super) fn workspaces(c: &Container, claims: &mut Claims) -> Vec<Workspace> {
    let mounts = c.mounts.iter().enumerate().map(|(index, mount)| Workspace {
        bom_ref: format!("workspace/mount/{index}"),
        uid: format!("mount/{index}"),
        name: mount.source.clone(),
        access_mode: if mount.read_only { "read-only" } else { "read-write" },
        mount_path: mount.destination.clone(),
        volume: Volume { mode: "filesystem", persistent: true },
        properties: Vec::new(),
    });
    let scratch = c.tmpfs.iter().enumerate().map(|(index, (path, options))| Workspace {
        bom_ref: format!("workspace/tmpfs/{index}"),
        uid: format!("tmpfs/{index}"),
        name: SCRATCH.to_owned(),
        access_mode: "read-write",
        mount_path: path.clone(),
        volume: Volume { mode: "filesystem", persistent: false },
        properties: vec![property("tmpfs:options", options)],
    });
    let all: Vec<Workspace> = mounts.chain(scratch).collect();
    for workspace in &all {
        claims.add(Source::Derived, &workspace.bom_ref, &["/bom-ref", "/uid", "/volume"]);
        if !workspace.volume.persistent {
            claims.add(Source::Derived, &workspace.bom_ref, &["/name"]);
        }
    }
    all
}
