//! What each statement of a package is denied for.

use super::*;

fn denied(stated: &[&str], deny: &[&str]) -> Vec<String> {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let deny = own(deny);
    Denied::new(&deny).of(&own(stated)).into_iter().map(str::to_owned).collect()
}

#[test]
fn an_or_leaves_a_choice_and_an_and_does_not() {
    let rows: [(&str, &[&str]); 22] = [
        ("AGPL-3.0-only", &["AGPL-3.0-only"]),
        ("agpl-3.0-ONLY", &["AGPL-3.0-only"]),
        ("AGPL-3.0", &["AGPL-3.0-only"]),
        ("AGPL-3.0-or-later", &[]),
        ("AGPL-3.0-only OR MIT", &[]),
        ("AGPL-3.0-only or MIT", &[]),
        ("AGPL-3.0-only AND MIT", &["AGPL-3.0-only"]),
        ("MIT AND (AGPL-3.0-only OR Apache-2.0)", &[]),
        ("(MIT AND AGPL-3.0-only) OR Apache-2.0", &[]),
        ("(MIT AND AGPL-3.0-only)OR(SSPL-1.0)", &["AGPL-3.0-only", "SSPL-1.0"]),
        ("MIT OR Apache-2.0 AND SSPL-1.0", &[]),
        ("((AGPL-3.0-only))", &["AGPL-3.0-only"]),
        ("AGPL-3.0-only WITH Some-exception", &["AGPL-3.0-only"]),
        ("MIT OR SSPL-1.0 WITH Some-exception", &[]),
        ("SSPL-1.0+", &["SSPL-1.0"]),
        // No expressions: every word counts.
        ("AGPL-3.0-only/MIT", &["AGPL-3.0-only"]),
        ("AGPL-3.0-only OR", &["AGPL-3.0-only"]),
        ("AGPL-3.0-only, MIT", &["AGPL-3.0-only"]),
        ("(AGPL-3.0-only OR MIT", &["AGPL-3.0-only"]),
        ("MIT) OR (SSPL-1.0", &["SSPL-1.0"]),
        ("MIT License", &[]),
        ("", &[]),
    ];
    for (stated, wanted) in rows {
        assert_eq!(denied(&[stated], &["AGPL-3.0-only", "SSPL-1.0"]), wanted, "{stated}");
    }
}

#[test]
fn an_id_denies_the_spellings_that_mean_the_same() {
    for stated in ["GPL-2.0", "GPL-2.0-only", "gpl-2.0-or-later", "GPL-2.0+"] {
        assert_eq!(denied(&[stated], &["GPL-2.0"]), ["GPL-2.0"], "{stated}");
    }
    assert_eq!(denied(&["GPL-2.0+"], &["GPL-2.0-or-later"]), ["GPL-2.0-or-later"]);
    assert_eq!(denied(&["GPL-2.0-or-later"], &["GPL-2.0+"]), ["GPL-2.0+"]);
    assert!(denied(&["GPL-2.0"], &["GPL-2.0-or-later"]).is_empty());
    assert!(denied(&["LGPL-2.0", "GPL-2.0-with-x"], &["GPL-2.0"]).is_empty());
    let text = "Business Source License";
    assert_eq!(denied(&["business source license"], &[text]), [text]);
}

#[test]
fn every_statement_holds_and_each_denied_licence_is_told() {
    let deny = ["AGPL-3.0-only", "SSPL-1.0"];
    assert_eq!(denied(&["MIT", "SSPL-1.0", "AGPL-3.0-only"], &deny), deny);
    assert!(denied(&[], &deny).is_empty());
    assert!(denied(&["AGPL-3.0-only"], &[]).is_empty());
}

#[test]
fn depth_is_bounded() {
    let nested =
        |depth: usize, inner: &str| format!("{}{inner}{}", "(".repeat(depth), ")".repeat(depth));
    let choice = "SSPL-1.0 OR MIT";
    assert!(denied(&[&nested(MAX_DEPTH, choice)], &["SSPL-1.0"]).is_empty());
    assert_eq!(denied(&[&nested(MAX_DEPTH + 1, choice)], &["SSPL-1.0"]), ["SSPL-1.0"]);
    assert_eq!(denied(&[&nested(1_000_000, choice)], &["SSPL-1.0"]), ["SSPL-1.0"]);
}
