//! What depends on what, and how much of each part is known.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Completeness, ScanTarget, VerifiedEvidence};

use crate::cyclonedx::component::Component;
use crate::cyclonedx::vulnerability::Vulnerability;
use crate::cyclonedx::{Aggregate, Composition, Dependency};
use crate::image::Inventory;
use crate::{files, refs, signers};

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
        enter(component, &mut edges);
    }
    for (package, targets) in inventory.edges() {
        edges.entry(package.to_owned()).or_default().extend(targets);
    }
    let mut link = |from: &str, to: &[String]| {
        edges.entry(from.to_owned()).or_default().extend(to.iter().cloned());
    };
    let host = host_parts(components);
    let below = |name: &str| -> Vec<String> {
        host.iter().filter(|known| refs::is_part(known, name)).cloned().collect()
    };
    let made_from = made_from(evidence, components);
    let all = || components.iter().map(Component::reference);
    for output in all().filter(|name| is_made(name)) {
        link(output, &made_from);
    }
    link(refs::RELEASE, &[refs::MODEL.to_owned()]);
    link(refs::DATASET, &[refs::DEFINITION.to_owned()]);
    for split in all().filter(|name| refs::is_part(name, "split")) {
        link(split, &[refs::DATASET.to_owned()]);
    }
    let contents: Vec<String> = inventory.edges().map(|(name, _)| name.to_owned()).collect();
    link(refs::IMAGE, &contents);
    link(refs::HOST, &host);
    let beneath = [refs::RUNTIME.to_owned(), refs::OS.to_owned()].into_iter();
    link(refs::ENGINE, &beneath.chain(below(refs::ENGINE)).collect::<Vec<_>>());
    let beneath = std::iter::once(refs::CPU.to_owned());
    link(refs::OS, &beneath.chain(below("host/firmware")).collect::<Vec<_>>());
    for gpu in host.iter().filter(|name| is_gpu(name)) {
        link(gpu, &below(gpu));
    }
    if let Some(base) = base_model(components) {
        link(refs::SUBMITTED_MODEL, &[base.to_owned()]);
    }
    edges
        .into_iter()
        .map(|(reference, to)| Dependency { reference, depends_on: to.into_iter().collect() })
        .collect()
}

/// Whether the run made it: the model, the other outputs, the log.
fn is_made(reference: &str) -> bool {
    reference.starts_with("output/") || reference.starts_with("log/")
}

/// Enters a component and all in it.
fn enter(component: &Component, edges: &mut BTreeMap<String, BTreeSet<String>>) {
    if !component.reference().is_empty() {
        let targets = edges.entry(component.reference().to_owned()).or_default();
        targets.extend(signers::algorithm_of(component).map(str::to_owned));
    }
    let ancestors = component.pedigree.iter().flat_map(|pedigree| &pedigree.ancestors);
    for part in component.components.iter().chain(ancestors) {
        enter(part, edges);
    }
}

/// References of what stands in the host.
pub(crate) fn host_parts(components: &[Component]) -> Vec<String> {
    let hosts = components.iter().filter(|component| component.reference() == refs::HOST);
    hosts.flat_map(|host| &host.components).map(|part| part.reference().to_owned()).collect()
}

/// The base model of the trained one, where the submitter names one.
fn base_model(components: &[Component]) -> Option<&str> {
    let pedigrees = components.iter().filter_map(|c| c.pedigree.as_ref());
    let mut ancestors = pedigrees.flat_map(|p| &p.ancestors).map(Component::reference);
    ancestors.find(|name| *name == refs::BASE_MODEL)
}

/// Everything that the executor gave the run: inputs, image, machine; and the splits that it trained on.
fn made_from(evidence: &VerifiedEvidence, components: &[Component]) -> Vec<String> {
    const MACHINE: [&str; 4] = [refs::ENGINE, refs::RUNTIME, refs::OS, refs::CPU];
    let inputs = components
        .iter()
        .map(Component::reference)
        .filter(|name| refs::is_part(name, "input") || *name == refs::IMAGE);
    let machine = host_parts(components).into_iter();
    let machine = machine.filter(|name| MACHINE.contains(&name.as_str()) || is_gpu(name));
    inputs.map(str::to_owned).chain(machine).chain(files::trained_on(evidence)).collect()
}

/// Whether it is a GPU, and no part of one.
fn is_gpu(name: &str) -> bool {
    name.strip_prefix("host/gpu/").is_some_and(|rest| !rest.contains('/'))
}

/// `complete` only where the executor gave all of it. A scan sees what package managers record and no
/// other file, so not even a complete one makes the image's contents so.
pub(crate) fn compositions(
    evidence: &VerifiedEvidence,
    components: &[Component],
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
    let host = std::iter::once(refs::HOST.to_owned()).chain(host_parts(components)).collect();
    let scanned = |targets: &[ScanTarget]| {
        let scans = evidence.scans().iter().map(|scan| &scan.predicate.aibom);
        let mut scans = scans.filter(|scan| targets.contains(&scan.target));
        let complete = scans.all(|scan| scan.completeness == Completeness::Complete);
        if complete { Aggregate::Unknown } else { Aggregate::Incomplete }
    };
    vec![
        Composition {
            dependencies: own(&[refs::MODEL]),
            ..composition("training", Aggregate::Complete)
        },
        Composition {
            // The packages stand beside it, as what it depends on.
            dependencies: own(&[refs::IMAGE]),
            ..composition("image", scanned(&[ScanTarget::Image]))
        },
        Composition {
            // No scanner knows every vulnerability: its list is never said to be complete.
            vulnerabilities: vulnerabilities.iter().map(|v| v.bom_ref.clone()).collect(),
            assemblies: if vulnerabilities.is_empty() { own(&[refs::IMAGE]) } else { Vec::new() },
            ..composition("vulnerabilities", scanned(&[ScanTarget::Image, ScanTarget::Mesh]))
        },
        Composition {
            assemblies: own(&[refs::SUBMITTED_MODEL, refs::DATASET, refs::DEFINITION]),
            ..composition("origin-of-inputs", Aggregate::Unknown)
        },
        Composition { assemblies: host, ..composition("host", Aggregate::Incomplete) },
    ]
}
