//! How the signer shuts itself in.

use std::path::PathBuf;

use serde::Deserialize;

/// How the signer shuts itself in. It always does; this is what differs between machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfineConfig {
    /// Whether a kernel without landlock or seccomp refuses the start, naming what is missing. When
    /// not, the log names it.
    pub require: bool,
    /// What the PKCS#11 module may use.
    pub module: ModuleConfig,
}

/// What a PKCS#11 module may use; it starts no program and gains no privilege in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModuleConfig {
    /// Files and directories that it may read beside the system's libraries: its configuration, and
    /// the file of the PIN. With none here and in `write`, it may open every file that the user of
    /// the signer may: the TLS key and the journal, too.
    pub read: Vec<PathBuf>,
    /// Files and directories that it may write, too: where a software token keeps its keys.
    pub write: Vec<PathBuf>,
    /// Whether it reaches its device over IP.
    pub network: bool,
}
