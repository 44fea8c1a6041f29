//! Keys, certificates and models for the tests of model signatures, and both programs.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;
use e2e::{place, python, run};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use serde_json::Value;

/// How a model is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// With a bare key.
    Key,
    /// With a certificate.
    Certificate,
}

/// Both methods.
pub(crate) const METHODS: [Method; 2] = [Method::Key, Method::Certificate];

type Change = fn(&Model) -> anyhow::Result<()>;

/// Every way to change a signed model that must be refused.
pub(crate) const TAMPERED: [(&str, Change); 8] = [
    ("a changed file", |model| Ok(fs::write(model.path("weights/a.bin"), "evil")?)),
    ("a grown file", |model| Ok(fs::write(model.path("weights/a.bin"), "weights!")?)),
    ("an added file", |model| Ok(fs::write(model.path("weights/new.py"), "import os")?)),
    ("an added hidden file", |model| Ok(fs::write(model.path(".more"), "x")?)),
    ("a removed file", |model| Ok(fs::remove_file(model.path("weights.txt"))?)),
    ("a renamed file", |model| Ok(fs::rename(model.path("readme"), model.path("README"))?)),
    ("a flipped signature", |model| model.flip("/dsseEnvelope/signatures/0/sig")),
    ("an edited payload", |model| model.flip("/dsseEnvelope/payload")),
];

/// A model's directory.
#[derive(Debug)]
pub(crate) struct Model {
    place: tempfile::TempDir,
}

impl Model {
    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    fn directory(&self) -> PathBuf {
        self.place.path().join("model")
    }

    /// The same again.
    pub(crate) fn copy(&self) -> anyhow::Result<Self> {
        let place = tempfile::tempdir()?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(self.directory()).arg(place.path());
        run::output(&mut copy)?.expect(0)?;
        Ok(Self { place })
    }

    /// Changes a character in the middle of a base64 text of the signature.
    fn flip(&self, pointer: &str) -> anyhow::Result<()> {
        let path = self.path("model.sig");
        let mut bundle: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let member = bundle.pointer_mut(pointer).context("no such member")?;
        let text = member.as_str().context("no text")?;
        let (head, tail) = text.split_at(text.len() / 2);
        let other = if tail.starts_with('A') { "B" } else { "A" };
        *member = format!("{head}{other}{}", tail.get(1..).context("too short")?).into();
        Ok(fs::write(path, serde_json::to_vec(&bundle)?)?)
    }
}

/// A key with a certificate, and the programs.
#[derive(Debug)]
pub(crate) struct Fixture {
    folder: tempfile::TempDir,
    python: PathBuf,
    aibom: PathBuf,
}

