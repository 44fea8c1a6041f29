//! The isolation policy: each setting that is weaker than it.

use testkit::evidence::Fixture;

use super::cross;
use crate::{Container, Mount, check_isolation};

type Weaker = fn(&mut Container);

fn container() -> Container {
    cross(&Fixture::new().parts().training.predicate.run_details.observed.container)
}

#[test]
fn the_policys_own_settings_pass() {
    assert_eq!(check_isolation(&container()), Ok(()));
}

#[test]
fn each_weaker_setting_is_named() {
    let rows: [(&str, Weaker); 27] = [
        ("network mode", |c| c.network_mode = "bridge".into()),
        ("network mode", |c| c.network_mode = String::new()),
        ("read-only root", |c| c.readonly_rootfs = false),
        ("privileged", |c| c.privileged = true),
        ("dropped capabilities", |c| c.cap_drop.clear()),
        ("dropped capabilities", |c| c.cap_drop = vec!["NET_RAW".into()]),
        ("added capabilities", |c| c.cap_add = vec!["SYS_ADMIN".into()]),
        ("user", |c| c.user = String::new()),
        ("user", |c| c.user = "0:65532".into()),
        ("user", |c| c.user = "root".into()),
        ("security options", |c| c.security_options.clear()),
        ("security options", |c| c.security_options.push("seccomp=unconfined".into())),
        ("security options", |c| c.security_options.push("label=disable".into())),
        ("PID namespace", |c| c.pid_mode = "host".into()),
        ("IPC namespace", |c| c.ipc_mode = "host".into()),
        ("IPC namespace", |c| c.ipc_mode = "shareable".into()),
        ("user namespace", |c| c.userns_mode = "host".into()),
        ("limits", |c| c.limits.memory_bytes = 0),
        ("limits", |c| c.limits.memory_swap_bytes = 0),
        ("limits", |c| c.limits.wall_clock_s = 0),
        ("limits", |c| c.limits.output_bytes = 0),
        ("limits", |c| c.limits.pids = 0),
        ("limits", |c| c.limits.cpu_millis = 0),
        ("mounts", |c| c.mounts[0].read_only = false),
        ("mounts", |c| c.mounts[1].destination = "/etc".into()),
        ("mounts", |c| c.mounts[0].source = "/var/run/docker.sock".into()),
        ("mounts", |c| {
            c.mounts.push(Mount {
                source: "cache".into(),
                destination: "/cache".into(),
                read_only: true,
            });
        }),
    ];
    for (setting, weaken) in rows {
        let mut weaker = container();
        weaken(&mut weaker);
        assert_eq!(check_isolation(&weaker).map_err(|breach| breach.setting), Err(setting));
    }
}
