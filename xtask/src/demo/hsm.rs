//! An HSM for the demo's signer: a SoftHSM token of its own, made by our own program.
//!
//! Everything lies in the mesh's directory and goes away with it. PINs are random, in files that only
//! their owner may read, and on no command line.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};

use super::{MESH, aibom};
use crate::{root::Root, say::say};

/// The token's label.
const LABEL: &str = "aibom-demo";
/// How many random bytes a PIN has; it is written in hexadecimal.
const PIN_BYTES: usize = 8;

/// A token with the keys of the demo's mesh in it.
#[derive(Debug)]
pub(super) struct Token {
    uri: String,
    configuration: PathBuf,
}

fn pin(path: &Path) -> anyhow::Result<()> {
    let mut bytes = [0_u8; PIN_BYTES];
    let mut source = File::open("/dev/urandom").context("cannot open the random source")?;
    source.read_exact(&mut bytes).context("cannot read the random source")?;
    let pin: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(pin.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// A path within the query of a URI (RFC 7512 section 2.3).
fn escaped(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes
        .map(|&byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

impl Token {
    /// Makes the token, and the mesh's keys in it.
    pub(super) fn make(root: &Root, module: &Path) -> anyhow::Result<Self> {
        say("── make a token, and the mesh's keys in it");
        let directory = root.join(MESH).join("hsm");
        let tokens = directory.join("tokens");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&tokens);
        made.context("cannot make the token's directory")?;
        let configuration = directory.join("softhsm2.conf");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(&configuration, text).context("cannot configure SoftHSM")?;
        let (user_pin, so_pin) = (directory.join("pin"), directory.join("so-pin"));
        pin(&user_pin)?;
        pin(&so_pin)?;
        let (module, source) = (escaped(module), escaped(&user_pin));
        let uri = format!("pkcs11:token={LABEL}?module-path={module}&pin-source=file:{source}");
        let token = Self { uri, configuration };
        let mut init = aibom(root);
        token
            .tell(&mut init)
            .args(["certs", "init", "--store", token.uri(), "--token-init", "--so-pin-source"])
            .arg(so_pin)
            .arg("--dir")
            .arg(root.join(MESH).join("certs"));
        let status = init.status().context("cannot run aibom")?;
        if !status.success() {
            bail!("the token and its keys cannot be made ({status})");
        }
        Ok(token)
    }

    /// The token by its URI; it says where the PIN is, not what it is.
    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// Tells a program, and those that it starts, which tokens SoftHSM has.
    pub(super) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("SOFTHSM2_CONF", &self.configuration)
    }

    /// Shows that the keys are in the token, and that no file of the mesh has one.
    pub(super) fn holds_the_keys(&self, root: &Root) -> anyhow::Result<()> {
        let certs = root.join(MESH).join("certs");
        ensure!(!certs.join("keys").exists(), "there are signing keys in files");
        let mut list = aibom(root);
        self.tell(&mut list).args(["keys", "list", "--store", self.uri(), "--dir"]).arg(certs);
        let status = list.status().context("cannot run aibom")?;
        ensure!(status.success(), "the token's keys cannot be listed ({status})");
        say("the keys were made in the token as not extractable, and are in no file of the mesh");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_escaped_for_a_uri() {
        assert_eq!(escaped(Path::new("/a b/ü&c.so")), "/a%20b/%C3%BC%26c.so");
    }

    #[test]
    fn a_pin_is_random_and_its_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| directory.path().join(name));
        for path in &paths {
            pin(path).unwrap();
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let [a, b] = paths.map(|path| fs::read_to_string(path).unwrap());
        assert!(a.len() == 2 * PIN_BYTES && a != b, "{a} {b}");
    }
}
