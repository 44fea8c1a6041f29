//! The isolation policy: what an executor must have seen of the container.

use crate::Container;

/// The container was less isolated than the policy asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the container's {setting} is {value:?}, the isolation policy asks for {wanted}")]
pub struct IsolationBreach {
    /// Which setting.
    pub setting: &'static str,
    /// What it was.
    pub value: String,
    /// What it must be.
    pub wanted: &'static str,
}

fn breach<T: std::fmt::Debug>(
    holds: bool,
    setting: &'static str,
    value: T,
    wanted: &'static str,
) -> Result<(), IsolationBreach> {
    if holds {
        return Ok(());
    }
    let value: String = format!("{value:?}").chars().take(120).collect();
    Err(IsolationBreach { setting, value, wanted })
}

fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    name.is_empty() || name == "root" || name.parse::<u32>().is_ok_and(|uid| uid == 0)
}

/// Checks a container's effective settings.
///
/// # Errors
/// The first setting that is weaker than the policy.
pub fn check_isolation(c: &Container) -> Result<(), IsolationBreach> {
    breach(c.network_mode == "none", "network mode", &c.network_mode, "none")?;
    breach(c.readonly_rootfs, "read-only root", c.readonly_rootfs, "true")?;
    breach(!c.privileged, "privileged", c.privileged, "false")?;
    let drops_all = c.cap_drop.iter().any(|cap| cap.eq_ignore_ascii_case("ALL"));
    breach(drops_all, "dropped capabilities", &c.cap_drop, "ALL")?;
    breach(c.cap_add.is_empty(), "added capabilities", &c.cap_add, "none")?;
    breach(!is_root(&c.user), "user", &c.user, "not root")?;
    let options = &c.security_options;
    let no_new = options.iter().any(|o| o == "no-new-privileges" || o == "no-new-privileges:true");
    breach(no_new, "security options", options, "no-new-privileges")?;
    let confined = !options.iter().any(|o| o.contains("unconfined") || o.contains("disable"));
    breach(confined, "security options", options, "the engine's default seccomp profile or a stricter one")?;
    breach(c.pid_mode != "host", "PID namespace", &c.pid_mode, "its own")?;
    breach(c.ipc_mode == "private" || c.ipc_mode == "none", "IPC namespace", &c.ipc_mode, "its own")?;
    breach(c.userns_mode != "host", "user namespace", &c.userns_mode, "not the host's")?;
    breach(c.limits.memory_bytes > 0, "memory limit", c.limits.memory_bytes, "more than 0")?;
    breach(c.limits.pids > 0, "pids limit", c.limits.pids, "more than 0")?;
    breach(c.limits.cpu_millis > 0, "CPU limit", c.limits.cpu_millis, "more than 0")?;
    for mount in &c.mounts {
        let known = match mount.source.as_str() {
            "inputs" => mount.read_only && mount.destination == "/aibom/in",
            "outputs" => mount.destination == "/aibom/out",
            _ => false,
        };
        breach(known, "mounts", mount, "its own inputs, read-only, and its own outputs")?;
    }
    Ok(())
}
