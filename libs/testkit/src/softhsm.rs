//! Real SoftHSM with tokens of its own, behind the fault shim `e2e/hsm/p11fault.c`.
//!
//! SoftHSM and the shim read their files' names from the environment when a process loads them, so
//! a test that uses a token in its own process runs itself again in a child with that environment.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const SHIM_SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/hsm/p11fault.c");
const SETUP: &str = "run deploy/setup/softhsm.sh, or cargo xtask setup";
/// Where distributions put the module.
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];

/// SoftHSM's files in a directory: its configuration, its tokens, the shim, faults and the log.
#[derive(Debug, Clone)]
pub struct SoftHsm {
    directory: PathBuf,
}

impl SoftHsm {
    /// Puts the files into an empty directory and builds the shim there.
    ///
    /// # Panics
    /// When SoftHSM or a C compiler is missing, with the script that installs it.
    #[must_use]
    pub fn create(directory: &Path) -> Self {
        let hsm = Self::at(directory);
        assert!(Self::real_module().is_some(), "SoftHSM is not installed: {SETUP}");
        fs::create_dir(hsm.tokens()).unwrap();
        let tokens = hsm.tokens().display().to_string();
        let configuration = format!("directories.tokendir = {tokens}\nlog.level = ERROR\n");
        fs::write(directory.join("softhsm2.conf"), configuration).unwrap();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([hsm.module(), PathBuf::from(SHIM_SOURCE)])
            .output();
        assert!(compiled.is_ok(), "no C compiler, cc ({compiled:?}): install gcc, and {SETUP}");
        let compiled = compiled.unwrap();
        let complaints = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "cc cannot build {SHIM_SOURCE}: {complaints}");
        hsm
    }

    /// The files that [`SoftHsm::create`] put into `directory`.
    #[must_use]
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// SoftHSM's own module: `SOFTHSM2_MODULE`, or where a distribution puts it.
    #[must_use]
    pub fn real_module() -> Option<PathBuf> {
        let named = std::env::var_os("SOFTHSM2_MODULE").map(PathBuf::from);
        named.into_iter().chain(MODULES.map(PathBuf::from)).find(|path| path.is_file())
    }

    /// What a process that loads the shim, or SoftHSM, needs in its environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("SOFTHSM2_CONF", self.directory.join("softhsm2.conf")),
            ("P11FAULT_REAL", Self::real_module().unwrap_or_default()),
            ("P11FAULT_FILE", self.directory.join("faults")),
            ("P11FAULT_LOG", self.directory.join("calls.log")),
        ]
    }

    /// The module to load: the shim.
    #[must_use]
    pub fn module(&self) -> PathBuf {
        self.directory.join("p11fault.so")
    }

    /// Where the tokens lie. A token is away while this is moved.
    #[must_use]
    pub fn tokens(&self) -> PathBuf {
        self.directory.join("tokens")
    }

    /// From now on, these faults and no others: lines such as `C_Sign=err:30`.
    pub fn faults(&self, lines: &str) {
        let new = self.directory.join("faults.new");
        fs::write(&new, lines).unwrap();
        fs::rename(new, self.directory.join("faults")).unwrap();
    }

    /// How often a function was called, with what answer: lines such as `C_Login 0x0`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.directory.join("calls.log")).unwrap_or_default();
        let call = |line: &str| line.split_once(' ').map(|(_, call)| call.to_owned());
        log.lines().filter_map(call).collect()
    }

    /// How many calls of that function there were, whatever it answered.
    #[must_use]
    pub fn count(&self, function: &str) -> usize {
        let is_it = |call: &&String| call.split(' ').next() == Some(function);
        self.calls().iter().filter(is_it).count()
    }
}
