//! The trainers that the mesh offers: as named on the command line, or as the engine has them.

use std::{collections::BTreeMap, process::Command};

use job::Image;

use crate::terminal::Terminal;

/// The tags that build scripts of this project give, by trainer name.
const KNOWN: [(&str, &str); 2] =
    [("keras", "aibom/trainer-keras:dev"), ("probe", "aibom/trainer-probe:dev")];

/// Reads `NAME=IMAGE`.
pub(super) fn parse(text: &str) -> Result<(String, Image), String> {
    let form = || format!("a trainer is NAME=sha256:<64 hex>, got {text:?}");
    let (name, image) = text.split_once('=').ok_or_else(form)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(form());
    }
    let image: Image = image.parse().map_err(|error: job::ImageError| error.to_string())?;
    Ok((name.to_owned(), image))
}

/// The image that the engine has under `tag`; `None` without an engine or without the image.
fn inspect(tag: &str) -> Option<Image> {
    let output = Command::new("docker")
        .args(["image", "inspect", "--format", "{{.Id}}", tag])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The trainers to offer.
pub(super) fn choose(terminal: &Terminal, named: &[(String, Image)]) -> BTreeMap<String, Image> {
    if !named.is_empty() {
        return named.iter().cloned().collect();
    }
    let found: BTreeMap<_, _> = KNOWN
        .iter()
        .filter_map(|(name, tag)| inspect(tag).map(|image| ((*name).to_owned(), image)))
        .collect();
    if found.is_empty() {
        terminal.say(
            "no trainer is offered: the container engine has no image aibom/trainer-keras:dev\n  \
             build it with trainers/keras/build.sh, or name one with --trainer",
        );
    }
    found
}
