//! Other people's S3 server (`e2e/s3/server.py`), and how a test runs against it.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use e2e::{place, python, run};
use object_store::{ObjectStore, aws::AmazonS3Builder};
use serde_json::Value;
use tempfile::TempDir;

/// The bucket.
pub(crate) const BUCKET: &str = "logs";
/// Says that this process is the one that was started for a test, with the server's environment.
const INSIDE: &str = "AIBOM_E2E_BUCKET";

/// What somebody calls with.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    id: String,
    secret: String,
}

impl Keys {
    /// The same name with a secret that is not its own.
    pub(crate) fn with_a_wrong_secret(&self) -> Self {
        let secret = self.secret.chars().rev().collect();
        Self { secret, ..self.clone() }
    }
}

/// The running server, with one bucket; it ends when this is dropped.
pub(crate) struct Server {
    process: Child,
    endpoint: String,
    /// Of somebody who may read and write.
    pub(crate) writer: Keys,
    /// Of somebody who may only read.
    pub(crate) reader: Keys,
    folder: TempDir,
}

impl Server {
    /// Starts it. Of each object in `lost` it loses the answer to the first PUT.
    pub(crate) fn start(lost: &[&str]) -> anyhow::Result<Self> {
        let scripts = place::repository()?.join("e2e/s3");
        let python = python::environment(&scripts.join("requirements.txt"))?;
        let folder = tempfile::tempdir()?;
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let (certificate, key) = (folder.path().join("crt.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        let mut server = Command::new(python);
        server.arg(scripts.join("server.py")).arg(BUCKET).arg(&certificate).arg(key);
        server.args(lost).stdin(Stdio::piped()).stdout(Stdio::piped());
        server.stderr(std::fs::File::create(folder.path().join("log"))?);
        let mut process = server.spawn().context("cannot start the S3 server")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("its output")?).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).with_context(|| {
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            format!("the S3 server did not start:\n{log}")
        })?;
        let text = |at: &str| {
            let value = said.pointer(at).and_then(Value::as_str).map(str::to_owned);
            value.with_context(|| format!("{at} in {said}"))
        };
        let keys = |who: &str| {
            let (id, secret) = (text(&format!("/{who}/id"))?, text(&format!("/{who}/secret"))?);
            anyhow::Ok(Keys { id, secret })
        };
        let (writer, reader, endpoint) = (keys("writer")?, keys("reader")?, text("/endpoint")?);
        Ok(Self { process, endpoint, writer, reader, folder })
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("crt.pem")
    }

    /// Lets a program call it with these keys; nothing of this process's own environment does.
    pub(crate) fn admit(&self, program: &mut Command, keys: &Keys) {
        let own = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in own.filter(|name| name.starts_with("AWS_")) {
            program.env_remove(name);
        }
        program.env("AWS_ACCESS_KEY_ID", &keys.id).env("AWS_SECRET_ACCESS_KEY", &keys.secret);
        program.env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", &self.endpoint);
        program.env("SSL_CERT_FILE", self.ca());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Were this process killed, its input would end, and the server with it.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// Runs `test`, whose name is `name`, in a process of its own whose environment names the bucket: keys
/// come from the environment alone, and a process must not change its own.
pub(crate) fn against<F>(name: &str, lost: &[&str], test: impl FnOnce() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    if std::env::var_os(INSIDE).is_some() {
        return tokio::runtime::Runtime::new()?.block_on(test());
    }
    let server = Server::start(lost)?;
    let mut again = Command::new(std::env::current_exe()?);
    again.args(["--exact", name, "--nocapture"]).env(INSIDE, "1");
    server.admit(&mut again, &server.writer);
    let ended = run::output(&mut again)?.expect(0)?;
    ensure!(ended.stdout.contains("1 passed"), "no test is named {name}: {}", ended.stdout);
    Ok(())
}

/// The bucket behind the back of what is tested; only within [`against`].
pub(crate) fn bucket() -> anyhow::Result<Arc<dyn ObjectStore>> {
    Ok(Arc::new(AmazonS3Builder::from_env().with_bucket_name(BUCKET).build()?))
}
