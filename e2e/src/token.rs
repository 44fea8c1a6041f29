//! A token for a mesh's signing keys: SoftHSM behind the fault shim, in the mesh's own directory.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;
use testkit::softhsm::SoftHsm;

use crate::{place, run};

/// The token's label.
const LABEL: &str = "mesh";
/// The PIN that the keys are made with.
pub const PIN: &str = "24681357";
const SO_PIN: &str = "officer-97531";

/// A mesh's token.
#[derive(Debug, Clone)]
pub struct Token {
    directory: PathBuf,
}

impl Token {
    /// The token of the mesh in that directory.
    #[must_use]
    pub fn of(mesh: &Path) -> Self {
        Self { directory: mesh.join("hsm") }
    }

    /// SoftHSM's files and the shim.
    #[must_use]
    pub fn hsm(&self) -> SoftHsm {
        SoftHsm::at(&self.directory)
    }

    /// What names it to the programs. The paths are those of a build directory: nothing to escape.
    #[must_use]
    pub fn uri(&self) -> String {
        let (module, pin) = (self.hsm().module(), self.directory.join("pin"));
        let (module, pin) = (module.display(), pin.display());
        format!("pkcs11:token={LABEL}?module-path={module}&pin-source=file:{pin}")
    }

    /// Writes the file that the signer takes its PIN from.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_pin(&self, pin: &str) -> anyhow::Result<()> {
        Ok(keys::write_secret(&self.directory.join("pin"), pin)?)
    }

    /// The `aibom` command as somebody runs it who has the token: without faults, and not in the log of calls.
    ///
    /// # Errors
    /// When it was not built.
    pub fn aibom(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(place::program("aibom")?);
        command.envs(self.hsm().environment());
        command.env_remove("P11FAULT_FILE").env_remove("P11FAULT_LOG");
        Ok(command)
    }

    /// Makes the token, and in it the keys of a new mesh, whose trust root goes to `certs`.
    ///
    /// # Errors
    /// When something is missing or fails.
    pub fn make(&self, certs: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.directory).context("cannot make the token's directory")?;
        let _ = SoftHsm::create(&self.directory);
        self.write_pin(PIN)?;
        let so_pin = self.directory.join("so-pin");
        keys::write_secret(&so_pin, SO_PIN)?;
        let mut init = self.aibom()?;
        init.args(["certs", "init", "--store", &self.uri(), "--token-init", "--so-pin-source"]);
        init.arg(so_pin).arg("--dir").arg(certs);
        run::output(&mut init)?.expect(0).map(drop)
    }
}
