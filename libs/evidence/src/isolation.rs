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

/// What the rules of the policy are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Nothing goes out, and nothing comes in.
    NoNetwork,
    /// The image and the inputs cannot be changed.
    ReadOnly,
    /// Nothing that a process needs no right for, and no namespace of the host's.
    NoPrivileges,
    /// Another user than root.
    NotRoot,
    /// Memory, processes, CPU, time and output have limits.
    Limited,
}

/// One rule of the policy, and whether a container keeps it.
#[derive(Debug, Clone, Copy)]
pub struct IsolationRule<'a> {
    /// What it is for.
    pub purpose: Isolation,
    /// Whether it holds.
    pub holds: bool,
    /// Which setting.
    pub setting: &'static str,
    /// What it was.
    value: &'a dyn std::fmt::Debug,
    /// What it must be.
    pub wanted: &'static str,
}

/// Every rule of the policy, held against a container's effective settings.
#[must_use]
pub fn isolation_rules(c: &Container) -> [IsolationRule<'_>; 13] {
    use Isolation::{Limited, NoNetwork, NoPrivileges, NotRoot, ReadOnly};
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
    let limited = limits.memory_bytes > 0
        && limits.memory_swap_bytes > 0
        && limits.pids > 0
        && limits.cpu_millis > 0
        && limits.wall_clock_s > 0
        && limits.output_bytes > 0;
    let rules: [Rule<'_>; 13] = [
        (NoNetwork, c.network_mode == "none", "network mode", &c.network_mode, "none"),
        (ReadOnly, c.readonly_rootfs, "read-only root", &c.readonly_rootfs, "true"),
        (NoPrivileges, !c.privileged, "privileged", &c.privileged, "false"),
        (NoPrivileges, drops_all, "dropped capabilities", &c.cap_drop, "ALL"),
        (NoPrivileges, c.cap_add.is_empty(), "added capabilities", &c.cap_add, "none"),
        (NotRoot, !is_root(&c.user), "user", &c.user, "not root"),
        (NoPrivileges, no_new, "security options", options, "no-new-privileges"),
        (
            NoPrivileges,
            confined,
            "security options",
            options,
            "the engine's default seccomp profile",
        ),
        (NoPrivileges, own_pids, "PID namespace", &c.pid_mode, "its own"),
        (NoPrivileges, own_ipc, "IPC namespace", &c.ipc_mode, "its own"),
        (NoPrivileges, c.userns_mode != "host", "user namespace", &c.userns_mode, "not the host's"),
        (Limited, limited, "limits", limits, "on memory, swap, processes, CPU, time and output"),
        (ReadOnly, mounts_known, "mounts", &c.mounts, "its inputs, read-only, and its outputs"),
    ];
    rules.map(|(purpose, holds, setting, value, wanted)| IsolationRule {
        purpose,
        holds,
        setting,
        value,
        wanted,
    })
}

/// What it is for, whether it holds, the setting, what it was, what it must be.
type Rule<'a> = (Isolation, bool, &'static str, &'a dyn std::fmt::Debug, &'static str);

/// Checks a container's effective settings.
///
/// # Errors
/// The first setting that is weaker than the policy.
pub fn check_isolation(c: &Container) -> Result<(), IsolationBreach> {
    let Some(broken) = isolation_rules(c).into_iter().find(|rule| !rule.holds) else {
        return Ok(());
    };
    let value = format!("{:?}", broken.value).chars().take(120).collect();
    Err(IsolationBreach { setting: broken.setting, value, wanted: broken.wanted })
}
