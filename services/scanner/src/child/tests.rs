//! What is read of a tool that never ends to write, and what its scratch directory counts.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::ReadBuf;

use super::*;

/// Writes for ever, and counts what was taken.
#[derive(Default)]
struct Endless {
    taken: usize,
}

impl AsyncRead for &mut Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.remaining();
        buffer.put_slice(&vec![b'x'; room]);
        self.taken += room;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn no_more_is_read_than_the_bound_and_one_byte() {
    for limit in [0, 1, 4_096, 1_000_000, 33_554_432] {
        let mut endless = Endless::default();
        let refused = bounded(Some(&mut endless), limit).await.unwrap_err();
        assert!(matches!(refused, ChildError::TooMuch { limit: said } if said == limit));
        assert_eq!(endless.taken, limit + 1);
    }
}

#[test]
fn of_what_it_says_both_ends_are_kept_without_control_characters() {
    let mut ends = Ends::default();
    ends.push(b"panic: out of luck\n");
    for _ in 0..100 {
        ends.push(&[b'a'; 1_000]);
    }
    ends.push(b"\x1b[31mlast\nwords\xff\r\n");
    let text = ends.text();
    assert!(text.len() < STDERR_HEAD_BYTES + STDERR_TAIL_BYTES + 16, "{}", text.len());
    assert!(text.starts_with("panic: out of luck a") && text.contains("a [...] a"), "{text}");
    assert!(text.ends_with("a [31mlast words\u{fffd}"), "{text}");
    let mut short = Ends::default();
    short.push(b"one ");
    short.push(b"two");
    assert_eq!(short.text(), "one two");
}

#[test]
fn the_space_of_a_tree_is_that_of_its_files_and_not_of_what_links_name() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("a/b");
    std::fs::create_dir_all(&inner).unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), vec![1; 1 << 20]).unwrap();
    std::os::unix::fs::symlink(outside.path(), inner.join("link")).unwrap();
    let before = space::used(directory.path());
    assert!(before < 1 << 16, "{before}");
    std::fs::write(inner.join("file"), vec![1; 1 << 20]).unwrap();
    std::fs::File::open(inner.join("file")).unwrap().sync_all().unwrap();
    assert!(space::used(directory.path()) >= before + (1 << 20));
}
