//! The database is exchanged under a running service: by an operator, or by its own updates.

use std::sync::Arc;

use ids::{Sha256Digest, Timestamp};
use scandb::{ImportError, Installer};
use scanner::{ChildError, Config, Scanned, UpdateError, Updates};

use crate::bench::{Bench, NOW, built};

fn updates(bench: &Bench, behaviour: &str) -> Updates {
    let mut config: Config = bench.config(behaviour);
    let asked = r#"directory = "-"
        update = { repository = "127.0.0.1:1/trivy-db:2" }"#;
    let database: scandb::Config = toml::from_str(asked).unwrap();
    config.database.update = database.update;
    let now: Timestamp = NOW.parse().unwrap();
    Updates::of(&config, Arc::new(move || now)).unwrap()
}

/// What the stub of the behaviour `download` downloads.
fn publish(bench: &Bench, day: u32) {
    Installer::lock(&bench.path("published")).unwrap().put(&built(day)).unwrap();
}

fn in_place(bench: &Bench) -> Vec<u8> {
    std::fs::read(bench.path("directory/db/trivy.db")).unwrap()
}

async fn scan(bench: &Bench, scans: &Arc<scanner::Scans>) -> Scanned {
    scans.scan(&bench.image()).await.unwrap()
}

#[tokio::test]
async fn a_new_database_is_noticed_without_a_restart() {
    let bench = Bench::new();
    let scans = bench.scans(&bench.config("ok"));
    let first = scan(&bench, &scans).await;
    assert!(scan(&bench, &scans).await.cached);
    Installer::lock(&bench.path("directory")).unwrap().put(&built(18)).unwrap();
    let second = scan(&bench, &scans).await;
    assert!(!second.cached);
    let (first, second) = (first.database.unwrap().unwrap(), second.database.unwrap().unwrap());
    assert_ne!(first.sha256, second.sha256);
    assert_eq!(second.sha256, Sha256Digest::of(&built(18).database));
    assert_eq!(second.updated_at.to_string(), "2026-11-18T00:00:00.000Z");
}

#[tokio::test]
async fn an_update_puts_the_published_one_in_place() {
    let bench = Bench::new();
    publish(&bench, 20);
    let imported = updates(&bench, "download").once().await.unwrap();
    assert!(!imported.unchanged);
    assert_eq!(in_place(&bench), built(20).database);
    let arguments = std::fs::read_to_string(bench.path("arguments")).unwrap();
    assert!(arguments.contains("--download-db-only\n"), "{arguments}");
    assert!(arguments.contains("--db-repository\n127.0.0.1:1/trivy-db:2\n"), "{arguments}");
    assert!(updates(&bench, "download").once().await.unwrap().unchanged);
}

#[tokio::test]
async fn an_update_that_fails_leaves_the_old_one() {
    let bench = Bench::new();
    let failed = updates(&bench, "exit1").once().await.unwrap_err();
    assert!(matches!(failed, UpdateError::Download(ChildError::Failed { .. })), "{failed:?}");
    let nothing = updates(&bench, "nothing").once().await.unwrap_err();
    assert!(matches!(nothing, UpdateError::Import(ImportError::Unpack(_))), "{nothing:?}");
    publish(&bench, 18);
    let older = updates(&bench, "download").once().await.unwrap_err();
    assert!(matches!(older, UpdateError::Import(ImportError::Older { .. })), "{older:?}");
    let database = bench.path("published/db/trivy.db");
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, &whole[..whole.len() - 1]).unwrap();
    let damaged = updates(&bench, "download").once().await.unwrap_err();
    assert!(matches!(damaged, UpdateError::Import(ImportError::Damaged(_))), "{damaged:?}");
    assert_eq!(in_place(&bench), built(20).database);
    let names = std::fs::read_dir(bench.path("directory")).unwrap().count();
    assert_eq!(names, 2, "the database, and the lock");
}

#[tokio::test]
async fn scans_do_not_wait_for_an_update() {
    let bench = Bench::new();
    let slow = updates(&bench, "timeout");
    let update = tokio::spawn(async move { slow.once().await });
    let mut look = tokio::time::interval(std::time::Duration::from_millis(5));
    while !bench.path("pids").exists() {
        look.tick().await;
    }
    assert!(scan(&bench, &bench.scans(&bench.config("ok"))).await.database.is_ok());
    let busy = updates(&bench, "ok").once().await.unwrap_err();
    assert!(matches!(busy, UpdateError::Import(ImportError::Busy(_))), "{busy:?}");
    update.abort();
    assert!(update.await.unwrap_err().is_cancelled());
}
