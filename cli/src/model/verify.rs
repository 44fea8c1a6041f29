//! `aibom model verify`: the signature first, then every file.

use std::path::Path;

use keys::{MAX_ROOTS, PublicKey};
use oms::{Bundle, MAX_BUNDLE_BYTES, Manifest, Serialization, SignedManifest, Signer, compare};

use super::{
    VerifyArguments, hash::hash, report::Report, sign::certificates, signature_path, walk,
};
use crate::{
    certs::now,
    failure::{Exit, Failure},
    profile::read_bounded,
    submit::progress::Bars,
    terminal::Terminal,
};

/// The longest file of a public key that is read, in bytes.
const MAX_KEY_BYTES: u64 = 16 * 1024;

/// Runs `aibom model verify`.
pub(super) fn verify(terminal: &Terminal, arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let root = walk::root(&arguments.directory)?;
    let place = signature_path(arguments.signature.as_ref(), &arguments.directory);
    let bytes = read_bounded(&place, MAX_BUNDLE_BYTES as u64).map_err(|failure| {
        failure.remedy("name the signature with --signature when it is not DIR/model.sig")
    })?;
    let mut report = Report::default();
    if let Some(signed) = signed(&bytes, arguments, &mut report)? {
        files(&root, &place, signed.manifest(), arguments, terminal, &mut report)?;
    }
    report.print(terminal)?;
    Ok(report.exit())
}

/// The manifest, when its signature holds; what does not is in the report.
fn signed(
    bytes: &[u8],
    arguments: &VerifyArguments,
    report: &mut Report,
) -> Result<Option<SignedManifest>, Failure> {
    let trust = Trust::read(arguments)?;
    let bundle = match Bundle::parse(bytes) {
        Ok(bundle) => bundle,
        Err(error) => {
            report.record("signature.format", Err(error.to_string()));
            return Ok(None);
        }
    };
    report.record("signature.format", Ok("a model signature v1.0".to_owned()));
    let verified = match &trust {
        Trust::Key(key) => bundle.verify_key(key),
        Trust::Roots(roots) => bundle.verify_chain(roots, arguments.at.unwrap_or_else(now)),
    };
    let signed = match verified {
        Ok(signed) => signed,
        Err(error) => {
            report.record("signature.signer", Err(error.to_string()));
            return Ok(None);
        }
    };
    report.model = Some(signed.manifest().model.clone());
    match signed.signer() {
        Signer::Key(key_id) => {
            report.signer = Some(key_id.to_string());
            report.record("signature.signer", Ok(format!("the key {key_id}")));
        }
        Signer::Certificate(signer) => {
            report.signer = Some(signer.subject().to_owned());
            let names = signer.names().join(", ");
            report.record(
                "signature.signer",
                Ok(format!("the certificate of {}: {names}", signer.subject())),
            );
            if let Some(identity) = &arguments.identity {
                let known = signer.names().contains(identity);
                let told = if known {
                    Ok(identity.clone())
                } else {
                    Err(format!("the certificate is for {names}, not for {identity}"))
                };
                report.record("signature.identity", told);
                return Ok(known.then_some(signed));
            }
        }
    }
    Ok(Some(signed))
}

/// What the user trusts.
enum Trust {
    Key(PublicKey),
    Roots(Vec<Vec<u8>>),
}

impl Trust {
    fn read(arguments: &VerifyArguments) -> Result<Self, Failure> {
        let Some(path) = &arguments.key else {
            let mut roots = Vec::new();
            for path in &arguments.certificate_roots {
                roots.extend(certificates(path, MAX_ROOTS)?);
            }
            return Ok(Self::Roots(roots));
        };
        let pem = read_bounded(path, MAX_KEY_BYTES)?;
        let key = std::str::from_utf8(&pem).ok().and_then(|pem| PublicKey::from_pem(pem).ok());
        key.map(Self::Key).ok_or_else(|| {
            Failure::cannot(format_args!("{} holds no P-256 public key in PEM", path.display()))
                .remedy("make it with 'openssl pkey -in KEY -pubout'")
        })
    }
}

/// Compares what is there with what was signed; files that are not signed are not read.
fn files(
    root: &Path,
    signature: &Path,
    manifest: &Manifest,
    arguments: &VerifyArguments,
    terminal: &Terminal,
    report: &mut Report,
) -> Result<(), Failure> {
    let chosen = walk::within(root, &arguments.ignored)?;
    let own = Manifest { ignore_paths: chosen, ..Manifest::of_files("", Vec::new()) };
    let passed =
        |path: &str| own.ignores(path) || (arguments.allow_ignored && manifest.ignores(path));
    let found = walk::walk(root, signature, passed)?;
    let signed: std::collections::BTreeSet<&str> = match manifest.serialization {
        Serialization::Files => manifest.resources.iter().map(|r| r.name.as_str()).collect(),
        Serialization::Shards { .. } => {
            manifest.resources.iter().filter_map(|r| r.name.rsplitn(3, ':').last()).collect()
        }
    };
    let (known, unsigned): (Vec<_>, Vec<_>) =
        found.files.iter().partition(|file| signed.contains(file.name.as_str()));
    let bars = Bars::new(terminal);
    let bytes = known.iter().map(|file| file.size).sum();
    let bar = bars.bytes("hashing", Some(bytes));
    let resources = hash(&known, manifest.serialization, &bar)?;
    bars.clear();
    let mut differences = compare(manifest, &resources);
    let (left_out, unknown): (Vec<_>, Vec<_>) =
        unsigned.into_iter().map(|file| file.name.clone()).partition(|name| manifest.ignores(name));
    differences.unknown.extend(unknown);
    (report.files, report.bytes) = (known.len(), bytes);
    report.compared(differences, found, left_out, arguments.allow_unsigned);
    Ok(())
}
