//! Only the bytes that were announced get through, in their order, whatever pieces they come in.

use evidence::{ScanTarget, ScannedRun};
use ids::JobId;

use super::*;

fn wanted(name: &str, bytes: &[u8]) -> WantedFile {
    let size = bytes.len() as u64;
    WantedFile { name: name.to_owned(), sha256: Sha256Digest::of(bytes), size }
}

fn files(files: Vec<WantedFile>) -> Files {
    let run =
        ScannedRun { job: JobId::new(1, [7; 10]), training: Sha256Digest::from_bytes([1; 32]) };
    Files { run, target: ScanTarget::Inputs, files }
}

async fn receiving(files: &[WantedFile]) -> Receiving {
    let scratch = tempfile::tempdir().unwrap();
    let wanted = files.iter().map(|file| (file.clone(), file.alias())).collect();
    Receiving::new(scratch, wanted, None).await.unwrap()
}

#[tokio::test]
async fn bytes_arrive_whatever_pieces_they_come_in() {
    let announced = [wanted("a.csv", b"one,two"), wanted("none", b""), wanted("../b.yml", b"x: 1")];
    for length in 1..=11 {
        let mut receiving = receiving(&announced).await;
        for piece in b"one,twox: 1".chunks(length) {
            assert!(!receiving.is_whole());
            receiving.push(piece).await.unwrap();
        }
        let receiving = receiving.whole().unwrap();
        let read = |file: &WantedFile| std::fs::read(receiving.files().join(file.alias())).unwrap();
        assert_eq!(announced.each_ref().map(read), [&b"one,two"[..], b"", b"x: 1"]);
        assert_eq!(std::fs::read_dir(receiving.scratch()).unwrap().count(), 1, "nothing else");
    }
}

#[tokio::test]
async fn other_bytes_too_few_and_too_many_are_refused() {
    let announced = [wanted("a.csv", b"abc"), wanted("b.csv", b"de")];
    let mut other = receiving(&announced).await;
    let refused = other.push(b"abd").await.unwrap_err();
    assert!(matches!(refused, FilesError::Digest { name, .. } if name == "a.csv"));
    let mut swapped = receiving(&announced).await;
    assert!(matches!(swapped.push(b"deabc").await, Err(FilesError::Digest { .. })));
    let mut few = receiving(&announced).await;
    few.push(b"abcd").await.unwrap();
    let refused = few.whole().unwrap_err();
    assert!(matches!(refused, FilesError::Short { name, got: 1, size: 2 } if name == "b.csv"));
    let mut many = receiving(&announced).await;
    assert!(matches!(many.push(b"abcdef").await, Err(FilesError::Surplus)));
    let mut odd = receiving(&announced).await;
    assert!(matches!(odd.push(b"").await, Err(FilesError::Piece(0))));
    let long = vec![0; PIECE_MAX + 1];
    assert!(matches!(odd.push(&long).await, Err(FilesError::Piece(_))));
}

#[tokio::test]
async fn a_stream_that_stands_still_is_given_up() {
    let wait = Duration::from_millis(1);
    let given_up = within(wait, std::future::pending::<()>()).await.unwrap_err();
    assert!(matches!(given_up, FilesError::Stalled(for_) if for_ == wait), "{given_up}");
    assert_eq!(in_time(std::future::ready(7)).await.unwrap(), 7);
}

#[test]
fn what_is_announced_is_bounded_before_a_byte_is_taken() {
    let check = |announced: Vec<WantedFile>| bounded(&files(announced), 100);
    assert!(check(vec![wanted("a", b"1"), wanted("b", b"1")]).is_ok());
    assert!(matches!(check(Vec::new()), Err(FilesError::Count(0))));
    let many = (0..65).map(|n| wanted(&format!("f{n}"), b"")).collect();
    assert!(matches!(check(many), Err(FilesError::Count(65))));
    for name in ["", "a\nb", &"n".repeat(129)] {
        assert!(matches!(check(vec![wanted(name, b"")]), Err(FilesError::Name(_))), "{name:?}");
    }
    let twice = vec![wanted("a", b"1"), wanted("a", b"2")];
    assert!(matches!(check(twice), Err(FilesError::Name(_))));
    let long = WantedFile { size: u64::MAX, ..wanted("a", b"") };
    let both = vec![long.clone(), WantedFile { name: "b".into(), ..long }];
    assert!(matches!(check(both), Err(FilesError::TooLarge { got: u64::MAX, limit: 100 })));
}

#[test]
fn a_name_never_reaches_the_file_system() {
    let digest = Sha256Digest::of(b"x");
    for (name, extension) in [
        ("../../etc/passwd", "txt"),
        ("/etc/cron.d/x.yml", "yml"),
        ("a.yaml/../../b", "txt"),
        ("test/example_test.csv", "txt"),
        ("data.tar.gz", "txt"),
        ("values.YAML", "yaml"),
        ("Dockerfile", "dockerfile"),
        (".", "txt"),
        ("a.\u{202e}nosj", "txt"),
    ] {
        assert_eq!(wanted(name, b"x").alias(), format!("{digest}.{extension}"), "{name}");
    }
}
