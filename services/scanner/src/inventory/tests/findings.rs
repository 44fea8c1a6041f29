//! Secrets and misconfigurations: by rule and place, the worst when there are too many.

use super::*;

/// The sample with a group of this class and these members.
fn with_group(group: serde_json::Value) -> Result<Inventory, ReportError> {
    changed(|report| report["Results"].as_array_mut().unwrap().push(group))
}

#[test]
fn a_secret_is_named_by_rule_place_and_line_and_never_shown() {
    let secret = |rule: &str, line: u32| {
        json!({
            "RuleID": rule, "Category": "AWS", "Severity": "CRITICAL", "Title": "AWS Access\nKey",
            "StartLine": line, "EndLine": line, "Match": "id = AKIASECRETSECRET",
            "Code": {"Lines": [{"Number": 1, "Content": "id = AKIASECRETSECRET"}]},
        })
    };
    let group = json!({
        "Target": "app/\u{1b}config", "Class": "secret",
        "Secrets": [secret("b-rule", 7), secret("a-rule", 7), secret("a-rule", 3), secret("b-rule", 7)],
    });
    let inventory = with_group(group).unwrap();
    let found: Vec<_> =
        inventory.secrets.iter().map(|s| (s.path.as_str(), s.line, s.rule.as_str())).collect();
    let path = "app/\\u{1b}config";
    assert_eq!(found, [(path, 3, "a-rule"), (path, 7, "a-rule"), (path, 7, "b-rule")]);
    let first = &inventory.secrets[0];
    assert_eq!((first.severity, first.title.as_str()), (Level::Critical, "AWS AccessKey"));
    assert!(!serde_json::to_string(&inventory).unwrap().contains("AKIASECRET"));
    let refused = with_group(json!({"Class": "secret", "Secrets": [secret("a\nb", 1)]}));
    assert!(matches!(refused, Err(ReportError::Text { what: "secret rule", .. })));
    let typed = with_group(json!({"Class": "secret", "Secrets": [secret("", 1)]}));
    assert!(matches!(typed, Err(ReportError::Text { .. })));
}

#[test]
fn a_misconfiguration_counts_when_the_check_failed() {
    let check = |id: &str, status: &str| json!({"ID": id, "Severity": "HIGH", "Title": "No user", "Status": status});
    let inventory = with_group(json!({
        "Target": "image.tar", "Class": "config", "Type": "dockerfile",
        "Misconfigurations": [check("DS-0002", "FAIL"), check("DS-0001", "PASS")],
    }));
    let found = inventory.unwrap().misconfigurations;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id.as_str(), found[0].severity), ("DS-0002", Level::High));
    let itself = changed(|report| {
        report["ArtifactName"] = "image.tar".into();
        let group = json!({"Target": "image.tar", "Misconfigurations": [check("DS-0002", "FAIL")]});
        report["Results"].as_array_mut().unwrap().push(group);
    });
    assert_eq!(itself.unwrap().misconfigurations[0].path, "image configuration");
}

#[test]
fn more_findings_than_evidence_takes_are_the_worst_and_a_gap() {
    let secret = |n: usize, severity: &str| json!({"RuleID": format!("r{n}"), "Severity": severity, "Title": "t", "StartLine": n});
    let mut many: Vec<_> = (0..MAX_FILE_FINDINGS).map(|n| secret(n, "LOW")).collect();
    let at = |many: &[serde_json::Value]| {
        with_group(json!({"Target": "f", "Class": "secret", "Secrets": many})).unwrap()
    };
    assert!(at(&many).gaps.is_empty());
    many.push(secret(20_000, "CRITICAL"));
    let inventory = at(&many);
    assert_eq!(inventory.secrets.len(), MAX_FILE_FINDINGS);
    assert!(inventory.secrets.iter().any(|secret| secret.severity == Level::Critical));
    let gap = "10001 secrets were found, the worst 10000 are listed";
    assert_eq!(inventory.gaps, [gap]);
}
