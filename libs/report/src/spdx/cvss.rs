//! The base score that follows from a CVSS 3.0 or 3.1 vector (specification 3.1, section 7.1).

/// The base score in tenths, 0 to 100; `None` when the text is no CVSS 3 vector.
pub(super) fn base_score(vector: &str) -> Option<u32> {
    let metrics = vector.strip_prefix("CVSS:3.1/").or_else(|| vector.strip_prefix("CVSS:3.0/"))?;
    let metric = |name: &str| {
        let mut values =
            metrics.split('/').filter_map(|m| m.split_once(':')).filter(|(n, _)| *n == name);
        values.next().map(|(_, value)| value)
    };
    let changed = match metric("S")? {
        "C" => true,
        "U" => false,
        _ => return None,
    };
    let reach = match metric("AV")? {
        "N" => 0.85,
        "A" => 0.62,
        "L" => 0.55,
        "P" => 0.2,
        _ => return None,
    };
    let complexity = match metric("AC")? {
        "L" => 0.77,
        "H" => 0.44,
        _ => return None,
    };
    let privileges = match (metric("PR")?, changed) {
        ("N", _) => 0.85,
        ("L", false) => 0.62,
        ("L", true) => 0.68,
        ("H", false) => 0.27,
        ("H", true) => 0.5,
        _ => return None,
    };
    let interaction = match metric("UI")? {
        "N" => 0.85,
        "R" => 0.62,
        _ => return None,
    };
    let harm = |name| match metric(name)? {
        "H" => Some(0.56),
        "L" => Some(0.22),
        "N" => Some(0.0),
        _ => None,
    };
    let (c, i, a): (f64, f64, f64) = (harm("C")?, harm("I")?, harm("A")?);
    let base = 1.0 - (1.0 - c) * (1.0 - i) * (1.0 - a);
    let impact =
        if changed { 7.52 * (base - 0.029) - 3.25 * (base - 0.02).powi(15) } else { 6.42 * base };
    let exploitability = 8.22 * reach * complexity * privileges * interaction;
    if impact <= 0.0 {
        return Some(0);
    }
    let sum = impact + exploitability;
    Some(round_up(if changed { (1.08 * sum).min(10.0) } else { sum.min(10.0) }))
}

/// To the next tenth, by the specification's appendix A, which keeps floating point out of it.
fn round_up(score: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a score is between 0 and 10"
    )]
    let exact = (score * 100_000.0).round() as u32;
    exact.div_ceil(10_000)
}

/// A score in tenths as a decimal.
pub(super) fn written(tenths: u32) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The severity that goes with a score in tenths (section 5).
pub(super) const fn severity(tenths: u32) -> &'static str {
    match tenths {
        0 => "none",
        1..=39 => "low",
        40..=69 => "medium",
        70..=89 => "high",
        _ => "critical",
    }
}
