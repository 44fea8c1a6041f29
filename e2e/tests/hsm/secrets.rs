//! No private key is in the signer's memory, or in any file of the mesh, when a token holds them.

use std::path::Path;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use e2e::Mesh;
use evidence::TrustRoot;
use ids::Role;
use keys::{Algorithm, FileKey, SigningKey as _};

use crate::{search::Search, stand::Stand};

fn root(mesh: &Mesh) -> anyhow::Result<TrustRoot> {
    Ok(TrustRoot::parse(&std::fs::read(mesh.trust_root())?)?)
}

fn report(what: &str, search: &Search) {
    let (bytes, tried, found) = (search.bytes, search.tried.len(), search.found.len());
    println!("{what}: {bytes} bytes, {tried} candidates, {found} of {} keys", search.wanted.len());
}

/// The agent is left out: SoftHSM is software, so the process that runs it decrypts each private key
/// in its own memory when it signs. A real HSM does that in its own hardware. What is shown is that
/// the key stays on the module's side of the socket: neither the process that faces the network nor
/// the one that starts it ever has it.
#[test]
fn no_private_key_is_in_the_signers_memory_or_in_any_file() -> anyhow::Result<()> {
    // Its own mesh: the others grow with every test, and every byte of this one is looked at.
    let stand = Stand::private("token-searched")?;
    stand.completed(stand.submit()?)?;
    let signer = stand.signer()?;
    let mut memory = Search::of(&root(&stand.mesh)?);
    for process in [signer.server, signer.supervisor] {
        memory.memory(process)?;
    }
    report("memory of a signer with a token", &memory);
    ensure!(memory.bytes > 1024 * 1024, "only {} bytes of memory were read", memory.bytes);
    ensure!(memory.found.is_empty(), "in the signer's memory: {:?}", memory.found);
    stand.same_server(&signer)?;
    let mut files = Search::of(&root(&stand.mesh)?);
    // Scans of images go on when the job is done: what they unpack is gigabytes of other people's
    // files, there until the scan ends.
    let scratch = stand.mesh.directory().join("data/scanner/scratch");
    ensure!(scratch.is_dir(), "{} is not where scans unpack", scratch.display());
    files.files(stand.mesh.directory(), &[stand.hsm.tokens(), scratch])?;
    report("files of a mesh with a token", &files);
    ensure!(files.found.is_empty(), "in the mesh's files: {:?}", files.found);
    Ok(())
}

/// The control of the test above: where the keys are in files, the same search finds them all.
#[test]
fn the_search_finds_keys_that_are_in_files() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    mesh.completed_probe("bundle")?;
    let mut memory = Search::of(&root(mesh)?);
    memory.memory(mesh.process(Role::Signer)?)?;
    report("memory of a signer with key files", &memory);
    ensure!(memory.found.len() == memory.wanted.len(), "only {:?} in memory", memory.found);
    let mut files = Search::of(&root(mesh)?);
    files.files(&mesh.directory().join("certs"), &[])?;
    report("files of a mesh with key files", &files);
    ensure!(files.found.len() == files.wanted.len(), "only {:?} in files", files.found);
    Ok(())
}

/// The secret in a PKCS#8 file, where our own files have it (RFC 8410, RFC 5915).
fn secret(pem: &str, algorithm: Algorithm) -> anyhow::Result<[u8; 32]> {
    let lines: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    let der = BASE64_STANDARD.decode(lines)?;
    let at = match algorithm {
        Algorithm::Ed25519 => 16,
        Algorithm::EcdsaP256Sha256 => 36,
    };
    Ok(der.get(at..at + 32).context("a PKCS#8 key")?.try_into()?)
}

#[test]
fn the_search_finds_every_form_of_a_key() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let root = root(mesh)?;
    for entry in std::fs::read_dir(mesh.directory().join("certs/keys"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let pem = std::fs::read_to_string(&path)?;
        every_form(&root, &path, &pem)?;
    }
    Ok(())
}

fn every_form(root: &TrustRoot, path: &Path, pem: &str) -> anyhow::Result<()> {
    let key = FileKey::load(path)?;
    let (id, algorithm) = (key.public_key().key_id(), key.public_key().algorithm());
    let secret = secret(pem, algorithm)?;
    let hex: String = secret.iter().map(|byte| format!("{byte:02X}")).collect();
    let forms = [
        ("raw", [b"abc".as_slice(), &secret, b"d"].concat()),
        ("hex", format!("key={hex};").into_bytes()),
        ("base64", format!("{{\"k\":\"{}\"}}", BASE64_STANDARD.encode(secret)).into_bytes()),
        ("PEM", pem.as_bytes().to_vec()),
        ("PEM in JSON", serde_json::to_vec(pem)?),
    ];
    for (form, bytes) in forms {
        let mut search = Search::of(root);
        search.bytes(&bytes, 1);
        ensure!(search.found.iter().eq([&id]), "{form} of {}: {:?}", path.display(), search.found);
    }
    let mut changed = secret;
    changed[0] ^= 1;
    let mut search = Search::of(root);
    search.bytes(&changed, 1);
    ensure!(search.found.is_empty(), "the search finds what is not there");
    Ok(())
}
