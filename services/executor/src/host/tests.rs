//! Texts of the system, and the machine that the test runs on.

use super::*;

#[test]
fn texts_of_the_system_are_read() {
    let os = "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
    assert_eq!(os_name(os), "Debian GNU/Linux 12 (bookworm)");
    assert_eq!(os_name(""), "unknown");
    let cpu = "processor\t: 0\nmodel name\t: Some CPU @ 2GHz\n\nprocessor\t: 1\nmodel name\t: x\n";
    assert_eq!((cpu_model(cpu).as_str(), cpu_count(cpu)), ("Some CPU @ 2GHz", 2));
    assert_eq!((cpu_model("").as_str(), cpu_count("")), ("unknown", 1));
    assert_eq!(memory_bytes("MemTotal:       16 kB\n"), 16 * 1024);
    assert_eq!(memory_bytes("nonsense"), 0);
}

#[test]
fn this_machine_can_be_told() {
    let facts = HostFacts::read().unwrap();
    assert!(facts.host.cpus > 0);
    assert!(facts.host.memory_bytes > 0);
    assert!(!facts.host.kernel.is_empty());
    assert!(facts.for_run(0).gpus.is_empty());
    assert_eq!(facts.for_run(u32::MAX).gpus.len(), facts.gpus.len());
}
