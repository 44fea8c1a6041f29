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
fn firmware_is_told_where_the_machine_tells_it() {
    let dmi = tempfile::TempDir::new().unwrap();
    let cpuinfo = "vendor_id\t: GenuineIntel\nmicrocode\t: 0xb000040\n\nmicrocode\t: 0x1\n";
    let told = |cpuinfo| {
        let told = firmware(dmi.path(), cpuinfo).into_iter();
        told.map(|f| format!("{}|{}|{}", f.name, f.version, f.vendor)).collect::<Vec<_>>()
    };
    assert!(told("").is_empty());
    std::fs::write(dmi.path().join("bios_vendor"), "A vendor\n").unwrap();
    assert_eq!(told(cpuinfo), ["CPU microcode|0xb000040|GenuineIntel"]);
    std::fs::write(dmi.path().join("bios_version"), b"1.2\x1b[3m\n").unwrap();
    let both = ["BIOS|1.2\u{fffd}[3m|A vendor", "CPU microcode|0xb000040|GenuineIntel"];
    assert_eq!(told(cpuinfo), both);
}

#[test]
fn a_container_is_known_by_its_file_or_its_control_group() {
    let root = tempfile::TempDir::new().unwrap();
    assert!(!contained(root.path(), "0::/user.slice/session-1.scope\n"));
    assert!(!contained(root.path(), ""));
    assert!(contained(root.path(), "7:pids:/docker/ab\n0::/docker/ab\n"));
    assert!(contained(root.path(), "0::/kubepods.slice/pod1\n"));
    std::fs::write(root.path().join(".dockerenv"), "").unwrap();
    assert!(contained(root.path(), "0::/\n"));
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
