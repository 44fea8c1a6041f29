//! The lists: what no policy lets through, and that every policy makes a filter.

use super::*;

fn policies() -> Vec<Policy> {
    let tcp = |dial| Network::Tcp { listen: vec![1], dial };
    let networks = [Network::None, tcp(vec![]), tcp(vec![2]), Network::Any];
    let policy = |code, network| Policy { files: None, network, code, require: false };
    let of = |code| networks.clone().map(|network| policy(code, network));
    [of(Code::Own), of(Code::Foreign), of(Code::Program)].concat()
}

#[test]
fn every_policy_makes_a_filter_that_the_kernel_takes() {
    for policy in policies() {
        let program = program(&policy, TargetArch::x86_64).unwrap();
        assert!(program.len() < 4096, "{policy:?}: {}", program.len());
    }
}

#[test]
fn no_policy_lets_through_what_starts_programs_or_reaches_into_others() {
    let never = [
        ("execve", libc::SYS_execve),
        ("execveat", libc::SYS_execveat),
        ("clone3", libc::SYS_clone3),
        ("ptrace", libc::SYS_ptrace),
        ("process_vm_readv", libc::SYS_process_vm_readv),
        ("process_vm_writev", libc::SYS_process_vm_writev),
        ("pidfd_open", libc::SYS_pidfd_open),
        ("pidfd_getfd", libc::SYS_pidfd_getfd),
        ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
        ("tkill", libc::SYS_tkill),
        ("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo),
        ("mount", libc::SYS_mount),
        ("umount2", libc::SYS_umount2),
        ("open_tree", libc::SYS_open_tree),
        ("move_mount", libc::SYS_move_mount),
        ("pivot_root", libc::SYS_pivot_root),
        ("chroot", libc::SYS_chroot),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("setns", libc::SYS_setns),
        ("unshare", libc::SYS_unshare),
        ("bpf", libc::SYS_bpf),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("userfaultfd", libc::SYS_userfaultfd),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("add_key", libc::SYS_add_key),
        ("request_key", libc::SYS_request_key),
        ("keyctl", libc::SYS_keyctl),
        ("init_module", libc::SYS_init_module),
        ("finit_module", libc::SYS_finit_module),
        ("kexec_load", libc::SYS_kexec_load),
        ("personality", libc::SYS_personality),
        ("seccomp", libc::SYS_seccomp),
        ("setuid", libc::SYS_setuid),
        ("capset", libc::SYS_capset),
        ("mknodat", libc::SYS_mknodat),
        ("settimeofday", libc::SYS_settimeofday),
        ("reboot", libc::SYS_reboot),
        #[cfg(target_arch = "x86_64")]
        ("fork", libc::SYS_fork),
        #[cfg(target_arch = "x86_64")]
        ("vfork", libc::SYS_vfork),
    ];
    for policy in policies() {
        let rules = rules(&policy).unwrap();
        // The one call by which a process becomes another program, and never starts one.
        let becomes = policy.code == Code::Program;
        for (name, call) in never.into_iter().filter(|(name, _)| !(becomes && *name == "execve")) {
            assert!(!rules.contains_key(&call), "{policy:?} lets {name} through");
        }
    }
}

#[test]
fn a_call_that_depends_on_its_arguments_is_never_let_through_with_any() {
    let narrow =
        [libc::SYS_clone, libc::SYS_kill, libc::SYS_tgkill, libc::SYS_prctl, libc::SYS_prlimit64];
    let narrow_own = [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_ioctl, libc::SYS_socketpair];
    for policy in policies() {
        let rules = rules(&policy).unwrap();
        let own = narrow_own.iter().filter(|_| policy.code == Code::Own);
        for call in narrow.iter().chain(own) {
            assert!(!rules[call].is_empty(), "{policy:?}: {call}");
        }
        let dials = matches!(&policy.network, Network::Tcp { dial, .. } if !dial.is_empty())
            || policy.network == Network::Any;
        assert_eq!(
            rules.contains_key(&libc::SYS_connect),
            dials || policy.code == Code::Foreign,
            "{policy:?}"
        );
    }
}
