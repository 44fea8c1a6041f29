//! Which measurements a command asks for, in which order.

use crate::{
    bom, disk,
    options::{Bom, Command, Options, Place, Sign, Submit, Upload},
    report::Report,
    signer,
    site::{Site, service_binary},
    steps, submit, table, upload,
};

#[derive(Debug, Default)]
struct Plan {
    disk: bool,
    steps: bool,
    submit: Option<Submit>,
    upload: Option<Upload>,
    sign: Option<Sign>,
    bom: Option<Bom>,
}

/// Runs the command, prints the tables and writes the report.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let (place, plan) = match options.command {
        Command::EchoServer { config } => return crate::echo::serve(&config).await,
        Command::Submit { place, submit } => {
            (place, Plan { submit: Some(submit), disk: true, ..Plan::default() })
        }
        Command::Upload { place, upload } => {
            (place, Plan { upload: Some(upload), ..Plan::default() })
        }
        Command::Token { job } => return signer::token::run(job),
        Command::Sign { place, sign } => (place, Plan { sign: Some(sign), ..Plan::default() }),
        Command::Bom { place, bom } => (place, Plan { bom: Some(bom), ..Plan::default() }),
        Command::Fsync { place } => (place, Plan { disk: true, ..Plan::default() }),
        Command::Steps { place } => (place, Plan { steps: true, ..Plan::default() }),
        Command::All { place, submit, upload } => {
            let (submit, upload) = (Some(submit), Some(upload));
            (place, Plan { disk: true, steps: true, submit, upload, ..Plan::default() })
        }
    };
    measure(&place, plan).await
}

async fn measure(place: &Place, plan: Plan) -> anyhow::Result<()> {
    let binary = match (&plan.submit, &plan.upload) {
        (None, None) => None,
        _ => Some(service_binary("scheduler").await?),
    };
    let mut report = Report::new();
    let site = Site::new(&place.dir)?;
    if plan.disk {
        report.disk = Some(tokio::task::block_in_place(|| disk::measure(&site))?);
    }
    if plan.steps {
        report.steps = Some(tokio::task::block_in_place(|| steps::measure(&site))?);
    }
    if let (Some(options), Some(binary)) = (&plan.submit, &binary) {
        report.submissions = Some(submit::measure(&site, binary, options).await?);
    }
    if let (Some(options), Some(binary)) = (&plan.upload, &binary) {
        report.uploads = Some(upload::measure(&site, binary, options).await?);
    }
    if let Some(options) = &plan.sign {
        let signer = service_binary("signer").await?;
        report.signing = Some(signer::measure(&site, &signer, options).await?);
    }
    if let Some(options) = &plan.bom {
        report.derivation = Some(tokio::task::block_in_place(|| bom::measure(&site, options))?);
    }
    table::print(&report);
    report.write(&place.report)?;
    println!("\nreport: {}", place.report.display());
    Ok(())
}
