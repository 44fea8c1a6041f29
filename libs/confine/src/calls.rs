//! Seccomp: the system calls that are let through, some only with certain arguments.

mod listed;

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use crate::{Applied, Code, ConfineError, Layer, Network, Policy};

/// Rules by the number of their call; a call without rules is let through with any arguments.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// What `clone` must be told: a thread, not a process.
const THREAD: u64 = flag(libc::CLONE_THREAD);
/// What it must not be told beside: any new namespace (`CLONE_NEW*`).
const CLONE_MASK: u64 = THREAD | 0x7e02_0000;
/// The bits of a socket's type that are not flags (`SOCK_TYPE_MASK` of the kernel).
const SOCKET_TYPE_MASK: u64 = 0xf;
const SOCK_STREAM: u64 = flag(libc::SOCK_STREAM);
const AF_UNIX: u64 = flag(libc::AF_UNIX);
const AF_INET: u64 = flag(libc::AF_INET);
const AF_INET6: u64 = flag(libc::AF_INET6);
const AF_NETLINK: u64 = flag(libc::AF_NETLINK);
const MSG_FASTOPEN: u64 = flag(libc::MSG_FASTOPEN);
const PROT_EXEC: u64 = flag(libc::PROT_EXEC);
const PR_SET_NAME: u64 = flag(libc::PR_SET_NAME);
/// Gives a name to memory (Linux 5.17); allocators do.
const PR_SET_VMA: u64 = 0x5356_4d41;

/// A flag as the kernel sees it.
const fn flag(value: libc::c_int) -> u64 {
    value.cast_unsigned() as u64
}

/// One 32-bit argument of a call.
fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn rule(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![condition(argument, operator, value)?])
}

fn equals(argument: u8, value: u64) -> Result<SeccompRule, BackendError> {
    rule(argument, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompRule, BackendError> {
    rule(argument, SeccompCmpOp::MaskedEq(mask), value)
}

pub(crate) fn apply(policy: &Policy, applied: &mut Applied) -> Result<(), ConfineError> {
    let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else {
        applied.missing.push(Layer::SystemCalls);
        return Ok(());
    };
    let filter = program(policy, arch).map_err(|error| ConfineError::Seccomp(error.into()))?;
    match seccompiler::apply_filter(&filter) {
        Ok(()) => applied.layers.push(Layer::SystemCalls),
        // ENOSYS: no seccomp; EINVAL: seccomp without filters.
        Err(seccompiler::Error::Seccomp(error))
            if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) =>
        {
            applied.missing.push(Layer::SystemCalls);
        }
        Err(error) => return Err(ConfineError::Seccomp(error)),
    }
    Ok(())
}

fn program(policy: &Policy, arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let (allow, deny) = (SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS.cast_unsigned()));
    SeccompFilter::new(rules(policy)?, deny, allow, arch)?.try_into()
}

fn rules(policy: &Policy) -> Result<Rules, BackendError> {
    let mut rules: Rules = listed::EVERYBODY.iter().map(|call| (*call, Vec::new())).collect();
    let own_pid = u64::from(std::process::id());
    rules.insert(libc::SYS_clone, vec![masked(0, CLONE_MASK, THREAD)?]);
    rules.insert(libc::SYS_kill, vec![equals(0, own_pid)?]);
    rules.insert(libc::SYS_tgkill, vec![equals(0, own_pid)?]);
    rules.insert(libc::SYS_prlimit64, vec![equals(0, 0)?]);
    rules.insert(libc::SYS_prctl, vec![equals(0, PR_SET_NAME)?, equals(0, PR_SET_VMA)?]);
    match policy.code {
        Code::Own => own(&mut rules)?,
        Code::Foreign => {
            foreign(&mut rules, listed::MODULE)?;
            rules.insert(libc::SYS_socketpair, vec![equals(0, AF_UNIX)?]);
        }
        Code::Program => foreign(&mut rules, listed::PROGRAM)?,
    }
    sockets(policy, &mut rules)?;
    Ok(rules)
}

/// Only our own code: no new code in memory, no device.
fn own(rules: &mut Rules) -> Result<(), BackendError> {
    let no_code = || masked(2, PROT_EXEC, 0);
    rules.insert(libc::SYS_mmap, vec![no_code()?]);
    rules.insert(libc::SYS_mprotect, vec![no_code()?]);
    let harmless = [libc::FIONBIO, libc::FIOCLEX, libc::FIONREAD, libc::TCGETS];
    let harmless = harmless.map(|request| equals(1, request));
    rules.insert(libc::SYS_ioctl, harmless.into_iter().collect::<Result<_, _>>()?);
    // A datagram socket could send to any path: streams only.
    let stream = SeccompRule::new(vec![
        condition(0, SeccompCmpOp::Eq, AF_UNIX)?,
        condition(1, SeccompCmpOp::MaskedEq(SOCKET_TYPE_MASK), SOCK_STREAM)?,
    ])?;
    rules.insert(libc::SYS_socketpair, vec![stream]);
    Ok(())
}

/// Code of somebody else, with what this kind of it needs.
fn foreign(rules: &mut Rules, kind: &[i64]) -> Result<(), BackendError> {
    rules.extend(listed::FOREIGN.iter().chain(kind).map(|call| (*call, Vec::new())));
    // The one that types into the terminal of another.
    rules.insert(libc::SYS_ioctl, vec![rule(1, SeccompCmpOp::Ne, libc::TIOCSTI)?]);
    Ok(())
}

/// IP sockets, local sockets, and the calls that reach somebody who did not connect to us.
fn sockets(policy: &Policy, rules: &mut Rules) -> Result<(), BackendError> {
    let mut makes = Vec::new();
    let foreign = policy.code == Code::Foreign;
    if foreign {
        // Netlink: how libraries learn which devices are there.
        makes.extend([equals(0, AF_UNIX)?, equals(0, AF_NETLINK)?]);
    }
    let dials = match &policy.network {
        Network::None => false,
        Network::Tcp { dial, .. } => {
            for family in [AF_INET, AF_INET6] {
                makes.push(SeccompRule::new(vec![
                    condition(0, SeccompCmpOp::Eq, family)?,
                    condition(1, SeccompCmpOp::MaskedEq(SOCKET_TYPE_MASK), SOCK_STREAM)?,
                ])?);
            }
            !dial.is_empty()
        }
        Network::Any => {
            makes.extend([equals(0, AF_INET)?, equals(0, AF_INET6)?]);
            true
        }
    };
    if !makes.is_empty() {
        rules.insert(libc::SYS_socket, makes);
    }
    if foreign || dials {
        rules.insert(libc::SYS_connect, Vec::new());
    }
    // TCP fast open connects with the first bytes that are sent: no connect(2), no landlock.
    let slow = |flags| condition(flags, SeccompCmpOp::MaskedEq(MSG_FASTOPEN), 0);
    let to_nobody = SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    let mut send = vec![slow(3)?];
    if !foreign {
        send.push(to_nobody);
    }
    rules.insert(libc::SYS_sendto, vec![SeccompRule::new(send)?]);
    rules.insert(libc::SYS_sendmsg, vec![SeccompRule::new(vec![slow(2)?])?]);
    rules.insert(libc::SYS_sendmmsg, vec![SeccompRule::new(vec![slow(3)?])?]);
    Ok(())
}

#[cfg(test)]
mod tests;
