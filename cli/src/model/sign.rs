//! `aibom model sign`: hash, sign, check, write.

use std::path::{Path, PathBuf};

use ids::Timestamp;
use keys::{CodeSigner, MAX_CODE_SIGNING_CHAIN, certificates_from_pem};
use oms::{MAX_BUNDLE_BYTES, Manifest, Material, Serialization};
use serde_json::json;

use super::{SignArguments, hash::hash, key::signing_key, report::some_of, signature_path, walk};
use crate::{
    certs::{now, write_public},
    failure::{Exit, Failure},
    profile::read_bounded,
    submit::progress::Bars,
    terminal::{Style, Terminal, clean, size},
};

/// The longest file of certificates that is read, in bytes.
const MAX_PEM_BYTES: u64 = 1024 * 1024;
/// What model_signing leaves out unless told otherwise.
const GIT: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

/// Runs `aibom model sign`.
pub(super) fn sign(terminal: &Terminal, arguments: &SignArguments) -> Result<Exit, Failure> {
    let root = walk::root(&arguments.directory)?;
    let signature = signature_path(arguments.signature.as_ref(), &arguments.directory);
    let ignored = walk::within(&root, &arguments.ignored)?;
    let key = signing_key(&arguments.key, arguments.passphrase_file.as_deref())?;
    let chain = chain(arguments, now())?;
    let mut manifest = Manifest::of_files(&name(arguments, &root)?, Vec::new());
    manifest.serialization =
        arguments.shards.map_or(Serialization::Files, |size| Serialization::Shards { size });
    manifest.ignore_paths = ignored;
    let found = walk::walk(&root, &signature, |path| manifest.ignores(path))?;
    signable(&found, &manifest)?;
    manifest.ignore_paths.extend(walk::own_name(&root, &signature));

    let bars = Bars::new(terminal);
    let bytes = found.files.iter().map(|file| file.size).sum();
    let bar = bars.bytes("hashing", Some(bytes));
    let files: Vec<_> = found.files.iter().collect();
    manifest.resources = hash(&files, manifest.serialization, &bar)?;
    bars.clear();

    let cannot = |what: &str| Failure::cannot(format_args!("{}: {what}", root.display()));
    let statement =
        manifest.to_statement().map_err(|error| cannot("cannot be listed").caused_by(&error))?;
    let material = chain.as_deref().map_or(Material::PublicKey, Material::Certificates);
    let bundle = oms::sign(statement, key.as_ref(), material)
        .map_err(|error| cannot("cannot be signed").caused_by(&error))?;
    if bundle.len() > MAX_BUNDLE_BYTES {
        return Err(Failure::refused(format_args!(
            "a signature over {} files is longer than {MAX_BUNDLE_BYTES} bytes",
            files.len()
        )));
    }
    write_public(&signature, &bundle)?;

    let key_id = key.public_key().key_id();
    if terminal.is_json() {
        terminal.json(&json!({
            "signature": signature, "model": manifest.model, "keyId": key_id,
            "files": files.len(), "bytes": bytes, "ignored": found.ignored,
        }))?;
        return Ok(Exit::Done);
    }
    let word = terminal.paint(Style::Good, "SIGNED");
    let (model, count, total) = (clean(&manifest.model), files.len(), size(bytes));
    let place = signature.display();
    terminal
        .line(format_args!("{word}  {model}, {count} files, {total}, by key {key_id}: {place}"))?;
    if !found.ignored.is_empty() {
        terminal.say(format_args!("not signed: {}", some_of(&found.ignored)));
    }
    let git = |name: &&str| GIT.iter().any(|git| name.split('/').next() == Some(git));
    if found.files.iter().map(|file| file.name.as_str()).any(|name| git(&name)) {
        terminal
            .say("the git files are signed: model_signing needs --no-ignore-git-paths for them");
    }
    Ok(Exit::Done)
}

/// Refuses what no signature could cover.
fn signable(found: &walk::Walk, manifest: &Manifest) -> Result<(), Failure> {
    let remedy = "replace links by what they point to, remove the rest, or leave it out with \
                  --ignore";
    if !found.unusable.is_empty() {
        let list: Vec<_> =
            found.unusable.iter().map(|one| format!("{} ({})", one.path, one.why)).collect();
        return Err(
            Failure::refused(format_args!("cannot be signed: {}", some_of(&list))).remedy(remedy)
        );
    }
    if found.files.is_empty() {
        return Err(Failure::refused("there is no file to sign"));
    }
    let unfit = |file: &&walk::Found| file.size == 0 || file.name.contains(':');
    match found.files.iter().find(unfit) {
        Some(file) if manifest.serialization != Serialization::Files => {
            Err(Failure::refused(format_args!("{} cannot be signed in shards", clean(&file.name)))
                .because("an empty file has no shard, and a name in shards has no ':'")
                .remedy("sign whole files, without --shards"))
        }
        _ => Ok(()),
    }
}

/// The signer's certificates, their own first; the signer's must be usable now.
fn chain(arguments: &SignArguments, at: Timestamp) -> Result<Option<Vec<Vec<u8>>>, Failure> {
    let Some(own) = &arguments.certificate else { return Ok(None) };
    let mut chain = Vec::new();
    for path in std::iter::once(own).chain(&arguments.chain) {
        chain.extend(certificates(path, MAX_CODE_SIGNING_CHAIN)?);
    }
    let unusable = |error: &keys::CodeSigningError| {
        Failure::cannot(format_args!("cannot sign with {}", own.display())).caused_by(error)
    };
    if let Some(leaf) = chain.first() {
        CodeSigner::parse(leaf)
            .and_then(|signer| signer.check(at))
            .map_err(|error| unusable(&error))?;
    }
    Ok(Some(chain))
}

/// Reads a PEM file of at most `limit` certificates.
pub(super) fn certificates(path: &PathBuf, limit: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let pem = read_bounded(path, MAX_PEM_BYTES)?;
    certificates_from_pem(&pem, limit).map_err(|error| {
        Failure::cannot(format_args!("{} holds no usable certificates", path.display()))
            .caused_by(&error)
    })
}

fn name(arguments: &SignArguments, root: &Path) -> Result<String, Failure> {
    let own = || root.file_name()?.to_str().map(ToOwned::to_owned);
    let name = arguments.name.clone().or_else(own).unwrap_or_default();
    if name.is_empty() || name.len() > oms::MAX_NAME_BYTES {
        return Err(Failure::cannot("the directory's name is no name for a model")
            .remedy("give it one with --name"));
    }
    Ok(name)
}
