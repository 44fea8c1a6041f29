//! Looks into each file by the rules of `inspect`, and for comments that would silence the tool.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use evidence::{FileHazard, InspectedFile, Level, MAX_FILE_HAZARDS};

use super::{FilesError, WantedFile};

/// What a comment of a configuration says so that Trivy passes over what it found there; no option
/// of Trivy makes it deaf to them.
const SILENCERS: [&[u8]; 3] = [b"trivy:ignore:", b"tfsec:ignore:", b"cfsec:ignore:"];
/// The length of the longest of them, less one: what must be kept between two pieces.
const OVERLAP: usize = 12;
/// How much of a file is searched at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// Looks into each file; a file that is there under two names is judged under each.
pub(super) async fn into(
    files: &[WantedFile],
    directory: &Path,
) -> Result<Vec<InspectedFile>, FilesError> {
    let place = |file: &WantedFile| (file.clone(), directory.join(file.alias()));
    let wanted: Vec<(WantedFile, PathBuf)> = files.iter().map(place).collect();
    let work = move || wanted.iter().map(|(file, path)| inspected(file, path)).collect();
    let looked = tokio::task::spawn_blocking(work).await;
    looked.unwrap_or_else(|error| Err(FilesError::Scratch(io::Error::other(error))))
}

fn inspected(file: &WantedFile, path: &Path) -> Result<InspectedFile, FilesError> {
    let open = || File::open(path).map_err(FilesError::Scratch);
    let name = &file.name;
    let inspection = inspect::inspect(name, open()?, &inspect::Limits::default())
        .map_err(|error| FilesError::Look { name: name.clone(), reason: error.to_string() })?;
    let hazards = inspection.hazards.iter().take(MAX_FILE_HAZARDS).map(|hazard| FileHazard {
        rule: hazard.rule.as_str().to_owned(),
        severity: Level::of(&hazard.severity.as_str().to_ascii_uppercase()),
        place: hazard.place.clone(),
        detail: hazard.detail.clone(),
    });
    let too_many = inspection.hazards.len() > MAX_FILE_HAZARDS;
    let cut = too_many.then(|| format!("only the worst {MAX_FILE_HAZARDS} hazards are listed"));
    let silenced =
        file.configuration().is_some() && silences(open()?).map_err(FilesError::Scratch)?;
    let silenced = silenced.then(|| {
        "comments in it (trivy:ignore:) make Trivy pass over misconfigurations".to_owned()
    });
    let unread: Vec<String> = inspection.unread.into_iter().chain(cut).chain(silenced).collect();
    Ok(InspectedFile {
        name: name.clone(),
        sha256: file.sha256,
        size: file.size,
        format: inspection.format.as_str().to_owned(),
        hazards: hazards.collect(),
        unread: unread.join("; "),
    })
}

/// Whether one of [`SILENCERS`] is in it, in a comment or not.
fn silences(mut text: impl Read) -> io::Result<bool> {
    let mut window = Vec::with_capacity(PIECE + OVERLAP);
    loop {
        let read = text.by_ref().take(PIECE as u64).read_to_end(&mut window)?;
        let there = |word: &&[u8]| window.windows(word.len()).any(|piece| piece == *word);
        if SILENCERS.iter().any(there) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        window.drain(..window.len().saturating_sub(OVERLAP));
    }
}

#[cfg(test)]
mod tests;
