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
        edges.entry(package.clone()).or_default().extend(targets);
    }
    let mut link = |from: &str, to: &[String]| {
        edges.entry(from.to_owned()).or_default().extend(to.iter().cloned());
    };
    let has = |name: &str| components.iter().any(|c| c.reference() == name);
    let below = |name: &str| -> Vec<String> {
        let known = components.iter().map(Component::reference);
        known.filter(|known| refs::is_part(known, name)).map(str::to_owned).collect()
    };
    let made_from = made_from(components);
    let outputs = components.iter().filter(|c| is_made(c)).map(Component::reference);
    for output in outputs {
        link(output, &made_from);
    }
    link(refs::RELEASE, &[refs::MODEL.to_owned()]);
    link(refs::DATASET, &[refs::DEFINITION.to_owned()]);
    for split in below("split") {
        link(&split, &[refs::DATASET.to_owned()]);
    }
    link(refs::IMAGE, &nested(components, refs::IMAGE));
    link(
        refs::ENGINE,
        &[vec![refs::RUNTIME.to_owned(), refs::OS.to_owned()], below(refs::ENGINE)].concat(),
    );
    link(refs::OS, &[vec![refs::CPU.to_owned()], below("host/firmware")].concat());
    for gpu in (0..).map(|index| format!("host/gpu/{index}")).take_while(|gpu| has(gpu)) {
        link(&gpu, &below(&gpu));
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
fn is_made(component: &Component) -> bool {
    let reference = component.reference();
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

/// References of what stands in a component.
fn nested(components: &[Component], name: &str) -> Vec<String> {
    let of = components.iter().filter(|c| c.reference() == name).flat_map(|c| &c.components);
    of.map(|part| part.reference().to_owned()).collect()
}

/// The base model of the trained one, where the submitter names one.
fn base_model(components: &[Component]) -> Option<&str> {
    let pedigrees = components.iter().filter_map(|c| c.pedigree.as_ref());
    let mut ancestors = pedigrees.flat_map(|p| &p.ancestors).map(Component::reference);
    ancestors.find(|name| *name == refs::BASE_MODEL)
}

/// Everything that went into the run: inputs, image, machine.
fn made_from(components: &[Component]) -> Vec<String> {
    const MACHINE: [&str; 3] = [refs::ENGINE, refs::OS, refs::CPU];
    let all = components.iter().map(Component::reference);
    let went_in = |name: &&str| {
        name.starts_with("input/")
            || name.starts_with("split/")
            || *name == refs::IMAGE
            || MACHINE.contains(name)
            || is_gpu(name)
    };
    all.filter(went_in).map(str::to_owned).collect()
}

/// Whether it is a GPU, and no part of one.
fn is_gpu(name: &str) -> bool {
    name.strip_prefix("host/gpu/").is_some_and(|rest| !rest.contains('/'))
}

/// `complete` only where the executor saw all of it, or the scanner says that it did.
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
    let host = components.iter().map(Component::reference).filter(|n| n.starts_with("host/"));
    let host = host.map(str::to_owned).collect();
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
