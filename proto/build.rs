//! Compiles the .proto files without a system protoc.

use std::{error::Error, path::PathBuf};

use prost::Message as _;

const NOUNS: [&str; 10] = [
    "advisory", "artifact", "dispatch", "evidence", "job", "ledger", "review", "scan", "signer",
    "verifier",
];

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = NOUNS.iter().map(|n| format!("aibom/{n}/v1/{n}.proto")).collect();
    for file in &files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(&files, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".aibom.artifact.v1")
        .bytes(".aibom.scan.v1")
        .bytes(".aibom.verifier.v1.VerifyFileRequest")
        .compile_fds(descriptors)?;
    Ok(())
}
