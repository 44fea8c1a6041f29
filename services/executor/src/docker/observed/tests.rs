//! What engines say of images, of themselves and of what a container uses: bounded, and absent where
//! they say nothing.

use std::collections::HashMap;

use bollard::models::{
    ContainerCpuStats, ContainerCpuUsage, ContainerMemoryStats, ContainerPidsStats, ImageConfig,
    ImageInspectRootFs,
};

use super::*;

#[test]
fn an_engine_that_says_nothing_gives_nothing() {
    assert!(image_facts(&ImageInspect::default()).is_empty());
    assert!(engine_components(Vec::new()).is_empty());
    assert_eq!(stats(ContainerStatsResponse::default()), Stats::default());
    let odd = ImageInspect { size: Some(-1), ..ImageInspect::default() };
    assert_eq!(image_facts(&odd).size_bytes, None);
    let huge = ImageInspect { size: Some(i64::MAX), ..ImageInspect::default() };
    assert_eq!(image_facts(&huge).size_bytes, None, "canonical JSON would round it");
}

#[test]
fn images_are_told_within_bounds() {
    let labels: HashMap<String, String> =
        (0..1_000).map(|n| (format!("l{n:03}"), "a\nb".repeat(1_000))).collect();
    let found = ImageInspect {
        size: Some(4_096),
        config: Some(ImageConfig { labels: Some(labels), ..ImageConfig::default() }),
        root_fs: Some(ImageInspectRootFs {
            typ: "layers".to_owned(),
            layers: Some(vec!["sha256:ab".to_owned(); 1_000]),
        }),
        ..ImageInspect::default()
    };
    let facts = image_facts(&found);
    assert_eq!((facts.size_bytes, facts.layers.len()), (Some(4_096), MAX_ENTRIES));
    assert_eq!(facts.labels.len(), MAX_LABELS);
    assert_eq!(facts.labels.keys().next_back().map(String::as_str), Some("l063"));
    assert!(facts.labels.values().all(|value| value.len() <= MAX_TEXT_BYTES));
    assert!(!facts.labels.values().any(|value| value.contains('\n')));
}

#[test]
fn the_parts_of_an_engine_are_told_without_itself() {
    let part = |name: &str, version: &str| SystemVersionComponents {
        name: name.to_owned(),
        version: version.to_owned(),
        details: None,
    };
    let parts = vec![part("Engine", "20.10"), part("containerd", "1.6.20"), part("runc", "1.1")];
    let told = engine_components(parts);
    assert_eq!(
        told.into_iter().collect::<Vec<_>>(),
        [("containerd".to_owned(), "1.6.20".to_owned()), ("runc".to_owned(), "1.1".to_owned()),]
    );
    let many = (0..100).map(|n| part(&n.to_string(), "1")).collect();
    assert_eq!(engine_components(many).len(), MAX_COMPONENTS);
}

#[test]
fn what_a_container_uses_is_read() {
    let memory = |max_usage| ContainerMemoryStats {
        usage: Some(10),
        max_usage,
        ..ContainerMemoryStats::default()
    };
    let found = |max_usage| ContainerStatsResponse {
        cpu_stats: Some(ContainerCpuStats {
            cpu_usage: Some(ContainerCpuUsage {
                total_usage: Some(7_999_999),
                ..ContainerCpuUsage::default()
            }),
            ..ContainerCpuStats::default()
        }),
        memory_stats: Some(memory(max_usage)),
        pids_stats: Some(ContainerPidsStats { current: Some(3), limit: None }),
        ..ContainerStatsResponse::default()
    };
    let told = Stats { pids: 3, cpu_ms: Some(7), memory_bytes: Some(20) };
    assert_eq!(stats(found(Some(20))), told);
    assert_eq!(stats(found(None)), Stats { memory_bytes: Some(10), ..told });
}
