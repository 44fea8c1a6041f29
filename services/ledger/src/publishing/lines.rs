//! A checkpoint with the signature lines that are known of it.

use merkle::{
    SignedCheckpoint,
    checkpoint::{MAX_NOTE_BYTES, MAX_SIGNATURES, SignatureLine},
};

/// `shown`, with the lines of other keys from notes of the same checkpoint, as long as readers take
/// it: whatever was published or cosigned of it stays. The others come in the order of their weight:
/// where there are more lines than a note has room for, the last ones are left out. A round that has
/// just begun has collected nothing yet.
pub(super) fn with_lines_of<'a>(shown: &str, others: impl Iterator<Item = &'a str>) -> String {
    let mut note = shown.to_owned();
    for other in others {
        let (Ok(kept), Ok(offered)) =
            (SignedCheckpoint::parse(&note), SignedCheckpoint::parse(other))
        else {
            continue;
        };
        if kept.unverified() != offered.unverified() {
            continue;
        }
        let mut count = kept.signatures().len();
        let lines = other.rsplit_once("\n\n").map_or("", |(_, lines)| lines).lines();
        for (line, by) in lines.zip(offered.signatures()) {
            let has = |known: &SignatureLine| (&known.name, known.key_id) == (&by.name, by.key_id);
            let room = count < MAX_SIGNATURES && note.len() + line.len() < MAX_NOTE_BYTES;
            if room && !kept.signatures().iter().any(has) {
                note.push_str(line);
                note.push('\n');
                count += 1;
            }
        }
    }
    note
}

#[cfg(test)]
mod tests {
    //! What is merged is a note that readers take.
    use super::*;

    const TEXT: &str = "log.test/ledger\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n";

    /// The note with these signers.
    fn note(signers: &[String]) -> String {
        let line = |name: &String| format!("\u{2014} {name} AAAAAAAA\n");
        TEXT.to_owned() + &signers.iter().map(line).collect::<String>()
    }

    fn signers(prefix: &str, count: usize) -> Vec<String> {
        let named = (0..count).map(|number| format!("{prefix}{number}"));
        std::iter::once("log".to_owned()).chain(named).collect()
    }

    #[test]
    fn every_line_stays_that_there_is_room_for_and_new_ones_come_first() {
        let (new, old) = (note(&signers("new", 8)), note(&signers("old", 8)));
        let merged = with_lines_of(&new, [old.as_str()].into_iter());
        assert_eq!(merged, note(&[signers("new", 8), signers("old", 7).split_off(1)].concat()));
        SignedCheckpoint::parse(&merged).unwrap();
        // Published, it is what the next merger gives, too.
        assert_eq!(with_lines_of(&new, [merged.as_str()].into_iter()), merged);
        let few = with_lines_of(&note(&signers("a", 1)), [old.as_str()].into_iter());
        assert_eq!(few, note(&[signers("a", 1), signers("old", 8).split_off(1)].concat()));
    }

    #[test]
    fn lines_of_another_checkpoint_are_left_out() {
        let shown = note(&signers("a", 1));
        let other = note(&signers("b", 1)).replacen("log.test", "other.test", 1);
        assert_eq!(with_lines_of(&shown, ["no note", other.as_str()].into_iter()), shown);
    }
}
