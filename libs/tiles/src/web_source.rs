//! A log that a web server publishes (C2SP tlog-tiles): plain GETs below one prefix.

use async_trait::async_trait;
use bytes::Bytes;
use merkle::{checkpoint::MAX_NOTE_BYTES, tile::MAX_ENTRY_BUNDLE_BYTES};
use web::{Client, ClientOptions, RootsError, StatusCode, header};

use crate::{Source, SourceError};

/// A web server's files below a prefix.
#[derive(Debug, Clone)]
pub struct WebSource {
    /// Ends with a slash.
    prefix: String,
    /// For checkpoints and tiles.
    small: Client,
    /// For entry bundles.
    large: Client,
}

impl WebSource {
    /// Reads below `prefix`, such as `https://log.example/aibom`; `options` gives the CA and the waits.
    ///
    /// # Errors
    /// When the CA file cannot be used.
    pub fn new(prefix: &str, options: &ClientOptions) -> Result<Self, RootsError> {
        let of = |max_response_bytes| {
            Client::new(ClientOptions { max_response_bytes, ..options.clone() })
        };
        let prefix = format!("{}/", prefix.trim_end_matches('/'));
        Ok(Self { prefix, small: of(MAX_NOTE_BYTES)?, large: of(MAX_ENTRY_BUNDLE_BYTES)? })
    }
}

#[async_trait]
impl Source for WebSource {
    async fn get(&self, path: &str, max_bytes: usize) -> Result<Option<Bytes>, SourceError> {
        let client = if max_bytes > MAX_NOTE_BYTES { &self.large } else { &self.small };
        let failed = |source| SourceError::Read { path: path.to_owned(), source };
        let too_long = || SourceError::TooLong { path: path.to_owned(), max_bytes };
        let answer = match client.get(&format!("{}{path}", self.prefix)).await {
            Ok(answer) => answer,
            Err(web::RequestError::TooLong { .. }) => return Err(too_long()),
            Err(error) => return Err(failed(error.into())),
        };
        // tlog-tiles lets servers compress bundles unasked; the client unpacks nothing.
        if let Some(encoding) = answer.headers.get(header::CONTENT_ENCODING)
            && encoding != "identity"
        {
            let why = format!("the server compressed it ({encoding:?}), though asked not to");
            return Err(failed(why.into()));
        }
        match answer.status {
            StatusCode::OK if answer.body.len() > max_bytes => Err(too_long()),
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status => Err(failed(format!("the server answered {status}").into())),
        }
    }

    fn place(&self) -> &str {
        &self.prefix
    }
}
