//! The limits of a job on a machine.

use super::*;

fn caps() -> Caps {
    Caps { max_memory_mib: 1_024, max_gpus: 0, ..Caps::default() }
}

#[test]
fn a_job_gets_what_it_asks_for_within_the_caps() {
    let wanted = Resources { memory_mib: 1_024, cpu_millis: 1_500, ..Resources::default() };
    let limits = limits(&wanted, &caps(), 2).unwrap();
    assert_eq!(limits.memory_bytes, 1_024 * MIB);
    assert_eq!(limits.memory_swap_bytes, limits.memory_bytes);
    assert_eq!(limits.cpu_millis, 1_500);
}

#[test]
fn a_small_machine_is_slower_not_unwilling() {
    let wanted = Resources { memory_mib: 64, cpu_millis: 64_000, ..Resources::default() };
    assert_eq!(limits(&wanted, &caps(), 2).unwrap().cpu_millis, 2_000);
    assert_eq!(limits(&wanted, &caps(), 0).unwrap().cpu_millis, 1_000);
}

#[test]
fn what_is_not_here_may_be_elsewhere() {
    let wanted = Resources { memory_mib: 1_025, ..Resources::default() };
    let refused = limits(&wanted, &caps(), 2).unwrap_err();
    assert_eq!((refused.kind, refused.reason), (Kind::Infrastructure, Reason::Infrastructure));
    let wanted = Resources { memory_mib: 64, gpus: 1, ..Resources::default() };
    let refused = limits(&wanted, &caps(), 2).unwrap_err();
    assert_eq!((refused.kind, refused.reason), (Kind::Infrastructure, Reason::GpuUnavailable));
}
