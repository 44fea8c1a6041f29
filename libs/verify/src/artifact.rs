//! The files that a verified bundle names, and the check whether a given file is one of them.

use std::fmt;

use evidence::{Checks, VerifiedEvidence};
use ids::{Digests, Sha256Digest, Sha512Digest};

use crate::Verified;

/// What a file was to its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What went in.
    Input,
    /// What came out, the log included.
    Output,
    /// The AIBoM itself.
    Aibom,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Aibom => "aibom",
        })
    }
}

/// A file as the evidence names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// What it was to the job.
    pub part: Part,
    /// Its label: the submitter's file name, or the output's name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// SHA-512 of its bytes, where the evidence tells.
    pub sha512: Option<Sha512Digest>,
    /// Its length in bytes, where the evidence tells.
    pub size: Option<u64>,
}

impl RecordedFile {
    /// Checks bytes with these digests and this length against everything that is known of it.
    ///
    /// # Errors
    /// What differs, for people.
    pub fn matches(&self, digests: &Digests, size: u64) -> Result<(), String> {
        let (part, name) = (self.part, &self.name);
        if self.sha256 != digests.sha256 {
            let (got, wanted) = (digests.sha256, self.sha256);
            return Err(format!("SHA-256 {got}, the {part} {name:?} has {wanted}"));
        }
        if let Some(wanted) = self.sha512.filter(|wanted| *wanted != digests.sha512) {
            let got = digests.sha512;
            return Err(format!("SHA-512 {got}, the {part} {name:?} has {wanted}"));
        }
        match self.size {
            Some(wanted) if wanted != size => {
                Err(format!("{size} bytes, the {part} {name:?} has {wanted}"))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn recorded_files(evidence: &VerifiedEvidence, aibom: &[u8]) -> Vec<RecordedFile> {
    let mut files = Vec::new();
    let training = &evidence.training().predicate;
    let dependencies = &training.build_definition.resolved_dependencies;
    for (role, input) in evidence.request().spec.inputs.each() {
        let observed = dependencies.iter().find(|d| d.name.as_deref() == Some(role));
        files.push(RecordedFile {
            part: Part::Input,
            name: input.name.clone(),
            sha256: input.sha256,
            sha512: observed.and_then(envelope::ResourceDescriptor::sha512_digest),
            size: Some(input.size),
        });
    }
    let outputs = evidence.training().subject.iter().chain(&training.run_details.byproducts);
    for output in outputs {
        let (Some(name), Some(sha256)) = (output.name.clone(), output.sha256_digest()) else {
            continue;
        };
        let sha512 = output.sha512_digest();
        files.push(RecordedFile { part: Part::Output, name, sha256, sha512, size: None });
    }
    let digests = Digests::of(aibom);
    files.push(RecordedFile {
        part: Part::Aibom,
        name: bom::AIBOM_FILE_NAME.to_owned(),
        sha256: digests.sha256,
        sha512: Some(digests.sha512),
        size: Some(aibom.len() as u64),
    });
    files
}

/// Checks under the name `check` that a file with these digests and this length is one that the
/// bundle names, and says which.
///
/// `hint` is the file's own name. A name that the bundle knows must hold a file of that name: other
/// bytes of the same job in its place are refused. A name that it does not know decides nothing.
pub fn verify_artifact<'a>(
    verified: &'a Verified,
    check: &str,
    hint: Option<&str>,
    digests: &Digests,
    size: u64,
    checks: &mut Checks,
) -> Option<&'a RecordedFile> {
    let files = verified.files();
    let mut hinted = files.iter().filter(|file| Some(file.name.as_str()) == hint);
    let equal = |file: &&RecordedFile| file.sha256 == digests.sha256;
    let named = hinted.clone().next();
    let found = if named.is_some() { hinted.find(equal) } else { files.iter().find(equal) };
    let outcome = match (found, named) {
        (Some(file), _) => {
            let detail = format!("the {} {:?} of job {}", file.part, file.name, verified.job_id());
            file.matches(digests, size).map(|()| (file, detail))
        }
        (None, Some(file)) => file.matches(digests, size).map(|()| (file, String::new())),
        (None, None) => Err(format!(
            "SHA-256 {} is none of the {} files of job {}",
            digests.sha256,
            files.len(),
            verified.job_id()
        )),
    };
    checks.record(check, outcome)
}
