//! Where it ran: processor, GPUs, operating system, container engine and runtime.

use evidence::{Gpu, VerifiedEvidence};

use crate::claims::{Claims, Source};
use crate::cyclonedx::component::{Component, Kind};
use crate::cyclonedx::property;
use crate::{refs, text};

/// The machine's parts.
pub(crate) fn components(evidence: &VerifiedEvidence, claims: &mut Claims) -> Vec<Component> {
    let observed = &evidence.training().predicate.run_details.observed;
    let (host, container) = (&observed.host, &observed.container);
    let mut out = vec![
        Component {
            properties: vec![
                property("cpu:logicalProcessors", host.cpus),
                property("cpu:architecture", &host.architecture),
                property("host:memoryBytes", host.memory_bytes),
            ],
            ..Component::new(Kind::Device, refs::CPU, &host.cpu_model)
        },
        Component {
            version: Some(text::version(&host.kernel)),
            properties: vec![
                property("os:kernel", &host.kernel),
                property("os:architecture", &host.architecture),
            ],
            ..Component::new(Kind::OperatingSystem, refs::OS, &host.os)
        },
        Component {
            version: Some(text::version(&container.engine.version)),
            description: Some("container engine".to_owned()),
            ..Component::new(Kind::Application, refs::ENGINE, &container.engine.name)
        },
        Component {
            description: Some("OCI runtime".to_owned()),
            ..Component::new(Kind::Application, refs::RUNTIME, &container.runtime)
        },
    ];
    out.extend(host.gpus.iter().enumerate().flat_map(|(index, gpu)| graphics(index, gpu)));
    for part in &out {
        claims.add(Source::Observed, part.reference(), &["everything"]);
    }
    out
}

fn graphics(index: usize, gpu: &Gpu) -> [Component; 2] {
    let device = Component {
        properties: vec![
            property("gpu:uuid:sha256", gpu.uuid_sha256),
            property("gpu:memoryBytes", gpu.memory_bytes),
        ],
        ..Component::new(Kind::Device, format!("host/gpu/{index}"), &gpu.name)
    };
    let driver = Component {
        version: Some(text::version(&gpu.driver)),
        ..Component::new(Kind::DeviceDriver, format!("host/gpu/{index}/driver"), "GPU driver")
    };
    [device, driver]
}
