//! The signer's figures as people read them.

use super::{Attests, Signing, Work, token::PER_AIBOM};

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn print_work(signing: &Signing) {
    println!("\nThe signer's own work for one AIBoM, one thread, keys in files: CPU ms");
    let line = |name: &str, value: &dyn Fn(&Work) -> String| {
        let values: String = signing.work.iter().map(|w| format!("{:>10}", value(w))).collect();
        println!("{name:<40}{values}");
    };
    line("packages", &|work| work.packages.to_string());
    line("evidence, bytes", &|work| work.evidence_bytes.to_string());
    line("AIBoM, bytes", &|work| work.aibom_bytes.to_string());
    let stages = signing.work.first().map_or(0, |work| work.stages.len());
    for place in 0..stages {
        let name = signing.work.first().and_then(|w| w.stages.get(place)).map_or("", |s| s.0);
        line(name, &|w| w.stages.get(place).map_or_else(String::new, |s| format!("{:.3}", s.1)));
    }
    line("whole", &|work| format!("{:.3}", work.whole_ms));
    if let Some(large) = signing.work.last() {
        let met = large.whole_ms <= signing.work_target_ms;
        println!("target: at most {:.0} ms: {}", signing.work_target_ms, verdict(met));
    }
}

fn print_levels(signing: &Signing) {
    println!(
        "\nAttest end to end over mTLS{:>22} {:>9} {:>14} {:>13} {:>14} {:>15}",
        "per s", "p50 ms", "server CPU ms", "agent CPU ms", "client CPU ms", "per s per core"
    );
    let line = |what: String, attests: &Attests| {
        let core = 1e3 / (attests.server_cpu_ms + attests.agent_cpu_ms);
        println!(
            "{what:<40} {:>8.1} {:>9.1} {:>14.2} {:>13.2} {:>14.2} {core:>15.0}",
            attests.per_second,
            attests.p50_ms,
            attests.server_cpu_ms,
            attests.agent_cpu_ms,
            attests.client_cpu_ms,
        );
    };
    for level in &signing.levels {
        line(format!("{} in flight, keys in files", level.in_flight), &level.files);
        line(format!("{} in flight, keys in SoftHSM", level.in_flight), &level.token);
    }
    let (softhsm, ed25519) = (signing.softhsm, signing.ed25519);
    println!(
        "SoftHSM alone, 3 Ed25519 and 1 P-256: {:.0} signatures/s ({:.3} CPU ms each), so {:.0} AIBoMs/s\n\
         Ed25519 in this process, one thread: {:.0} signatures/s ({:.3} CPU ms each)",
        softhsm.per_second,
        softhsm.cpu_ms,
        softhsm.per_second / PER_AIBOM,
        ed25519.per_second,
        ed25519.cpu_ms,
    );
}

/// Prints everything.
pub(crate) fn print(signing: &Signing) {
    print_work(signing);
    print_levels(signing);
    println!(
        "\nA token that takes {} ms for a signature{:>12} {:>12} {:>9} {:>8} {:>13}",
        signing.signature_ms, "alone per s", "Attest × 4", "p50 ms", "ratio", "rounds"
    );
    for limit in &signing.limits {
        println!(
            "{:<39} {:>11.1} {:>12.1} {:>9.1} {:>6.1} % {:>5.1} to {:.1} % {}",
            format!("{} in flight", limit.in_flight),
            limit.raw.per_second,
            limit.attest.per_second * PER_AIBOM,
            limit.attest.p50_ms,
            limit.ratio * 100.0,
            limit.range.0 * 100.0,
            limit.range.1 * 100.0,
            verdict(limit.ratio >= signing.token_target),
        );
    }
    println!("target: at least {:.0} %", signing.token_target * 100.0);
}
