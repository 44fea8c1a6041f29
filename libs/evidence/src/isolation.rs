//! The isolation policy: what an executor must have seen of the container.

use crate::Container;

/// The container was less isolated than the policy asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the container's {setting} is {value}, the isolation policy asks for {wanted}")]
pub struct IsolationBreach {
    /// Which setting.
    pub setting: &'static str,
    /// What it was.
    pub value: String,
    /// What it must be.
    pub wanted: &'static str,
}

fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    name.is_empty() || name == "root" || name.parse::<u32>().is_ok_and(|uid| uid == 0)
}

/// Whether it holds, the setting, what it was, what it must be.
type Rule<'a> = (bool, &'static str, &'a dyn std::fmt::Debug, &'static str);

/// Checks a container's effective settings.
///
/// # Errors
/// The first setting that is weaker than the policy.
pub fn check_isolation(c: &Container) -> Result<(), IsolationBreach> {
    let options = &c.security_options;
    let drops_all = c.cap_drop.iter().any(|cap| cap.eq_ignore_ascii_case("ALL"));
    let is_no_new = |o: &String| o == "no-new-privileges" || o == "no-new-privileges:true";
    let no_new = options.iter().any(is_no_new);
    // Any other option would replace a profile of the engine's.
    let confined = options.iter().all(is_no_new);
    let own_pids = c.pid_mode.is_empty() || c.pid_mode == "private";
    let own_ipc = c.ipc_mode == "private" || c.ipc_mode == "none";
    let mounts_known = c.mounts.iter().all(|mount| match mount.source.as_str() {
        "inputs" => mount.read_only && mount.destination == "/aibom/in",
        "outputs" => mount.destination == "/aibom/out",
        _ => false,
    });
    let limits = &c.limits;
    let limited = limits.memory_bytes > 0 && limits.pids > 0 && limits.cpu_millis > 0;
    let rules: [Rule<'_>; 13] = [
        (c.network_mode == "none", "network mode", &c.network_mode, "none"),
        (c.readonly_rootfs, "read-only root", &c.readonly_rootfs, "true"),
        (!c.privileged, "privileged", &c.privileged, "false"),
        (drops_all, "dropped capabilities", &c.cap_drop, "ALL"),
        (c.cap_add.is_empty(), "added capabilities", &c.cap_add, "none"),
        (!is_root(&c.user), "user", &c.user, "not root"),
        (no_new, "security options", options, "no-new-privileges"),
        (confined, "security options", options, "the engine's default seccomp profile"),
        (own_pids, "PID namespace", &c.pid_mode, "its own"),
        (own_ipc, "IPC namespace", &c.ipc_mode, "its own"),
        (c.userns_mode != "host", "user namespace", &c.userns_mode, "not the host's"),
        (limited, "limits", limits, "on memory, processes and CPU"),
        (mounts_known, "mounts", &c.mounts, "its inputs, read-only, and its outputs"),
    ];
    let Some((_, setting, value, wanted)) = rules.into_iter().find(|(holds, ..)| !holds) else {
        return Ok(());
    };
    let value = format!("{value:?}").chars().take(120).collect();
    Err(IsolationBreach { setting, value, wanted })
}
