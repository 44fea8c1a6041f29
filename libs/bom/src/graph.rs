//! What depends on what, and how much of each part is known.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Completeness, VerifiedEvidence};

use crate::cyclonedx::component::Component;
use crate::cyclonedx::vulnerability::Vulnerability;
use crate::cyclonedx::{Aggregate, Composition, Dependency};
use crate::image::Inventory;
use crate::{refs, signers};

/// One entry for each component; sorted by reference.
pub(crate) fn dependencies(
    evidence: &VerifiedEvidence,
    inventory: &Inventory<'_>,
    release: &Component,
    components: &[Component],
    tools: &[Component],
) -> Vec<Dependency> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for component in std::iter::once(release).chain(components).chain(tools) {
        let targets = edges.entry(component.reference().to_owned()).or_default();
        targets.extend(signers::algorithm_of(component).map(str::to_owned));
    }
    for (package, targets) in inventory.edges() {
        edges.entry(package.clone()).or_default().extend(targets);
    }
    let mut link = |from: &str, to: &[String]| {
        edges.entry(from.to_owned()).or_default().extend(to.iter().cloned());
    };
    let made_from = made_from(evidence);
    let outputs = components.iter().filter(|c| is_made(c)).map(Component::reference);
    for output in outputs {
        link(output, &made_from);
    }
    link(refs::RELEASE, &[refs::MODEL.to_owned()]);
    link(refs::DATASET, &[refs::DEFINITION.to_owned()]);
    link(refs::IMAGE, &inventory.references().cloned().collect::<Vec<_>>());
    link(refs::ENGINE, &[refs::RUNTIME.to_owned(), refs::OS.to_owned()]);
    link(refs::OS, &[refs::CPU.to_owned()]);
    for gpu in 0..evidence.training().predicate.run_details.observed.host.gpus.len() {
        link(&format!("host/gpu/{gpu}"), &[format!("host/gpu/{gpu}/driver")]);
    }
    edges
        .into_iter()
        .map(|(reference, to)| Dependency { reference, depends_on: to.into_iter().collect() })
        .collect()
}

/// Whether the run made it: the model, the other outputs, the log.
fn is_made(component: &Component) -> bool {
    let reference = component.reference();
    reference.starts_with("output/") || reference.starts_with("log/")
}

/// Everything that went into the run: inputs, image, machine.
fn made_from(evidence: &VerifiedEvidence) -> Vec<String> {
    let mut out: Vec<String> = [
        refs::SUBMITTED_MODEL,
        refs::DATASET,
        refs::DEFINITION,
        refs::IMAGE,
        refs::ENGINE,
        refs::OS,
        refs::CPU,
    ]
    .map(str::to_owned)
    .into();
    out.extend(graphics(evidence));
    out
}

/// References of the GPUs.
fn graphics(evidence: &VerifiedEvidence) -> impl Iterator<Item = String> {
    let gpus = evidence.training().predicate.run_details.observed.host.gpus.len();
    (0..gpus).map(|index| format!("host/gpu/{index}"))
}

/// `complete` only where the executor saw all of it, or the scanner says that it did.
pub(crate) fn compositions(
    evidence: &VerifiedEvidence,
    vulnerabilities: &[Vulnerability],
) -> Vec<Composition> {
    let composition = |name: &str, aggregate| Composition {
        bom_ref: format!("composition/{name}"),
        aggregate,
        assemblies: Vec::new(),
        dependencies: Vec::new(),
        vulnerabilities: Vec::new(),
    };
    let own = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let mut host = own(&[refs::ENGINE, refs::RUNTIME, refs::OS, refs::CPU]);
    host.extend(graphics(evidence));
    let complete = evidence
        .scans()
        .iter()
        .all(|scan| scan.predicate.aibom.completeness == Completeness::Complete);
    let scanned = if complete { Aggregate::Complete } else { Aggregate::Incomplete };
    vec![
        Composition {
            dependencies: own(&[refs::MODEL]),
            ..composition("training", Aggregate::Complete)
        },
        Composition { assemblies: own(&[refs::IMAGE]), ..composition("image", scanned) },
        Composition {
            // No scanner knows every vulnerability: its list is never said to be complete.
            vulnerabilities: vulnerabilities.iter().map(|v| v.bom_ref.clone()).collect(),
            assemblies: if vulnerabilities.is_empty() { own(&[refs::IMAGE]) } else { Vec::new() },
            ..composition("vulnerabilities", if complete { Aggregate::Unknown } else { scanned })
        },
        Composition {
            assemblies: own(&[refs::SUBMITTED_MODEL, refs::DATASET, refs::DEFINITION]),
            ..composition("origin-of-inputs", Aggregate::Unknown)
        },
        Composition { assemblies: host, ..composition("host", Aggregate::Incomplete) },
    ]
}
