//! Verifies a Sigsum proof with the Sigsum project's own crate: the log's tree head, the cosignatures
//! of its witnesses by a policy, and that the leaf is under it.
//!
//! usage: sigsum-reader POLICY PROOF MESSAGE SUBMITTER
//!
//! POLICY and PROOF are files; MESSAGE, what the leaf commits to, and SUBMITTER, the public key that
//! signed the leaf, are hex digits of 32 bytes. Prints "holds", or ends with 1 and the reason.

use std::{env, fs, process::ExitCode};

use sigsum::{Policy, SigsumSignature, verify};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn hex(digits: &str) -> Outcome<[u8; 32]> {
    let byte = |at| Ok(u8::from_str_radix(digits.get(at..at + 2).ok_or("odd digits")?, 16)?);
    let bytes: Outcome<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    Ok(bytes?.try_into().map_err(|_| "not 32 bytes")?)
}

fn run(arguments: &[String]) -> Outcome<()> {
    let [policy, proof, message, submitter] = arguments else {
        return Err("usage: sigsum-reader POLICY PROOF MESSAGE SUBMITTER".into());
    };
    let policy = Policy::parse(&fs::read_to_string(policy)?)?;
    let proof = SigsumSignature::from_ascii(&fs::read_to_string(proof)?)?;
    let (message, submitter) = (hex(message)?.into(), hex(submitter)?.into());
    Ok(verify(&message, &proof, &[submitter], &policy)?)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => {
            println!("holds");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("refused: {error}");
            ExitCode::FAILURE
        }
    }
}
