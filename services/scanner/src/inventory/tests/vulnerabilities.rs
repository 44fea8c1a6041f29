//! Vulnerabilities: each id once, with what is said of it.

use super::*;

#[test]
fn vulnerabilities_are_grouped_by_id() {
    let found = sample().vulnerabilities;
    assert!(found.windows(2).all(|pair| pair[0].id < pair[1].id));
    let zlib = found.iter().find(|v| v.id == "CVE-2023-45853").unwrap();
    let by = |method: &str, score: &str| Severity {
        method: method.into(),
        score: score.into(),
        vector: None,
    };
    assert_eq!(zlib.severity, [by("nvd", "CRITICAL"), by("trivy", "CRITICAL")]);
    assert_eq!(zlib.annotations.len(), 1);
    assert_eq!(zlib.annotations[0].fixed, "");
    let util_linux = found.iter().find(|v| v.id == "CVE-2022-0563").unwrap();
    assert_eq!(util_linux.annotations.len(), 2);
    assert!(util_linux.annotations.windows(2).all(|pair| pair[0].purl < pair[1].purl));
}

/// The vulnerability `CVE-2011-3374` of the sample with these members.
fn first_vulnerability(members: serde_json::Value) -> VulnerabilityResult {
    let inventory = changed(|report| {
        let found = report["Results"][0]["Vulnerabilities"][0].as_object_mut().unwrap();
        let serde_json::Value::Object(members) = members else { panic!("members") };
        found.extend(members);
    });
    let found = inventory.unwrap().vulnerabilities;
    found.into_iter().find(|v| v.id == "CVE-2011-3374").unwrap()
}

#[test]
fn a_vulnerability_has_its_title_and_weaknesses() {
    let found = first_vulnerability(json!({}));
    assert!(found.title.starts_with("It was found that apt-key in apt"), "{}", found.title);
    assert!(found.cwes.is_empty());
    let many: Vec<String> = (1..=100).rev().map(|number| format!("CWE-{number}")).collect();
    let found = first_vulnerability(json!({
        "Title": format!("a\nb\u{7f}{}", "t".repeat(600)),
        "CweIDs": many,
    }));
    assert_eq!(found.title, format!("ab{}", "t".repeat(510)));
    assert_eq!(found.cwes, (1..=64).collect::<Vec<u32>>());
    let ids = ["CWE-79", "CWE-20", "CWE-79", "NVD-CWE-noinfo", "CWE-0", "CWE-+7", "CWE-", "79"];
    assert_eq!(first_vulnerability(json!({ "CweIDs": ids })).cwes, [20, 79]);
}

#[test]
fn a_rating_has_the_vector_of_the_newest_standard() {
    const V2: &str = "AV:N/AC:L/Au:N/C:C/I:C/A:C";
    const V3: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    const V4: &str = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    let vector = |cvss: serde_json::Value| {
        let found = first_vulnerability(json!({ "CVSS": cvss }));
        assert_eq!(found.severity.len(), 2, "who did not rate does not appear");
        assert_eq!(
            (found.severity[1].method.as_str(), &found.severity[1].vector),
            ("trivy", &None)
        );
        found.severity[0].vector.clone()
    };
    let debian = |v2: &str, v3: &str, v4: &str| {
        vector(json!({"debian": {"V2Vector": v2, "V3Vector": v3, "V40Vector": v4, "V3Score": 9.8}}))
    };
    assert_eq!(debian(V2, V3, V4).as_deref(), Some(V4));
    assert_eq!(debian(V2, V3, "").as_deref(), Some(V3));
    assert_eq!(debian(V2, "", "").as_deref(), Some(V2));
    assert_eq!(debian(V2, "CVSS:3.1/<script>", V2).as_deref(), Some(V2), "not a vector");
    assert_eq!(debian("", &V3.replace("3.1", "9.9"), ""), None);
    assert_eq!(debian("", &format!("{V3}/{}", "A".repeat(256)), ""), None);
    assert_eq!(vector(json!({"redhat": {"V3Vector": V3}})), None, "another one's vector");
    assert_eq!(vector(serde_json::Value::Null), None);
}
