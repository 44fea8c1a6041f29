//! What is a file of the log and what is not, and the headers that caches go by.

use std::collections::BTreeMap;

use tiles::SourceError;
use web::Bytes;

use super::*;

/// A source in memory, one of whose files cannot be read.
#[derive(Debug)]
struct StubSource(BTreeMap<&'static str, Bytes>);

#[async_trait::async_trait]
impl Source for StubSource {
    async fn get(&self, path: &str, max_bytes: usize) -> Result<Option<Bytes>, SourceError> {
        let found = self.0.get(path).cloned();
        if found.as_ref().is_some_and(|bytes| bytes.len() > max_bytes) {
            return Err(SourceError::TooLong { path: path.to_owned(), max_bytes });
        }
        Ok(found)
    }

    fn place(&self) -> &'static str {
        "memory"
    }
}

async fn ask(method: Method, path: &str) -> Response {
    let files = [
        ("checkpoint", "a note"),
        ("tile/0/000", "hashes"),
        ("tile/0/x001/234.p/5", "a part"),
        ("tile/entries/000.p/3", "entries"),
        ("tile/1/000.p/1", "much longer than one hash, which has 32 bytes"),
        ("secret", "not of the log"),
    ];
    let source = StubSource(files.map(|(path, text)| (path, Bytes::from(text))).into());
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    answer(Arc::new(source), request).await
}

fn caching(response: &Response) -> &str {
    response.headers().get(header::CACHE_CONTROL).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn files_of_the_log_are_served_with_the_headers_of_the_specification() {
    let checkpoint = ask(Method::GET, "/checkpoint").await;
    assert_eq!((checkpoint.status(), &checkpoint.body()[..]), (StatusCode::OK, &b"a note"[..]));
    assert_eq!(caching(&checkpoint), "public, max-age=1");
    assert_eq!(checkpoint.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    for path in ["/tile/0/000", "/tile/0/x001/234.p/5", "/tile/entries/000.p/3"] {
        let found = ask(Method::GET, path).await;
        assert_eq!(found.status(), StatusCode::OK, "{path}");
        assert!(caching(&found).contains("immutable"), "{path}");
        assert_eq!(found.headers()[header::CONTENT_TYPE], "application/octet-stream");
        assert_eq!(found.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }
}

#[tokio::test]
async fn nothing_else_of_the_store_can_be_asked_for() {
    let paths = [
        "/",
        "/secret",
        "/tile",
        "/tile/0/../../secret",
        "/tile/00/000",
        "/tile/0/1",
        "//checkpoint",
        "/tile/0/x001/234.p/0",
        "/tile/0/000.p/256",
        "/tile/64/000",
        "/tile/0/001",
        "/checkpoint/",
    ];
    for path in paths {
        let refused = ask(Method::GET, path).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(caching(&refused), "", "{path}: a later answer may differ");
    }
    let refused = ask(Method::POST, "/checkpoint").await;
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.headers()[header::ALLOW], "GET, HEAD");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_the_logs_fault() {
    let failed = ask(Method::GET, "/tile/1/000.p/1").await;
    assert_eq!((failed.status(), caching(&failed)), (StatusCode::SERVICE_UNAVAILABLE, ""));
}

#[test]
fn the_format_says_what_is_sent_and_what_is_read() {
    let format = include_str!("../../../../docs/formats/ledger.md");
    let row = |path: &str| {
        let found = format.lines().find(|line| line.starts_with(&format!("| `{path}` |")));
        found.unwrap().to_owned()
    };
    let says = |path: &str, caching: &HeaderValue| {
        row(path).contains(&format!("| `{}` |", caching.to_str().unwrap()))
    };
    assert!(says("checkpoint", &SHORT) && says("tile/<L>/<N>", &LONG));
    let max_bytes = 256 * (2 + bundle::MAX_ENTRY_BYTES);
    assert_eq!(max_bytes, 262_656);
    assert!(
        says("tile/entries/<N>", &LONG) && row("tile/entries/<N>").contains("262,656 are read")
    );
}
