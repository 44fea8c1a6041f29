//! What a process may take of the machine: memory, files, their size.

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, nice, setrlimit},
};

use crate::ConfineError;

/// How far behind others a limited process stands when the processor is short: 0 to 19.
const NICENESS: i32 = 10;

/// Bounds for a process, and for the program that it becomes; none can be raised afterwards.
///
/// How many processes it starts is not among them: the kernel counts those by user, not by
/// process, and root's not at all. [`crate::Code`] forbids all of them instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Its own writable memory (`RLIMIT_DATA`), in bytes; mapped files do not count.
    pub memory_bytes: u64,
    /// The longest file that it writes (`RLIMIT_FSIZE`), in bytes.
    pub file_bytes: u64,
    /// How many files it has open at a time.
    pub open_files: u64,
}

/// Bounds the calling process, and makes it yield to others.
///
/// # Errors
/// When a limit is above what the process was given.
pub fn limit(limits: &Limits) -> Result<(), ConfineError> {
    let failed = |what| move |error: Errno| ConfineError::Privileges { what, source: error.into() };
    for (resource, what, most) in [
        (Resource::Data, "the memory limit", limits.memory_bytes),
        (Resource::Fsize, "the file size limit", limits.file_bytes),
        (Resource::Nofile, "the limit of open files", limits.open_files),
    ] {
        let most = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, most).map_err(failed(what))?;
    }
    nice(NICENESS).map_err(failed("the priority"))?;
    Ok(())
}
