//! Which measurements a command asks for, in which order.

use crate::{
    disk,
    options::{Command, Options, Place, Submit, Upload},
    report::Report,
    site::{Site, scheduler_binary},
    steps, submit, table, upload,
};

#[derive(Debug, Default)]
struct Plan {
    disk: bool,
    steps: bool,
    submit: Option<Submit>,
    upload: Option<Upload>,
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
        Command::Fsync { place } => (place, Plan { disk: true, ..Plan::default() }),
        Command::Steps { place } => (place, Plan { steps: true, ..Plan::default() }),
        Command::All { place, submit, upload } => {
            (place, Plan { disk: true, steps: true, submit: Some(submit), upload: Some(upload) })
        }
    };
    measure(&place, plan).await
}

async fn measure(place: &Place, plan: Plan) -> anyhow::Result<()> {
    let binary = match (&plan.submit, &plan.upload) {
        (None, None) => None,
        _ => Some(scheduler_binary().await?),
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
    table::print(&report);
    report.write(&place.report)?;
    println!("\nreport: {}", place.report.display());
    Ok(())
}
