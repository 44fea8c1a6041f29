//! `aibom model`: signs and verifies models that were not trained here (OpenSSF Model Signing v1.0).
//!
//! Nothing here opens a socket or starts a runtime. Verification is strict: every file counts,
//! hidden ones too, and what is not signed is named and refused.

mod hash;
mod key;
mod report;
mod sign;
mod verify;
mod walk;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ids::Timestamp;

use crate::{
    failure::{Exit, Failure},
    terminal::Terminal,
};
use key::KeySource;

const SIGN_EXAMPLES: &str = "\
Examples:
  aibom model sign llama --key signing.key.pem
  aibom model sign llama --key signing.key.pem --passphrase-file pass.txt
  aibom model sign llama --key signing.key.pem --certificate ada.pem --chain ca.pem
  aibom model sign llama --key 'pkcs11:token=models;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/models/pin'
  aibom model sign llama --key signing.key.pem --ignore .git --signature llama.sig

The key is ECDSA over P-256. The signature is DIR/model.sig unless --signature says otherwise;
'model_signing verify key' and 'model_signing verify certificate' read it too.

Exit codes: 0 signed, 1 something in DIR cannot be signed, 2 cannot say (usage, unreadable file)";

const VERIFY_EXAMPLES: &str = "\
Examples:
  aibom model verify llama --key signing.pub.pem
  aibom model verify llama --certificate-roots ca.pem --identity ada@example.org
  aibom model verify llama --certificate-roots ca.pem --at 2026-06-30T00:00:00Z
  aibom model verify llama --key signing.pub.pem --allow-ignored --format json | jq .unknown

Every file in DIR must be signed. What the signer left out (model_signing leaves out .git,
.gitignore and .gitattributes) is refused unless --allow-ignored. Symbolic links are never
followed. A key or root that came together with the model proves nothing.

Exit codes: 0 every check held, 1 a check failed, 2 cannot say (usage, unreadable file)";

/// Signs and verifies models that were not trained here.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Signs every file of a directory.
    #[command(after_help = SIGN_EXAMPLES)]
    Sign(SignArguments),
    /// Verifies a directory against its signature; needs no network.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
}

/// Arguments of `model sign`.
#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// The model: every file below it is signed.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The private key: a PKCS#8 PEM file, or a key in a token as a `pkcs11:` URI (RFC 7512).
    #[arg(long, value_name = "KEY")]
    key: KeySource,
    /// The file that holds the passphrase of an encrypted key.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The signer's certificate, PEM: verifiers then need a root instead of the key.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Certificates from the signer's towards the root, PEM; may be repeated.
    #[arg(long = "chain", value_name = "FILE", requires = "certificate")]
    chain: Vec<PathBuf>,
    /// Where the signature goes; DIR/model.sig otherwise.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// The model's name; the directory's name otherwise.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A path in DIR that is not signed, with all below it; the signature names it. May be
    /// repeated.
    #[arg(long = "ignore", value_name = "PATH")]
    ignored: Vec<PathBuf>,
    /// Signs shards of that many bytes instead of whole files: one large file is then hashed on
    /// all cores.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1_048_576..))]
    shards: Option<u64>,
}

/// Arguments of `model verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The model.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The signer's public key, PEM.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "certificate_roots",
        conflicts_with = "certificate_roots"
    )]
    key: Option<PathBuf>,
    /// Certificates to trust as roots, PEM; may be repeated.
    #[arg(long, value_name = "FILE")]
    certificate_roots: Vec<PathBuf>,
    /// Who must have signed: a URI, e-mail address, DNS name or common name of the certificate.
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    identity: Option<String>,
    /// The time at which the certificates must be valid, such as 2026-06-30T00:00:00Z; now
    /// otherwise.
    #[arg(long, value_name = "TIME", value_parser = instant, conflicts_with = "key")]
    at: Option<Timestamp>,
    /// The signature; DIR/model.sig otherwise.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Accepts that the signer left files out: they may be anything.
    #[arg(long)]
    allow_ignored: bool,
    /// Accepts files that are not signed: they may be anything.
    #[arg(long)]
    allow_unsigned: bool,
    /// A path in DIR that is not looked at; may be repeated.
    #[arg(long = "ignore", value_name = "PATH")]
    ignored: Vec<PathBuf>,
}

/// Runs `aibom model`.
pub(crate) fn model(terminal: &Terminal, command: &ModelCommand) -> Result<Exit, Failure> {
    match command {
        ModelCommand::Sign(arguments) => sign::sign(terminal, arguments),
        ModelCommand::Verify(arguments) => verify::verify(terminal, arguments),
    }
}

/// Where the signature is: the named file, or the usual place within the model.
fn signature_path(named: Option<&PathBuf>, directory: &Path) -> PathBuf {
    named.cloned().unwrap_or_else(|| directory.join(oms::MODEL_SIGNATURE_FILE))
}

fn instant(text: &str) -> Result<Timestamp, ids::ParseTimestampError> {
    let whole = text.strip_suffix('Z').filter(|text| !text.contains('.'));
    whole.map_or_else(|| text.parse(), |text| format!("{text}.000Z").parse())
}

#[cfg(test)]
mod tests;
