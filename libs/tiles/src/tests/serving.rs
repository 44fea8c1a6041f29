//! Tests of reading from a web server: the same log, and an answer that is none says nothing.

use rpc::CancellationToken;
use web::{
    ClientOptions, Request, Response, Server, ServerOptions, StatusCode, header, response, text,
};

use super::*;
use crate::{ReadError, SourceError, WebSource, fsck};

/// Serves a store below `/log/`; what is below `/away/` is never there for now.
async fn answer(store: TileStore, request: Request) -> Response {
    let path = request.uri().path();
    assert_eq!(request.headers()[header::ACCEPT_ENCODING], "identity");
    if path.starts_with("/packed/") {
        let mut packed = text(StatusCode::OK, "\u{1f}packed");
        let gzip = header::HeaderValue::from_static("gzip");
        packed.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        return packed;
    }
    if path.starts_with("/away/") {
        return text(StatusCode::SERVICE_UNAVAILABLE, "later");
    }
    let file = path.strip_prefix("/log/").unwrap_or_default();
    match store.find(file, 1 << 24).await.unwrap() {
        Some(found) => response(StatusCode::OK, "application/octet-stream", found.bytes),
        None => text(StatusCode::NOT_FOUND, "no such file"),
    }
}

/// The address of a server that ends with the test.
fn serve(store: &TileStore) -> String {
    rpc::install_crypto();
    let bound = Server::bind(ServerOptions::default()).unwrap();
    let (url, store) = (bound.url(), store.clone());
    let handler = move |request| answer(store.clone(), request);
    tokio::spawn(bound.serve(handler, CancellationToken::new()));
    url
}

fn web_reader(prefix: &str) -> Reader {
    Reader::new(Arc::new(WebSource::new(prefix, &ClientOptions::default()).unwrap()))
}

#[tokio::test]
async fn a_log_is_read_and_checked_over_http() {
    let store = bucket();
    let log = Log::of(600);
    log.published(&store).await;
    let url = serve(&store);
    for prefix in [format!("{url}/log"), format!("{url}/log/")] {
        let reader = web_reader(&prefix);
        assert_eq!(reader.place(), format!("{url}/log/"));
        let (mut view, _) = reader.newest(&key()).await.unwrap();
        assert_eq!(&view.entry(599).await.unwrap().bytes[..], log.entry(599));
        assert_eq!(view.inclusion(3).await.ok(), log.tree.inclusion(3, 600).ok());
        let report = fsck(&reader, &log.checkpoint(600), |_| {}).await.unwrap();
        assert!(report.is_clean() && report.entries == 600, "{report:?}");
    }
    spoil(&store, "tile/0/000", 7).await;
    let (mut view, _) = web_reader(&format!("{url}/log")).newest(&key()).await.unwrap();
    assert!(matches!(view.inclusion(3).await, Err(ReadError::Tile(_))));
}

#[tokio::test]
async fn what_is_not_there_is_told_from_a_server_that_does_not_say() {
    let store = bucket();
    let url = serve(&store);
    assert_eq!(web_reader(&format!("{url}/log")).note().await.unwrap(), None);
    for unread in ["away", "packed"] {
        let unsaid = web_reader(&format!("{url}/{unread}")).note().await.unwrap_err();
        assert!(matches!(unsaid, SourceError::Read { .. }), "{unsaid}");
    }
    put(&store, "checkpoint", vec![b'x'; 16 * 1024 + 1]).await;
    let refused = web_reader(&format!("{url}/log")).note().await.unwrap_err();
    assert!(matches!(refused, SourceError::TooLong { .. }), "{refused}");
    let nobody = web_reader("http://127.0.0.1:1/log").note().await.unwrap_err();
    assert!(matches!(nobody, SourceError::Read { .. }), "{nobody}");
}