impl Fixture {
    /// Certificates that hold for years.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Self::with_leaf_until(2090)
    }

    /// A signer's certificate that ended with the year 2020.
    pub(crate) fn expired() -> anyhow::Result<Self> {
        Self::with_leaf_until(2021)
    }

    /// Other keys and certificates with the same names.
    pub(crate) fn other(&self) -> anyhow::Result<Self> {
        Self::new()
    }

    fn with_leaf_until(year: i32) -> anyhow::Result<Self> {
        let requirements = place::repository()?.join("e2e/oms/requirements.txt");
        let fixture = Self {
            folder: tempfile::tempdir()?,
            python: python::environment(&requirements)?,
            aibom: place::program("aibom")?,
        };
        let names = ["root", "middle", "Ada"];
        let mut issuer: Option<Issuer<'_, KeyPair>> = None;
        for name in names {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2095, 1, 1);
            if name == "Ada" {
                params.not_after = date_time_ymd(year, 1, 1);
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
                let mail = "ada@example.org".try_into()?;
                params.subject_alt_names = vec![SanType::Rfc822Name(mail)];
            } else {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            }
            let key = KeyPair::generate()?;
            let certificate = match &issuer {
                None => params.self_signed(&key)?,
                Some(issuer) => params.signed_by(&key, issuer)?,
            };
            fixture.write(&format!("{name}.pem"), &certificate.pem())?;
            fixture.write(&format!("{name}.key.pem"), &key.serialize_pem())?;
            fixture.write(&format!("{name}.pub.pem"), &key.public_key_pem())?;
            issuer = Some(Issuer::new(params, key));
        }
        Ok(fixture)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.file(name);
        fs::write(&path, text)?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A small model whose files come in two different orders.
    pub(crate) fn model(&self) -> anyhow::Result<Model> {
        let model = Model { place: tempfile::tempdir()? };
        fs::create_dir_all(model.path("weights/deep"))?;
        for name in ["weights/a.bin", "weights/deep/b.bin", "weights.txt", "readme", ".hidden"] {
            fs::write(model.path(name), "weights")?;
        }
        Ok(model)
    }

    fn aibom(&self, verb: &str, model: &Model) -> Command {
        let mut command = Command::new(&self.aibom);
        command.args(["model", verb]).arg(model.directory());
        command
    }

    /// `aibom model sign`.
    pub(crate) fn sign(&self, method: Method, model: &Model) -> anyhow::Result<run::Output> {
        self.sign_with(method, model, &[])
    }

    /// `aibom model sign` with further arguments.
    pub(crate) fn sign_with(
        &self,
        method: Method,
        model: &Model,
        more: &[&str],
    ) -> anyhow::Result<run::Output> {
        let mut sign = self.aibom("sign", model);
        sign.arg("--key").arg(self.file("Ada.key.pem")).args(more);
        if method == Method::Certificate {
            sign.arg("--certificate").arg(self.file("Ada.pem"));
            sign.arg("--chain").arg(self.file("middle.pem"));
        }
        run::output(&mut sign)
    }

    /// `aibom model verify`.
    pub(crate) fn verify(&self, method: Method, model: &Model) -> anyhow::Result<run::Output> {
        self.verify_with(method, model, &[])
    }

    /// `aibom model verify` with further arguments.
    pub(crate) fn verify_with(
        &self,
        method: Method,
        model: &Model,
        more: &[&str],
    ) -> anyhow::Result<run::Output> {
        let mut verify = self.aibom("verify", model);
        match method {
            Method::Key => verify.arg("--key").arg(self.file("Ada.pub.pem")),
            Method::Certificate => verify.arg("--certificate-roots").arg(self.file("root.pem")),
        };
        run::output(verify.args(more))
    }

    /// `model_signing sign`.
    pub(crate) fn theirs_sign(
        &self,
        method: Method,
        model: &Model,
        more: &[OsString],
    ) -> anyhow::Result<run::Output> {
        let mut sign = Command::new(&self.python);
        sign.args(["-m", "model_signing", "sign", name(method)]);
        sign.arg("--private_key").arg(self.file("Ada.key.pem"));
        if method == Method::Certificate {
            sign.arg("--signing_certificate").arg(self.file("Ada.pem"));
            for file in ["middle.pem", "root.pem"] {
                sign.arg("--certificate_chain").arg(self.file(file));
            }
        }
        sign.arg("--signature").arg(model.path("model.sig")).args(more);
        run::output(sign.arg(model.directory()))
    }

    /// `model_signing verify`.
    pub(crate) fn theirs_verify(
        &self,
        method: Method,
        model: &Model,
    ) -> anyhow::Result<run::Output> {
        let mut verify = Command::new(&self.python);
        verify.args(["-m", "model_signing", "verify", name(method)]);
        match method {
            Method::Key => verify.arg("--public_key").arg(self.file("Ada.pub.pem")),
            Method::Certificate => verify.arg("--certificate_chain").arg(self.file("root.pem")),
        };
        verify.arg("--signature").arg(model.path("model.sig"));
        run::output(verify.arg(model.directory()))
    }

    fn script(
        &self,
        text: &str,
        model: &Model,
        shard: u64,
        key: &str,
    ) -> anyhow::Result<run::Output> {
        let mut python = Command::new(&self.python);
        python.args(["-c", text]).arg(model.directory()).arg(model.path("model.sig"));
        run::output(python.arg(shard.to_string()).arg(self.file(key)))
    }

    /// Signs in shards with model_signing's library.
    pub(crate) fn theirs_shards(&self, model: &Model, shard: u64) -> anyhow::Result<run::Output> {
        let text = "
import sys, model_signing as m
model, signature, shard, key = sys.argv[1:]
hashing = m.hashing.Config().use_shard_serialization(shard_size=int(shard))
hashing.set_ignored_paths(paths=['model.sig'])
m.signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(hashing).sign(
    model, signature)";
        self.script(text, model, shard, "Ada.key.pem")
    }

    /// Verifies shards with model_signing's library.
    pub(crate) fn theirs_verify_shards(
        &self,
        model: &Model,
        shard: u64,
    ) -> anyhow::Result<run::Output> {
        let text = "
import sys, model_signing as m
model, signature, shard, key = sys.argv[1:]
m.verifying.Config().use_elliptic_key_verifier(public_key=key).verify(model, signature)";
        self.script(text, model, shard, "Ada.pub.pem")
    }

    /// The conformance adapter.
    pub(crate) fn adapter(
        &self,
        verb: &str,
        method: Method,
        model: &Model,
        more: &[&str],
    ) -> anyhow::Result<run::Output> {
        let mut adapter = Command::new(place::repository()?.join("e2e/oms/adapter"));
        adapter.env("AIBOM", &self.aibom).args([verb, "--method", name(method), "--model-path"]);
        adapter.arg(model.directory());
        if verb == "sign-model" {
            adapter.arg("--output-bundle").arg(model.path("model.sig"));
            adapter.arg("--private-key").arg(self.file("Ada.key.pem"));
        } else {
            adapter.arg("--bundle").arg(model.path("model.sig"));
            adapter.arg("--public-key").arg(self.file("Ada.pub.pem"));
        }
        if method == Method::Certificate {
            if verb == "sign-model" {
                adapter.arg("--signing-cert").arg(self.file("Ada.pem"));
            }
            for file in ["middle.pem", "root.pem"] {
                adapter.arg("--cert-chain").arg(self.file(file));
            }
        }
        run::output(adapter.args(more))
    }

    /// `model_signing sign pkcs11-key` with the same key in a token of SoftHSM.
    pub(crate) fn theirs_sign_in_token(&self, model: &Model) -> anyhow::Result<run::Output> {
        let module = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
        let module = module.into_iter().find(|path| Path::new(path).is_file());
        let module = module.with_context(|| format!("SoftHSM is missing: {}", place::SETUP))?;
        let tokens = self.file("tokens");
        fs::create_dir_all(&tokens)?;
        let config = format!("directories.tokendir = {}\n", tokens.display());
        self.write("softhsm2.conf", &config)?;
        let softhsm = |arguments: &[&str]| {
            let mut softhsm = Command::new("softhsm2-util");
            softhsm.env("SOFTHSM2_CONF", self.file("softhsm2.conf")).args(arguments);
            run::output(&mut softhsm)?.expect(0)
        };
        softhsm(&["--init-token", "--free", "--label", "t", "--pin", "1234", "--so-pin", "5678"])?;
        let key = self.file("Ada.key.pem");
        let key = key.to_str().context("no text")?;
        let import = ["--import", key, "--token", "t", "--label", "k", "--id", "01"];
        softhsm(&[&import[..], &["--pin", "1234"]].concat())?;
        let mut sign = Command::new(&self.python);
        sign.env("SOFTHSM2_CONF", self.file("softhsm2.conf"));
        sign.args(["-m", "model_signing", "sign", "pkcs11-key", "--pkcs11_uri"]);
        sign.arg(format!("pkcs11:token=t;object=k?module-path={module}&pin-value=1234"));
        sign.arg("--signature").arg(model.path("model.sig"));
        run::output(sign.arg(model.directory()))
    }
}

const fn name(method: Method) -> &'static str {
    match method {
        Method::Key => "key",
        Method::Certificate => "certificate",
    }
}
