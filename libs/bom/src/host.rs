//! Where it ran: processor, GPUs, firmware, operating system, container engine and runtime.

use evidence::{Container, Firmware, Gpu, Host, VerifiedEvidence};

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::{Entity, property};
use crate::{refs, text};

/// What the profile itself says of a part, whatever the machine is.
const GIVEN: [&str; 2] = ["/bom-ref", "/type"];

/// The machine with its parts inside: scanners that read a BOM take an operating system beside the
/// packages for the packages' own.
pub(crate) fn component(evidence: &VerifiedEvidence, claims: &mut Claims) -> Component {
    let observed = &evidence.training().predicate.run_details.observed;
    let (host, container) = (&observed.host, &observed.container);
    let mut out = vec![processor(host), system(host)];
    out.extend(engine(container, claims));
    out.extend(host.firmware.iter().enumerate().map(|(index, part)| firmware(index, part)));
    for (index, gpu) in host.gpus.iter().enumerate() {
        out.extend(graphics(index, gpu, claims));
    }
    for part in &out {
        claims.add(Source::Observed, part.reference(), &["everything"]);
        claims.add(Source::Derived, part.reference(), &GIVEN);
    }
    claims.add(Source::Derived, refs::HOST, &["everything"]);
    Component { components: out, ..Component::new(Kind::Device, refs::HOST, "host") }
}

fn processor(host: &Host) -> Component {
    Component {
        properties: vec![
            property("cpu:logicalProcessors", host.cpus),
            property("cpu:architecture", &host.architecture),
            property("host:memoryBytes", host.memory_bytes),
        ],
        ..Component::new(Kind::Device, refs::CPU, &host.cpu_model)
    }
}

fn system(host: &Host) -> Component {
    Component {
        properties: vec![
            property("os:kernel", &host.kernel),
            property("os:architecture", &host.architecture),
        ],
        ..Component::new(Kind::OperatingSystem, refs::OS, &host.os)
    }
}

/// Engine, runtime, and the parts that the engine names.
fn engine(container: &Container, claims: &mut Claims) -> Vec<Component> {
    let engine = &container.engine;
    let program = |reference: &str, name: &str, version: Option<&String>, what: &str| Component {
        version: version.map(|version| text::version(version)),
        description: Some(what.to_owned()),
        ..Component::new(Kind::Application, reference, name)
    };
    let version = engine.components.get(&container.runtime);
    let mut out = vec![
        program(refs::ENGINE, &engine.name, Some(&engine.version), "container engine"),
        program(refs::RUNTIME, &container.runtime, version, "OCI runtime"),
    ];
    out.extend(engine.components.iter().map(|(name, version)| {
        let reference = format!("{}/{name}", refs::ENGINE);
        program(&reference, name, Some(version), "part of the container engine")
    }));
    for part in &out {
        claims.add(Source::Derived, part.reference(), &["/description"]);
    }
    out
}

fn firmware(index: usize, part: &Firmware) -> Component {
    let supplier = (!part.vendor.is_empty())
        .then(|| Entity { name: Some(part.vendor.clone()), ..Entity::default() });
    Component {
        version: Some(text::version(&part.version)),
        supplier,
        ..Component::new(Kind::Firmware, format!("host/firmware/{index}"), &part.name)
    }
}

/// A GPU, its driver, and its VBIOS where the driver tells.
fn graphics(index: usize, gpu: &Gpu, claims: &mut Claims) -> Vec<Component> {
    let device = format!("host/gpu/{index}");
    let part = |kind, what: &str, name: &str, version: &str| Component {
        version: Some(text::version(version)),
        ..Component::new(kind, format!("{device}/{what}"), name)
    };
    let mut parts = vec![part(Kind::DeviceDriver, "driver", "GPU driver", &gpu.driver)];
    let vbios = gpu.vbios.as_ref();
    parts.extend(vbios.map(|version| part(Kind::Firmware, "vbios", "VBIOS", version)));
    for part in &parts {
        claims.add(Source::Derived, part.reference(), &["/name"]);
    }
    let device = Component {
        properties: vec![
            property("gpu:uuid:sha256", gpu.uuid_sha256),
            property("gpu:memoryBytes", gpu.memory_bytes),
        ],
        ..Component::new(Kind::Device, device, &gpu.name)
    };
    parts.insert(0, device);
    parts
}
