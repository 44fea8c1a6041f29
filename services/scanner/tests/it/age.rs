//! What is remembered counts for a time, and all that one answer says is of one time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use evidence::{ScanTarget, ScannedRun};
use ids::{JobId, Sha256Digest, Timestamp};
use job::Image;
use scandb::Installer;
use scanner::{
    Config, EngineError, Export, Files, Images, ScanError, Scans, WantedFile,
    config::{ProgramConfig, ProgramSource},
};

use crate::bench::{Bench, NOW, OneImage, built};

const DAY_MS: i64 = 86_400_000;

fn scans_at(bench: &Bench, config: &Config, offset_ms: &Arc<AtomicI64>) -> Arc<Scans> {
    let (start, offset_ms) = (NOW.parse::<Timestamp>().unwrap(), Arc::clone(offset_ms));
    let clock = Arc::new(move || start.plus_ms(offset_ms.load(Ordering::Relaxed)));
    let images = Arc::clone(&bench.images) as Arc<dyn Images>;
    Scans::new(config, images, Arc::clone(&bench.cache), clock).unwrap()
}

/// Scans a file, or is answered from the cache; whether it was.
async fn file(scans: &Arc<Scans>) -> bool {
    let bytes = b"1,2\n";
    let name = "a.csv".to_owned();
    let file = WantedFile { name, sha256: Sha256Digest::of(bytes), size: bytes.len() as u64 };
    let run = ScannedRun { job: JobId::new(1, [7; 10]), training: Sha256Digest::of(b"training") };
    let files = Files { run, target: ScanTarget::Inputs, files: vec![file] };
    if scans.known(&files).await.unwrap().is_some() {
        return true;
    }
    let mut receiving = scans.receive(&files).await.unwrap();
    receiving.push(bytes).await.unwrap();
    scans.scan_files(&files, receiving).await.unwrap().cached
}

#[tokio::test]
async fn what_is_older_than_the_bound_is_scanned_again() {
    let bench = Bench::new();
    bench.filesystem("rootfs", &serde_json::json!([]));
    let config = bench.config("ok");
    assert_eq!(config.scan.max_record_age_h, 24);
    let offset_ms = Arc::new(AtomicI64::new(0));
    let mut scans = scans_at(&bench, &config, &offset_ms);
    for (at_ms, known, restart) in [
        (0, false, false),
        (DAY_MS, true, false),
        (DAY_MS, true, true),
        (DAY_MS + 1, false, false),
        (2 * DAY_MS + 2, false, true),
    ] {
        offset_ms.store(at_ms, Ordering::Relaxed);
        if restart {
            scans = scans_at(&bench, &config, &offset_ms);
        }
        let image = scans.scan(&bench.image()).await.unwrap().cached;
        let mesh = scans.scan_mesh().await.unwrap().cached;
        assert_eq!([image, mesh, file(&scans).await], [known; 3], "{at_ms}");
    }
    assert_eq!(bench.runs(), 9);
}

/// While it is asked for an image the n-th time, the database is exchanged.
#[derive(Debug)]
struct Exchanging {
    images: Arc<OneImage>,
    directory: std::path::PathBuf,
    asked: AtomicUsize,
    at: usize,
}

#[async_trait::async_trait]
impl Images for Exchanging {
    async fn resolve(&self, image: &Image) -> Result<Sha256Digest, EngineError> {
        if self.asked.fetch_add(1, Ordering::Relaxed) == self.at {
            Installer::lock(&self.directory).unwrap().put(&built(18)).unwrap();
        }
        self.images.resolve(image).await
    }

    fn export(&self, id: Sha256Digest) -> Export {
        self.images.export(id)
    }
}

#[tokio::test]
async fn a_mesh_of_images_is_scanned_under_one_database() {
    let bench = Bench::new();
    let mut config = bench.config("ok");
    let source = ProgramSource::Image(bench.image());
    let program = |name: &str| ProgramConfig { name: name.to_owned(), source: source.clone() };
    config.mesh = vec![program("ledger"), program("signer")];
    let scans = |at: usize| {
        let images = Arc::clone(&bench.images);
        let directory = bench.path("directory");
        let images = Arc::new(Exchanging { images, directory, asked: AtomicUsize::new(0), at });
        let now: Timestamp = NOW.parse().unwrap();
        Scans::new(&config, images, Arc::clone(&bench.cache), Arc::new(move || now)).unwrap()
    };
    let before = scans(usize::MAX).scan(&bench.image()).await.unwrap();
    // The first program is answered from the cache, the second is scanned under the new database.
    let error = scans(0).scan_mesh().await.unwrap_err();
    let ScanError::Image { error, .. } = &*error else {
        assert!(matches!(*error, ScanError::Replaced), "{error}");
        let after = scans(usize::MAX).scan_mesh().await.unwrap();
        assert_ne!(after.database.unwrap(), before.database.unwrap());
        return;
    };
    panic!("{error}");
}

#[tokio::test]
async fn a_mesh_is_as_old_as_the_oldest_of_its_images() {
    let bench = Bench::new();
    let mut config = bench.config("ok");
    let source = ProgramSource::Image(bench.image());
    config.mesh = vec![ProgramConfig { name: "ledger".to_owned(), source }];
    let offset_ms = Arc::new(AtomicI64::new(0));
    let scans = scans_at(&bench, &config, &offset_ms);
    let image = scans.scan(&bench.image()).await.unwrap();
    offset_ms.store(DAY_MS - 1, Ordering::Relaxed);
    let mesh = scans.scan_mesh().await.unwrap();
    assert_eq!((bench.runs(), mesh.record.started), (1, image.record.started));
    offset_ms.store(DAY_MS + 1, Ordering::Relaxed);
    assert!(!scans.scan_mesh().await.unwrap().cached);
    assert_eq!(bench.runs(), 2);
}
