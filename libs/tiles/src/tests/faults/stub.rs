//! A store and a disk that fail or wait when they are told to; else they are those inside.

use std::{
    fmt, io,
    sync::{Arc, Condvar, Mutex},
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

use crate::{
    TileStore,
    disk::{Disk, SystemDisk},
};

/// Which path's next write goes wrong.
type Armed = Arc<Mutex<Option<String>>>;

/// What goes wrong with the write that is armed.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It is done, and reported as failed.
    AnswerLost,
    /// It is not done: S3's 409, another request for the same object is under way.
    Conflict,
    /// Every write is done, whatever its condition.
    Unconditional,
}

/// A store that loses an answer, or says that something else is under way.
#[derive(Debug)]
pub(super) struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    fault: Fault,
    armed: Armed,
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a faulty store")
    }
}

/// The same store, which loses an answer, and what arms it.
pub(super) fn faulty(store: &TileStore) -> (TileStore, Armed) {
    with_fault(store, Fault::AnswerLost)
}

/// The same store, which ignores conditions.
pub(super) fn unconditional(store: &TileStore) -> TileStore {
    with_fault(store, Fault::Unconditional).0
}

/// The same store, where another request is under way, and what arms it.
pub(super) fn conflicting(store: &TileStore) -> (TileStore, Armed) {
    with_fault(store, Fault::Conflict)
}

fn with_fault(store: &TileStore, fault: Fault) -> (TileStore, Armed) {
    let armed = Armed::default();
    let inner = Arc::clone(&store.objects);
    let objects = Arc::new(FaultyStore { inner, fault, armed: Arc::clone(&armed) });
    (TileStore { objects, ..store.clone() }, armed)
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, path: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        let fails = self.armed.lock().unwrap().take_if(|armed| *armed == path.as_ref()).is_some();
        let how = match self.fault {
            Fault::Unconditional => PutOptions::default(),
            Fault::AnswerLost | Fault::Conflict => how,
        };
        if !fails {
            return self.inner.put_opts(path, bytes, how).await;
        }
        Err(match self.fault {
            Fault::Unconditional => Error::NotImplemented {
                operation: "a fault of one write".to_owned(),
                implementer: self.to_string(),
            },
            Fault::AnswerLost => {
                self.inner.put_opts(path, bytes, how).await?;
                let source = io::Error::other("the answer was lost").into();
                Error::Generic { store: "stub", source }
            }
            Fault::Conflict => {
                let source = io::Error::other("409 Conflict").into();
                Error::AlreadyExists { path: path.to_string(), source }
            }
        })
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, how).await
    }

    async fn get_opts(&self, path: &Path, how: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, how).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, how).await
    }
}

#[derive(Debug, Default)]
struct Told {
    fails: bool,
    waits: bool,
    waiting: bool,
}

/// A disk whose exchange of a file waits, or fails once it is done.
#[derive(Debug, Default, Clone)]
pub(super) struct FaultyDisk(Arc<(Mutex<Told>, Condvar)>);

impl FaultyDisk {
    /// The next exchange is done, but its directory could not be synced.
    pub(super) fn fail(&self) {
        self.0.0.lock().unwrap().fails = true;
    }

    /// Exchanges wait until [`Self::go`].
    pub(super) fn wait(&self) {
        self.0.0.lock().unwrap().waits = true;
    }

    pub(super) fn go(&self) {
        self.0.0.lock().unwrap().waits = false;
        self.0.1.notify_all();
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.0.0.lock().unwrap().waiting
    }
}

impl Disk for FaultyDisk {
    fn replace(&self, path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
        let mut told = self.0.0.lock().unwrap();
        while told.waits {
            told.waiting = true;
            told = self.0.1.wait(told).unwrap();
        }
        told.waiting = false;
        SystemDisk.replace(path, bytes)?;
        if std::mem::take(&mut told.fails) { Err(io::Error::other("EIO")) } else { Ok(()) }
    }
}
