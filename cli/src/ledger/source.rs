//! Where a published log is read from, and what its failures mean to a user.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use tiles::{ReadError, Reader, SourceError, TileStore, View, WebSource};
use web::ClientOptions;

use super::trust::{Counts, Trust};
use crate::failure::Failure;

/// Which log, and what makes its checkpoints count.
#[derive(Debug, Args)]
pub(super) struct Log {
    /// The published log: a directory, https://host/prefix, file:///path, or s3://bucket/prefix with
    /// keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    #[arg(value_name = "SOURCE")]
    pub(super) source: String,
    /// The CA certificates that an https:// server must lead to, PEM; of a public server those of
    /// the system, such as /etc/ssl/certs/ca-certificates.crt.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    pub(super) trust: Trust,
}

/// The log under its newest checkpoint.
pub(super) struct Newest {
    pub(super) view: View,
    /// The checkpoint as it is published.
    pub(super) note: String,
}

impl Log {
    pub(super) fn reader(&self) -> Result<Reader, Failure> {
        if self.source.starts_with("https://") || self.source.starts_with("http://") {
            let options = ClientOptions { ca: self.ca.clone(), ..ClientOptions::default() };
            let web = WebSource::new(&self.source, &options).map_err(|error| {
                Failure::cannot("cannot read the log").caused_by(&error).remedy(
                    "name a PEM file with the CA of the log's server, or the system's, such as \
                         --ca /etc/ssl/certs/ca-certificates.crt",
                )
            })?;
            return Ok(Reader::new(Arc::new(web)));
        }
        let store = TileStore::open(&self.source).map_err(|error| {
            Failure::cannot("cannot read the log")
                .caused_by(&error)
                .remedy("name the directory or bucket that the ledger publishes to")
        })?;
        Ok(Reader::new(Arc::new(store)))
    }
}

/// Reads the newest checkpoint, as it is published.
pub(super) async fn note(reader: &Reader) -> Result<String, Failure> {
    reader.note().await.map_err(unreadable)?.ok_or_else(|| {
        Failure::cannot(format_args!("{} has no checkpoint", reader.place()))
            .remedy("name the directory that has the file 'checkpoint' and the directory 'tile'")
    })
}

/// Reads the newest checkpoint, has it count, and reads the tiles that lead to its root.
pub(super) async fn newest(reader: &Reader, trust: &Counts) -> Result<Newest, Failure> {
    let note = note(reader).await?;
    let checkpoint = trust.checkpoint(&note)?;
    Ok(Newest { view: reader.at(checkpoint).await.map_err(refused)?, note })
}

/// A file that cannot be read says nothing; one that is too long lies.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
pub(super) fn unreadable(error: SourceError) -> Failure {
    match error {
        SourceError::Read { .. } => Failure::cannot("cannot read the log")
            .caused_by(&error)
            .remedy(
                "an https:// log needs --ca FILE, such as /etc/ssl/certs/ca-certificates.crt; an s3:// \
                 log AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and beside AWS's own S3 \
                 AWS_ENDPOINT_URL and SSL_CERT_FILE",
            ),
        SourceError::Denied { .. } => {
            Failure::cannot("cannot read the log").caused_by(&error).remedy(
                "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or AWS_SKIP_SIGNATURE=true \
                 for a bucket that everybody may read; AWS_ENDPOINT_URL names a server that is not AWS's",
            )
        }
        SourceError::TooLong { .. } => Failure::refused("the log is refused").caused_by(&error),
    }
}

pub(super) fn refused(error: ReadError) -> Failure {
    match error {
        ReadError::Source(error) => unreadable(error),
        ReadError::Range(error) => Failure::refused("the log does not have this").because(error),
        ReadError::Missing(_)
        | ReadError::Checkpoint { .. }
        | ReadError::Tile(_)
        | ReadError::Entries { .. }
        | ReadError::Entry { .. } => Failure::refused("the log is refused")
            .caused_by(&error)
            .remedy("'aibom ledger fsck' names every fault; tell the log's operator"),
    }
}
