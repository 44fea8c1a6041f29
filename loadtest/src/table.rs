//! The report as people read it.

use crate::{
    disk::{Disk, Rate},
    report::Report,
    rounds::{Figures, as_f64},
    steps::Step,
    submit::Submissions,
    upload::Uploads,
};

/// Prints everything that was measured.
pub(crate) fn print(report: &Report) {
    let machine = &report.machine;
    println!(
        "{} cores ({}), Linux {}, load {}",
        machine.cores, machine.processor, machine.kernel, machine.load_before
    );
    if let Some(disk) = &report.disk {
        print_disk(disk);
    }
    if let Some(submissions) = &report.submissions {
        print_submissions(submissions);
    }
    if let Some(steps) = &report.steps {
        print_steps(steps);
    }
    if let Some(uploads) = &report.uploads {
        print_uploads(uploads);
    }
    if let Some(signing) = &report.signing {
        crate::signer::print(signing);
    }
    if let Some(derivation) = &report.derivation {
        crate::bom::print(derivation);
    }
}

fn print_disk(disk: &Disk) {
    println!("\nDisk, one writer{:>24} {:>10} {:>10}", "per second", "p50 ms", "p99 ms");
    let line = |what: &str, rate: &Rate| {
        let (p50, p99) = (as_f64(rate.p50_us) / 1e3, as_f64(rate.p99_us) / 1e3);
        println!("{what:<28} {:>11.0} {p50:>10.2} {p99:>10.2}", rate.per_second);
    };
    line("4 KiB append + fdatasync", &disk.fdatasync);
    line("4 KiB commit (redb)", &disk.commit);
}

fn verdict(ratio: f64, target: Option<f64>) -> String {
    match target {
        Some(target) if ratio >= target => format!("target {:.0} %: met", target * 100.0),
        Some(target) => format!("target {:.0} %: MISSED", target * 100.0),
        None => String::new(),
    }
}

fn print_submissions(submissions: &Submissions) {
    println!("\nDurable submissions over mTLS ({} bytes each)", submissions.request_bytes);
    println!(
        "{:>9} {:<7} {:>9} {:>9} {:>9} {:>14} {:>14} {:>8}",
        "in flight", "", "per s", "p50 ms", "p99 ms", "server CPU µs", "client CPU µs", "ratio"
    );
    for level in &submissions.levels {
        let line = |streams: &str, what: &str, figures: &Figures, rest: &str| {
            println!(
                "{streams:>9} {what:<7} {:>9.0} {:>9.2} {:>9.2} {:>14.0} {:>14.0} {rest}",
                figures.per_second,
                as_f64(figures.p50_us) / 1e3,
                as_f64(figures.p99_us) / 1e3,
                figures.server_cpu_us,
                figures.client_cpu_us,
            );
        };
        line(&level.streams.to_string(), "echo", &level.echo, "");
        let verdict = verdict(level.ratio, level.target);
        line("", "submit", &level.submit, &format!("{:>6.1} % {verdict}", level.ratio * 100.0));
    }
}

fn print_steps(steps: &[Step]) {
    println!("\nWhat a submission does beyond an echo{:>27}", "CPU µs");
    for Step { step, us } in steps {
        println!("{step:<56} {us:>7.1}");
    }
    println!("{:<56} {:>7.1}", "together", steps.iter().map(|step| step.us).sum::<f64>());
}

fn print_uploads(uploads: &Uploads) {
    println!("\nUpload of {:.2} GB{:>35}", as_f64(uploads.bytes) / 1e9, "GB/s");
    for (name, rate) in &uploads.per_second {
        println!("{name:<42} {:>9.2}", rate / 1e9);
    }
    let percent = |ratio: f64| ratio * 100.0;
    println!(
        "upload / raw TLS + SHA-256: {:.1} % {}; / raw TLS + both: {:.1} %; / cp + fsync: {:.1} %",
        percent(uploads.ratio_tls_sha256),
        verdict(uploads.ratio_tls_sha256, Some(uploads.target)),
        percent(uploads.ratio_tls_both),
        percent(uploads.ratio_copy),
    );
}
