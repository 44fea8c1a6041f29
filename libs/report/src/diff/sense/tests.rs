//! Versions in their order, metrics in their direction.

use super::{Area, Sense, delta, of, order};
use std::cmp::Ordering;

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
