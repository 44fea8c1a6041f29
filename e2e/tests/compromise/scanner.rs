//! A stolen scanner: it can call an image clean, and nothing else.

use anyhow::{Context as _, ensure};
use e2e::{Mesh, forge::Parts, grpc::Caller};
use evidence::EvidenceSet;
use ids::Role;
use serde_json::{Value, json};

use crate::{another_digest, fetched, refused, signer, thief};

#[tokio::test]
async fn the_scanner_can_speak_of_no_other_image_run_or_role() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let (signer, scanner) = (signer(mesh)?, thief(mesh, Role::Scanner)?);
    let good = Parts::of(&fetched(mesh)?)?;
    let scan = |change: fn(&mut Value)| -> anyhow::Result<EvidenceSet> {
        let mut payload = good.scan.clone();
        change(&mut payload);
        let mut set = good.set.clone();
        set.scans = vec![scanner.statement(&payload)?];
        Ok(set)
    };
    let set = scan(|scan| scan["subject"][0]["digest"]["sha256"] = another_digest())?;
    refused(&signer, "a scan of another image", &set, "scan.0.image").await?;
    let set = scan(|scan| scan["predicate"]["aibom"]["run"]["training"] = another_digest())?;
    refused(&signer, "a scan of another run", &set, "scan.0.training").await?;
    let set = scan(|scan| {
        scan["predicate"]["metadata"]["scanFinishedOn"] = json!("2999-01-01T00:00:00.000Z");
    })?;
    refused(&signer, "a scan from the future", &set, "scan.0.time").await?;

    let mut set = good.set.clone();
    set.training = scanner.statement(&good.training)?;
    refused(&signer, "the scanner as executor", &set, "training.role").await?;
    let mut set = good.set.clone();
    set.grant = scanner.grant(&good.grant)?;
    refused(&signer, "the scanner as scheduler", &set, "grant.role").await
}

#[tokio::test]
async fn the_scanner_names_what_it_is_asked_to_scan_and_only_real_images() -> anyhow::Result<()> {
    let mesh = Mesh::shared()?;
    let good = Parts::of(&fetched(mesh)?)?;
    let scanner = Caller::new(&mesh.service(Role::Scanner)?, &mesh.identity(Role::Scheduler)?)?;
    let (job, image) = (good.grant["job"].as_str().context("a job")?, another_digest());
    let image = format!("sha256:{}", image.as_str().context("a digest")?);
    let training = good.set.training.digest().to_hex();
    let got = scanner.scan(job, &image, &training).await.err().context("no such image")?;
    ensure!((got.code, got.reason.as_str()) == ("NOT_FOUND", "IMAGE_NOT_FOUND"), "{got:?}");
    let got = scanner.scan(job, "aibom/trainer-probe:dev", &training).await;
    let got = got.err().context("a tag")?;
    ensure!(got.code == "INVALID_ARGUMENT" && got.message.contains("image"), "{got:?}");
    Ok(())
}
