//! The ledger as static files (C2SP tlog-tiles): published, read and checked.
//!
//! [`Writer`] publishes what a log has: tiles and entry bundles first, each written once and never
//! changed, the checkpoint last, never going back. [`Reader`] reads such files from any [`Source`], a
//! directory, a bucket or a web server; what it gives out of them is in a [`View`], which holds only
//! tiles that lead to the root of a checkpoint that the caller verified. [`fsck()`] reads everything.
//!
//! Nothing here signs, and no entry is made up: the log's service owns what is published.

mod disk;
mod error;
mod fsck;
mod lock;
mod publish;
mod reader;
mod source;
mod store;
mod view;
mod web_source;
mod writer;

pub use error::{PublishError, WriterError};
pub use fsck::{FAULTS_MAX, Fault, FaultKind, Progress, Report, fsck};
pub use publish::{Content, Published};
pub use reader::{ReadError, Reader};
pub use source::{Source, SourceError};
pub use store::{OpenError, TileStore};
pub use view::{Entry, View};
pub use web_source::WebSource;
pub use writer::Writer;

#[cfg(test)]
mod tests;
