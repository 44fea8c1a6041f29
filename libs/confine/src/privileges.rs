//! The privileges that every kernel lets a process give up: dumps, capabilities, set-user-ID.

use rustix::{
    io::Errno,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit},
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
    },
};

use crate::{ConfineError, Layer};

/// Capabilities that a kernel may know, by number: today's end at 40.
const CAPABILITIES_MAX: u32 = 64;

/// Gives up core dumps, capabilities and set-user-ID programs, and nothing else: for a process that
/// has to start others, which inherit all but the first half of the first.
///
/// # Errors
/// When the kernel refuses, or other threads run already.
pub fn renounce() -> Result<Vec<Layer>, ConfineError> {
    // Without /proc there is nothing to count with; then the caller is trusted.
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(ConfineError::Threads(threads));
    }
    let failed = |what| move |error: Errno| ConfineError::Privileges { what, source: error.into() };
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(failed("the core limit"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed("dumps"))?;
    set_no_new_privs(true).map_err(failed("new privileges"))?;
    drop_capabilities().map_err(failed("capabilities"))?;
    Ok(vec![Layer::CoreDumps, Layer::NoNewPrivileges, Layer::Capabilities])
}

fn drop_capabilities() -> Result<(), Errno> {
    for number in 0..CAPABILITIES_MAX {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            // EINVAL: the kernel knows no more. EPERM: not root, so nothing to take away; without
            // new privileges the bounding set gives nothing either.
            Err(Errno::INVAL | Errno::PERM) => break,
            other => other?,
        }
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}
