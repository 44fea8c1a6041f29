//! Versions in their order, metrics in their direction.

use super::{Area, Seen, Sense, delta, version::order};
use std::cmp::Ordering;

fn of(area: Area, name: &str, from: Option<&str>, to: Option<&str>) -> Option<Sense> {
    super::of(area, name, [from, to], Seen { additions: true, removals: true })
}

#[test]
fn versions_have_the_order_of_their_packagers() {
    for (python, less, more) in [
        (true, "2.4.6", "2.4.10"),
        (true, "1.0rc1", "1.0"),
        (true, "1.0", "1.0.post1"),
        (true, "1.0", "1.0.1"),
        (false, "1.0~rc1", "1.0"),
        (false, "9.9", "1:0.1"),
        (false, "3.0.15-1~deb12u1", "3.0.15-1"),
        (false, "2.36-9+deb12u9", "2.36-9+deb12u10"),
        (false, "1.2.13", "1.2.13.dfsg-1"),
        (false, "", "1"),
    ] {
        assert_eq!(order(python, less, more), Ordering::Less, "{less} {more}");
        assert_eq!(order(python, more, less), Ordering::Greater, "{more} {less}");
        assert_eq!(order(python, less, less), Ordering::Equal);
    }
    assert_eq!(order(true, "1.07", "1.7"), Ordering::Equal);
}

#[test]
fn a_loss_is_better_when_it_is_less() {
    let metric = |name, from, to| of(Area::Metrics, name, Some(from), Some(to));
    assert_eq!(metric("loss (train, final)", "0.5", "0.4"), Some(Sense::Better));
    assert_eq!(metric("accuracy (train, final)", "0.5", "0.4"), Some(Sense::Worse));
    assert_eq!(metric("training time (s)", "1", "1.5"), Some(Sense::Worse));
    assert_eq!(metric("colour", "1", "2"), None);
    assert_eq!(metric("loss", "0.50", "0.5"), None);
    assert_eq!(metric("loss", "nan", "0.5"), None);
}

#[test]
fn only_numbers_have_a_difference() {
    assert_eq!(delta("1", "3.5"), Some(2.5));
    let digest = "12345678901234567890123456789012345678901234567890123456789012e4";
    for (from, to) in
        [("1", "inf"), ("NaN", "1"), ("1", digest), ("a", "b"), ("-1.7e308", "1.7e308")]
    {
        assert_eq!(delta(from, to), None, "{from} {to}");
    }
}

#[test]
fn more_vulnerabilities_are_worse() {
    let sense = |from, to| of(Area::Vulnerabilities, "CVE-1", from, to);
    assert_eq!(sense(None, Some("low a")), Some(Sense::Worse));
    assert_eq!(sense(Some("low a"), None), Some(Sense::Better));
    assert_eq!(sense(Some("high a"), Some("critical a")), Some(Sense::Worse));
    assert_eq!(sense(Some("high a"), Some("high b")), None);
    assert_eq!(of(Area::Vulnerabilities, "scanner trivy", None, Some("1")), None);
    assert_eq!(of(Area::Isolation, "claim no-network", Some("x"), None), Some(Sense::Worse));
}

#[test]
fn of_an_unknown_severity_nothing_is_said() {
    let sense = |from, to| of(Area::Vulnerabilities, "CVE-1", Some(from), Some(to));
    assert_eq!(sense("critical a", "unknown a"), None);
    assert_eq!(sense("unknown a", "critical a"), None);
    assert_eq!(sense("low a", "none a"), Some(Sense::Better));
    assert_eq!(sense("info a", "low a"), Some(Sense::Worse));
}

#[test]
fn what_an_incomplete_scan_does_not_name_is_not_gone() {
    let blind = |seen, from, to| super::of(Area::Vulnerabilities, "CVE-1", [from, to], seen);
    let (second, first) =
        (Seen { additions: true, removals: false }, Seen { additions: false, removals: true });
    assert_eq!(blind(second, Some("high a"), None), None);
    assert_eq!(blind(second, None, Some("high a")), Some(Sense::Worse));
    assert_eq!(blind(first, None, Some("high a")), None);
    let scan = |from, to| of(Area::Vulnerabilities, "scan 0 status", from, to);
    assert_eq!(scan(Some("complete"), Some("not scanned: x")), Some(Sense::Worse));
    assert_eq!(scan(Some("complete"), None), Some(Sense::Worse));
    assert_eq!(scan(Some("not scanned: x"), Some("complete")), Some(Sense::Better));
    assert_eq!(scan(Some("not scanned: x"), Some("not scanned: y")), None);
}

#[test]
fn metrics_are_known_by_whole_words() {
    let grew = |name| of(Area::Metrics, name, Some("1"), Some("2"));
    for name in [
        "accuracy (train, final)",
        "recall-at-low-error",
        "AUC_1",
        "true_positive_rate",
        "mean_io_u",
        "accuracy under error injection",
    ] {
        assert_eq!(grew(name), Some(Sense::Better), "{name}");
    }
    for name in ["mean_squared_error", "false_positive_rate", "attack_success_rate", "log_loss"] {
        assert_eq!(grew(name), Some(Sense::Worse), "{name}");
    }
    for name in ["glossary", "terror", "sometimes", "anomaly score", "untrue_share", ""] {
        assert_eq!(grew(name), None, "{name}");
    }
}

#[test]
fn a_container_is_shut_in_better_or_worse() {
    for (name, tight, loose) in [
        ("networkMode", "none", "bridge"),
        ("privileged", "false", "true"),
        ("readonlyRootfs", "true", "false"),
        ("user", "65532:65532", "0:0"),
        ("user", "1000", "root"),
        ("capAdd", "[]", r#"["SYS_ADMIN"]"#),
        ("capDrop", r#"["ALL"]"#, "[]"),
        ("claim no-network", "holds: no network", "does not hold: a network"),
        ("claim no-network", "holds in part: no network", "does not hold: a network"),
    ] {
        let sense = |from, to| of(Area::Isolation, name, Some(from), Some(to));
        assert_eq!(sense(tight, loose), Some(Sense::Worse), "{name}");
        assert_eq!(sense(loose, tight), Some(Sense::Better), "{name}");
    }
    let sense = |name, from, to| of(Area::Isolation, name, Some(from), Some(to));
    assert_eq!(sense("networkMode", "bridge", "host"), None);
    assert_eq!(sense("privileged", "false", "maybe"), None);
    assert_eq!(sense("capAdd", r#"["A"]"#, r#"["B"]"#), None);
    assert_eq!(of(Area::Isolation, "claim x", None, Some("does not hold: x")), None);
}
