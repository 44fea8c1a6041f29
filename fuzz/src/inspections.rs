//! Any file, as the scanner, the executor and the command line look at it.

use std::io::Cursor;

use inspect::{Limits, MAX_HAZARDS};

/// Accepted is a file that was looked at to its end without anything of severity high.
pub fn inspect(data: &[u8]) -> bool {
    let limits = Limits {
        max_inflated_bytes: 64 << 20,
        max_entry_bytes: 1 << 20,
        max_pickle_bytes: 1 << 20,
        ..Limits::default()
    };
    let look = |name: &str| inspect::inspect(name, Cursor::new(data), &limits);
    let Ok(found) = look("") else { unreachable!("memory can be read") };
    assert_eq!(look("").ok().as_ref(), Some(&found), "the same twice");
    assert!(found.hazards.len() <= MAX_HAZARDS, "bounded");
    assert!(found.hazards.is_sorted(), "most severe first");
    for hazard in &found.hazards {
        assert!(hazard.place.chars().count() <= 160 && hazard.detail.chars().count() <= 400);
        let shown = format!("{}{}", hazard.place, hazard.detail);
        assert!(!shown.contains(char::is_control), "escaped");
    }
    for name in ["m.keras", "m.pkl", "d.csv", "m.safetensors", "m.onnx"] {
        assert!(look(name).is_ok(), "under any name");
    }
    found.unread.is_none() && found.refusal().is_none()
}
