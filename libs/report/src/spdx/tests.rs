//! Scores from vectors.

use super::cvss::{base_score, severity, written};

#[test]
fn base_scores_are_those_of_the_calculator() {
    // Examples of FIRST's CVSS 3.1 examples document and of NVD.
    for (vector, score, level) in [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "9.8", "critical"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "10.0", "critical"),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "6.1", "medium"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", "6.4", "medium"),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "7.8", "high"),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", "3.1", "low"),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", "0.0", "none"),
    ] {
        let tenths = base_score(vector).unwrap_or(999);
        assert_eq!((written(tenths).as_str(), severity(tenths)), (score, level), "{vector}");
    }
    for bad in ["", "CVSS:3.1/", "CVSS:4.0/AV:N", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"] {
        assert_eq!(base_score(bad), None, "{bad}");
    }
}
