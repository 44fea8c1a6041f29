//! What an answer from the cache costs, beside what it cannot cost less than, in one run:
//! `cargo run --release -p scanner --example cached_scan`. The report is made up: 160 packages and
//! 40 findings; a stub stands for Trivy, and memory for the cache.

#![expect(clippy::print_stdout, reason = "a measurement for people")]

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bytes::Bytes;
use envelope::IN_TOTO_PAYLOAD_TYPE;
use evidence::ScannedRun;
use futures::{StreamExt as _, stream};
use ids::{JobId, Sha256Digest, canonical};
use job::Image;
use keys::{FileKey, SigningKey as _};
use scanner::{Config, EngineError, Export, Images, Scans};
use serde_json::{Value, json};

/// Answers of each kind.
const ROUNDS: u32 = 2_000;

/// Holds one image of one layer.
#[derive(Debug)]
struct OneImage {
    archive: Bytes,
    id: Sha256Digest,
}

impl OneImage {
    fn new() -> anyhow::Result<Self> {
        let layer: &[u8] = b"a layer";
        let diff_id = format!("sha256:{}", Sha256Digest::of(layer));
        let config = json!({"rootfs": {"type": "layers", "diff_ids": [diff_id]}}).to_string();
        let manifest = json!([{"Config": "config.json", "Layers": ["layer.tar"]}]).to_string();
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in [
            ("layer.tar", layer),
            ("config.json", config.as_bytes()),
            ("manifest.json", manifest.as_bytes()),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, name, bytes)?;
        }
        let id = Sha256Digest::of(config.as_bytes());
        Ok(Self { archive: archive.into_inner()?.into(), id })
    }
}

#[async_trait::async_trait]
impl Images for OneImage {
    async fn resolve(&self, image: &Image) -> Result<Sha256Digest, EngineError> {
        Ok(image.digest())
    }

    fn export(&self, _: Sha256Digest) -> Export {
        stream::iter([Ok(self.archive.clone())]).boxed()
    }
}

fn package(index: usize) -> Value {
    json!({
        "ID": format!("package-{index}@1.2.3-1"), "Name": format!("package-{index}"),
        "Version": "1.2.3-1", "Licenses": ["GPL-2.0-or-later", "MIT"],
        "Identifier": {
            "PURL": format!("pkg:deb/debian/package-{index}@1.2.3-1?arch=amd64&distro=debian-12"),
        },
        "DependsOn": (index.saturating_sub(4)..index)
            .map(|on| format!("package-{on}@1.2.3-1")).collect::<Vec<_>>(),
        "Maintainer": "Debian Somebody <somebody@lists.debian.org>",
        "SrcName": format!("source-{index}"), "SrcVersion": "1.2.3", "SrcRelease": "1",
    })
}

fn finding(index: usize) -> Value {
    json!({
        "VulnerabilityID": format!("CVE-2026-{index:04}"), "PkgName": format!("package-{index}"),
        "InstalledVersion": "1.2.3-1", "FixedVersion": "1.2.4-1", "Severity": "HIGH",
        "Title": "something: an overflow that lets somebody do what they should not",
        "VendorSeverity": {"nvd": 3, "debian": 1}, "CweIDs": ["CWE-190"],
        "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}},
    })
}

/// A stub for Trivy, a database that is only bytes, and the configuration of both.
fn place(directory: &Path, id: Sha256Digest) -> anyhow::Result<Config> {
    let report = json!({
        "SchemaVersion": 2, "Trivy": {"Version": "0.76.0"}, "ArtifactName": "image.tar",
        "ArtifactType": "container_image",
        "Metadata": {"ImageID": format!("sha256:{id}"), "OS": {"Family": "debian", "Name": "12"}},
        "Results": [{
            "Target": "image.tar (debian 12)", "Class": "os-pkgs",
            "Packages": (0..160).map(package).collect::<Vec<_>>(),
            "Vulnerabilities": (0..40).map(finding).collect::<Vec<_>>(),
        }],
    });
    std::fs::write(directory.join("report.json"), report.to_string())?;
    let stub = directory.join("stub-trivy");
    std::fs::write(&stub, "#!/bin/sh\nexec cat \"$(dirname \"$0\")/report.json\"\n")?;
    std::fs::set_permissions(&stub, std::fs::Permissions::from_mode(0o755))?;
    let text = format!(
        r#"
        identity = {{ certificate = "-", key = "-", ca = "-" }}
        [tool]
        path = "{0}/stub-trivy"
        # A shell script, and this program is not the service, whose own program is the launcher.
        sandbox = "none"
        [database]
        directory = "{0}/no-database"
        [scan]
        scratch_directory = "{0}/scratch"
        cache_directory = "{0}/cache"
        "#,
        directory.display(),
    );
    Ok(Config::parse(&text)?)
}

