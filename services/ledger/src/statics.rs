//! The log as static files over HTTPS (C2SP tlog-tiles, "APIs"): what any web server or CDN in front
//! of the same directory or bucket could serve as well.

use std::sync::Arc;

use merkle::tile::{CHECKPOINT_PATH, EntryBundle, MAX_ENTRY_BUNDLE_BYTES, Tile};
use rpc::CancellationToken;
use tiles::Source;
use tokio::task::JoinHandle;
use web::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

/// A checkpoint changes with every group: caches keep it for a second ("Checkpoints").
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=1");
/// Tiles and entry bundles never change ("Merkle Tree", "Log entries"): a year.
const LONG: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// What may be asked for.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// A file of the log, by its path below the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    Checkpoint,
    Hashes(Tile),
    Entries(EntryBundle),
}

impl File {
    /// Only exact paths are files of the log: nothing else of the store can be asked for.
    fn at(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        if path == CHECKPOINT_PATH {
            return Some(Self::Checkpoint);
        }
        let tile = path.parse().map(Self::Hashes).ok();
        tile.or_else(|| path.parse().map(Self::Entries).ok())
    }

    const fn max_bytes(self) -> usize {
        match self {
            Self::Checkpoint => merkle::checkpoint::MAX_NOTE_BYTES,
            Self::Hashes(tile) => tile.byte_len(),
            Self::Entries(_) => MAX_ENTRY_BUNDLE_BYTES,
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Checkpoint => "text/plain; charset=utf-8",
            Self::Hashes(_) | Self::Entries(_) => "application/octet-stream",
        }
    }

    const fn caching(self) -> HeaderValue {
        match self {
            Self::Checkpoint => SHORT,
            Self::Hashes(_) | Self::Entries(_) => LONG,
        }
    }
}

/// Serves `source` until the shutdown.
pub(crate) fn serve(
    bound: web::Bound,
    source: Arc<dyn Source>,
    shutdown: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(bound.serve(move |request| answer(Arc::clone(&source), request), shutdown))
}

async fn answer(source: Arc<dyn Source>, request: Request) -> Response {
    let mut response = match *request.method() {
        Method::GET | Method::HEAD => read(source.as_ref(), request.uri().path()).await,
        _ => {
            let mut refused = web::text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
            refused.headers_mut().insert(header::ALLOW, METHODS);
            refused
        }
    };
    // Public, signed bytes: pages of any origin may read and check them.
    let any = HeaderValue::from_static("*");
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    metrics::counter!("ledger_static_reads_total", "status" => class(response.status()))
        .increment(1);
    response
}

async fn read(source: &dyn Source, path: &str) -> Response {
    let Some(file) = File::at(path) else {
        return web::text(StatusCode::NOT_FOUND, "no file of a tiled log: see C2SP tlog-tiles\n");
    };
    let wanted = path.trim_start_matches('/');
    match source.get(wanted, file.max_bytes()).await {
        Ok(Some(bytes)) => {
            let mut found = web::response(StatusCode::OK, file.kind(), bytes);
            set(found.headers_mut(), file.caching());
            found
        }
        Ok(None) => web::text(StatusCode::NOT_FOUND, "the log has no such file\n"),
        Err(error) => {
            tracing::error!(%error, path, "a static file cannot be read");
            web::text(StatusCode::SERVICE_UNAVAILABLE, "the file cannot be read now\n")
        }
    }
}

fn set(headers: &mut HeaderMap, caching: HeaderValue) {
    headers.insert(header::CACHE_CONTROL, caching);
}

const fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..=299 => "found",
        404 => "not_found",
        400..=499 => "refused",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests;
