//! A comment that silences Trivy is seen wherever it lies.

use super::*;

#[test]
fn a_comment_that_silences_the_tool_is_seen_wherever_it_lies() {
    let longest = SILENCERS.iter().map(|word| word.len()).max();
    assert_eq!(longest, Some(OVERLAP + 1));
    for word in SILENCERS {
        for before in [0, 1, PIECE - 13, PIECE - 5, PIECE, 2 * PIECE - 20, 3 * PIECE + 1] {
            let text = [vec![b'#'; before], word.to_vec(), b"*\n".to_vec()].concat();
            assert!(silences(text.as_slice()).unwrap(), "{before}");
        }
    }
    let harmless = [vec![b't'; PIECE], b"trivy:ignore".to_vec()].concat();
    assert!(!silences(harmless.as_slice()).unwrap());
    assert!(!silences([].as_slice()).unwrap());
}
