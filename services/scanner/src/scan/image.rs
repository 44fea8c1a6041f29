//! The scan of an image: exported from the engine, checked to be that image, read by Trivy.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use envelope::ResourceDescriptor;
use evidence::ScanTarget;
use ids::Sha256Digest;
use job::Image;

use super::{Plan, Record, ScanError, Scanned, Scans, took};
use crate::{archive, inventory::Inventory, report::About, tool::Target};

impl Scans {
    /// Scans `image`, or answers from the cache or from a run under way.
    ///
    /// # Errors
    /// When the tool, the engine or the report fails; never an empty result instead.
    pub async fn scan(self: &Arc<Self>, image: &Image) -> Result<Scanned, Arc<ScanError>> {
        let plan = self.plan(ScanTarget::Image).await.map_err(Arc::new)?;
        let id = self.images.resolve(image).await.map_err(|e| Arc::new(e.into()))?;
        let key = plan.key(&id.to_hex());
        let run = {
            let (this, plan) = (Arc::clone(self), plan.clone());
            Box::pin(async move { this.run_image(id, &plan).await })
        };
        let found = self.found(key, ScanTarget::Image, &plan, run).await?;
        let subject = vec![ResourceDescriptor::sha256(&image.to_string(), image.digest())];
        Ok(self.answer(ScanTarget::Image, subject, plan, found))
    }

    async fn run_image(&self, id: Sha256Digest, plan: &Plan) -> Result<Record, ScanError> {
        let _place = self.place().await;
        let scratch = self.scratch()?;
        let input = scratch.path().join("image.tar");
        let started = self.now();
        let config = self.save(id, &input).await?;
        let target = Target::Image(&input);
        let report = self.run_tool(ScanTarget::Image, target, scratch.path(), plan).await?;
        let inventory = Inventory::read(&report, About::Image(config))?;
        let report_sha256 = self.keep_report(&report).await;
        tracing::info!(
            image = %id,
            packages = inventory.packages.len(),
            vulnerabilities = inventory.vulnerabilities.len(),
            secrets = inventory.secrets.len(),
            misconfigurations = inventory.misconfigurations.len(),
            "scanned"
        );
        Ok(Record { inventory, report_sha256, started, finished: self.now(), files: Vec::new() })
    }

    async fn save(&self, id: Sha256Digest, input: &Path) -> Result<Sha256Digest, ScanError> {
        let begun = Instant::now();
        let limit_ms = self.export_timeout_ms;
        let saving = archive::save(self.images.export(id), input, self.max_image_bytes, id);
        let saved = tokio::time::timeout(Duration::from_millis(limit_ms), saving).await;
        let config = saved.map_err(|_| ScanError::ExportTimedOut { limit_ms })??;
        took(ScanTarget::Image, "export", begun);
        Ok(config)
    }
}