/// Time since then: on the clock, and of all threads of this process on a processor.
struct Begun(Instant, Duration);

impl Begun {
    fn now() -> anyhow::Result<Self> {
        Ok(Self(Instant::now(), processor()?))
    }

    /// What each of the rounds since then took.
    fn each(self) -> anyhow::Result<String> {
        let (clock, spent) = (self.0.elapsed(), processor()?.saturating_sub(self.1));
        let each = |of: Duration| of.as_secs_f64() * 1e6 / f64::from(ROUNDS);
        Ok(format!("{:8.1} µs of processor time, {:8.1} µs on the clock", each(spent), each(clock)))
    }
}

/// Processor time of this process so far (proc_pid_stat(5), fields 14 and 15, in hundredths).
fn processor() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, rest) = stat.rsplit_once(')').context("a name in brackets")?;
    let mut fields = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    let mut next = || anyhow::Ok(fields.next().context("a field")??);
    Ok(Duration::from_millis((next()? + next()?) * 10))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let images = Arc::new(OneImage::new()?);
    let image: Image = format!("sha256:{}", images.id).parse()?;
    let config = place(directory.path(), images.id)?;
    let cache = Arc::new(store::SledCache::open(&config.scan.cache_directory, 64)?);
    let clock = Arc::new(|| std::time::SystemTime::now().into());
    let scans = Scans::new(&config, images, cache, clock)?;
    let key = keys::generate_p256(&[7; 32]).and_then(|pem| FileKey::from_pem(&pem));
    let key = key.context("a key")?;
    let run = |n: u32| ScannedRun {
        job: JobId::new(n.into(), [7; 10]),
        training: Sha256Digest::of(&n.to_be_bytes()),
    };
    let scanned = scans.scan(&image).await?;
    let first = scanner::seal(Some(run(0)), &scanned, &key, &[])?;
    let statement = scanner::statement(Some(run(0)), &scanned);
    let bytes = canonical::to_vec(&statement)?;
    let envelope = envelope::Envelope::seal(IN_TOTO_PAYLOAD_TYPE, bytes.clone(), &key)?;
    println!("statement {} bytes, envelope {} bytes", bytes.len(), first.envelope.len());
    anyhow::ensure!(envelope.unverified_payload() == bytes, "the statement is canonical");

    let begun = Begun::now()?;
    for n in 0..ROUNDS {
        let scanned = scans.scan(&image).await?;
        anyhow::ensure!(scanned.cached, "not from the cache");
        std::hint::black_box(scanner::seal(Some(run(n)), &scanned, &key, &[])?);
    }
    let whole = begun.each()?;
    let begun = Begun::now()?;
    for _ in 0..ROUNDS {
        std::hint::black_box(scans.scan(&image).await?);
    }
    let looked_up = begun.each()?;
    let begun = Begun::now()?;
    for n in 0..ROUNDS {
        let statement = scanner::statement(Some(run(n)), &scanned);
        std::hint::black_box(canonical::to_vec(&statement)?);
    }
    let canonical = begun.each()?;
    let begun = Begun::now()?;
    for _ in 0..ROUNDS {
        std::hint::black_box(key.sign(&bytes)?);
    }
    let signature = begun.each()?;
    let begun = Begun::now()?;
    for _ in 0..ROUNDS {
        let sealed = envelope::Envelope::seal(IN_TOTO_PAYLOAD_TYPE, bytes.clone(), &key)?;
        std::hint::black_box(sealed);
    }
    let sealed = begun.each()?;
    println!("answer from the cache, signed        {}", whole);
    println!("  of it: looking it up               {}", looked_up);
    println!("one envelope of the same statement   {}", sealed);
    println!("one P-256 signature over it          {}", signature);
    println!("making the statement anew, canonical {}", canonical);
    Ok(())
}
