//! A store whose sync failed: from that moment on nobody is answered.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use store::StorageBackend;

use super::*;

/// A file in memory, whose syncs fail from a moment on.
#[derive(Debug, Clone, Default)]
struct StubDisk {
    bytes: Arc<Mutex<Vec<u8>>>,
    fails: Arc<AtomicBool>,
}

impl StorageBackend for StubDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.bytes.lock().unwrap()[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the sync failed"));
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        self.bytes.lock().unwrap()[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

#[test]
fn once_a_sync_failed_not_even_a_known_entry_is_answered() {
    let disk = StubDisk::default();
    let store = Durable::open_on(disk.clone(), "memory", TABLES).unwrap();
    let log = Log::replay(store, key(1), Shows::Committed).unwrap();
    append(&log, &[leaf(0)], at(1)).unwrap();
    disk.fails.store(true, Ordering::SeqCst);
    // Another stage's commit broke it, and the log has not halted yet.
    log.store.commit_blocking(Batch::new().put(HEAD, SHOWN, "note")).unwrap_err();
    assert_eq!(log.halted(), None);
    let refused = log.append(&[leaf(0)], at(1));
    assert!(matches!(refused, Err(GroupError::Halted(_))), "{refused:?}");
}
