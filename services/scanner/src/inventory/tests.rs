//! The sample is an excerpt of what the real Trivy wrote about a trainer image.

use evidence::{
    Level, MAX_COPIES, MAX_FILE_FINDINGS, MAX_PACKAGES, MAX_PLACES, PackageCopy, Severity,
};
use ids::Sha256Digest;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const SAMPLE: &str = include_str!("sample.json");

fn config() -> About {
    About::Image(Sha256Digest::from_bytes([0xab; 32]))
}

fn sample() -> Inventory {
    Inventory::read(SAMPLE.as_bytes(), config()).unwrap()
}

fn changed(change: impl FnOnce(&mut serde_json::Value)) -> Result<Inventory, ReportError> {
    let mut report: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
    change(&mut report);
    Inventory::read(&serde_json::to_vec(&report).unwrap(), config())
}

#[test]
fn packages_are_sorted_and_each_purl_is_there_once() {
    let packages = sample().packages;
    assert!(packages.len() > 15);
    assert!(packages.windows(2).all(|pair| pair[0].purl < pair[1].purl));
    let apt = packages.iter().find(|p| p.name == "apt").unwrap();
    assert_eq!(apt.purl, "pkg:deb/debian/apt@2.6.2?arch=amd64&distro=debian-12.15");
    assert_eq!(apt.class, "operating-system");
    assert!(apt.licences.contains(&"GPL-2.0-or-later".to_owned()));
    let keras = packages.iter().find(|p| p.name == "keras").unwrap();
    assert_eq!((keras.class.as_str(), keras.version.as_str()), ("library", "3.15.1"));
}

#[test]
fn a_package_says_who_maintains_it_and_where_it_lies() {
    let inventory = sample();
    let system = inventory.operating_system.unwrap();
    assert_eq!((system.family.as_str(), system.version.as_str()), ("debian", "12.15"));
    let named = |name: &str| inventory.packages.iter().find(|p| p.name == name).unwrap();
    let apt = named("apt");
    assert_eq!(apt.supplier.as_deref(), Some("APT Development Team <deity@lists.debian.org>"));
    assert_eq!((&apt.path, &apt.digest), (&None, &None));
    let keras = named("keras");
    let path = "opt/aibom/packages/keras-3.15.1.dist-info/METADATA";
    assert_eq!((keras.path.as_deref(), &keras.supplier), (Some(path), &None));
}

/// What the first package of the sample becomes with these members.
fn first_package(members: serde_json::Value) -> Package {
    let inventory = changed(|report| {
        let package = report["Results"][0]["Packages"][0].as_object_mut().unwrap();
        let serde_json::Value::Object(members) = members else { panic!("members") };
        package.extend(members);
    });
    inventory.unwrap().packages.into_iter().find(|p| p.name == "adduser").unwrap()
}

#[test]
fn a_digest_is_an_algorithm_with_as_much_hex_as_it_gives() {
    let digest = |text: String| first_package(json!({"Digest": text})).digest;
    let sha1 = format!("sha1:{}", "0a".repeat(20));
    assert_eq!(digest(sha1.clone()), Some(sha1.clone()));
    assert_eq!(digest(format!("sha1:{}", "0A".repeat(20))), Some(sha1));
    for (algorithm, digits) in [("md5", 32), ("sha256", 64), ("sha512", 128)] {
        let text = format!("{algorithm}:{}", "f".repeat(digits));
        assert_eq!(digest(text.clone()), Some(text));
    }
    for bad in ["", "sha1", "sha1:", "sha1:zz", "crc32:00000000", "SHA-1:00"] {
        assert_eq!(digest(bad.to_owned()), None, "{bad}");
    }
    assert_eq!(digest(format!("sha256:{}", "f".repeat(63))), None);
}

#[test]
fn what_an_image_says_of_a_package_is_shown_within_bounds_or_left_out() {
    let odd = first_package(json!({
        "Maintainer": format!(" \u{1b}[2J{}", "m".repeat(300)),
        "FilePath": "opt/a\nb",
    }));
    assert_eq!(odd.supplier, Some(format!("[2J{}", "m".repeat(253))));
    assert_eq!(odd.path, None);
    let long = first_package(json!({"Maintainer": "\n", "FilePath": "p".repeat(1_025)}));
    assert_eq!((long.supplier, long.path), (None, None));
}

#[test]
fn a_source_package_has_its_whole_version() {
    let source = |members| first_package(members).source.map(|s| (s.name, s.version));
    let named = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
    let shadow = json!({
        "SrcName": "shadow", "SrcEpoch": 1, "SrcVersion": "4.13+dfsg1",
        "SrcRelease": "1+deb12u2"
    });
    assert_eq!(source(shadow), named("shadow", "1:4.13+dfsg1-1+deb12u2"));
    let native = json!({"SrcName": "apt", "SrcVersion": "2.6.2", "SrcRelease": "", "SrcEpoch": 0});
    assert_eq!(source(native), named("apt", "2.6.2"));
    assert_eq!(source(json!({"SrcName": "", "SrcVersion": ""})), None);
}

#[test]
fn dependencies_are_purls_of_packages_that_are_there() {
    let packages = sample().packages;
    let apt = packages.iter().find(|p| p.name == "apt").unwrap();
    assert!(apt.depends_on.iter().any(|purl| purl.starts_with("pkg:deb/debian/libc6@")));
    for package in &packages {
        assert!(package.depends_on.windows(2).all(|pair| pair[0] < pair[1]));
        for purl in &package.depends_on {
            assert!(packages.iter().any(|p| p.purl == *purl), "{purl}");
        }
    }
}

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

#[test]
fn a_report_on_another_image_is_refused() {
    let other = Inventory::read(SAMPLE.as_bytes(), About::Image(Sha256Digest::of(b"other")));
    assert!(matches!(other, Err(ReportError::Image { .. })));
}

#[test]
fn no_results_are_an_empty_inventory_and_an_unknown_system_is_a_gap() {
    let empty = changed(|report| report["Results"] = serde_json::Value::Null).unwrap();
    assert!(empty.packages.is_empty() && empty.vulnerabilities.is_empty());
    let lost = ["debian 12.15: its package database was not found"];
    assert_eq!(empty.gaps, lost);
    let bare = changed(|report| report["Results"][0]["Packages"] = json!([])).unwrap();
    assert!(!bare.packages.is_empty(), "those of a language are there");
    assert_eq!(bare.gaps, lost);
    assert!(sample().gaps.is_empty());
    let unknown = changed(|report| {
        report["Metadata"].as_object_mut().unwrap().remove("OS");
    })
    .unwrap();
    assert_eq!((unknown.gaps.len(), unknown.operating_system), (1, None));
    let old = changed(|report| report["Metadata"]["OS"]["EOSL"] = true.into()).unwrap();
    assert_eq!(old.gaps, ["debian 12.15 gets no security updates any more"]);
}

#[test]
fn other_schemas_artifacts_and_types_are_refused() {
    let schema = changed(|report| report["SchemaVersion"] = 3.into());
    assert!(matches!(schema, Err(ReportError::Schema(3))));
    let artifact = changed(|report| report["ArtifactType"] = "filesystem".into());
    assert!(matches!(artifact, Err(ReportError::Artifact { .. })));
    let wrong_type = changed(|report| report["Results"][0]["Packages"][0]["Name"] = 7.into());
    assert!(matches!(wrong_type, Err(ReportError::Malformed { .. })));
    let control = changed(|report| {
        report["Results"][0]["Packages"][0]["Name"] = "a\u{1b}[2Jb".into();
    });
    assert!(matches!(control, Err(ReportError::Text { what: "package name", .. })));
}

#[test]
fn a_report_cut_off_anywhere_is_refused() {
    for end in (0..SAMPLE.trim_end().len()).step_by(997) {
        let cut = Inventory::read(&SAMPLE.as_bytes()[..end], config());
        assert!(matches!(cut, Err(ReportError::Malformed { .. })), "cut at {end}");
    }
}

#[test]
fn a_package_without_a_purl_gets_a_generic_one_and_a_licence_text_its_digest() {
    let inventory = changed(|report| {
        let package = &mut report["Results"][0]["Packages"][0];
        package["Name"] = "odd name".into();
        package["Version"] = "1+2".into();
        package["Identifier"] = serde_json::json!({});
        package["Licenses"] = serde_json::json!(["text://line\nline", "MIT", "MIT"]);
    });
    let inventory = inventory.unwrap();
    let odd = inventory.packages.iter().find(|p| p.name == "odd name").unwrap();
    assert_eq!(odd.purl, "pkg:generic/odd%20name@1%2B2");
    let digest = Sha256Digest::of(b"line\nline");
    assert_eq!(odd.licences, [format!("LicenseRef-sha256-{digest}"), "MIT".into()]);
}

#[test]
fn the_same_package_twice_is_merged() {
    let twice = changed(|report| {
        let packages = report["Results"][1]["Packages"].as_array_mut().unwrap();
        let mut copy = packages[0].clone();
        copy["Licenses"] = serde_json::json!(["Extra"]);
        packages.push(copy);
    });
    let twice = twice.unwrap();
    assert_eq!(twice.packages.len(), sample().packages.len());
    assert!(twice.packages.iter().any(|p| p.licences.contains(&"Extra".to_owned())));
}

#[test]
fn the_same_package_twice_is_the_same_in_either_order() {
    let merged = |members: [serde_json::Value; 3]| {
        let inventory = changed(|report| {
            let packages = report["Results"][0]["Packages"].as_array_mut().unwrap();
            let original = packages.remove(0);
            for members in &members {
                let mut copy = original.clone();
                copy.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
                packages.push(copy);
            }
        });
        inventory.unwrap().packages.into_iter().find(|p| p.name == "adduser").unwrap()
    };
    let digest = |digit: &str| format!("md5:{}", digit.repeat(32));
    let a = json!({"Maintainer": "B", "FilePath": "usr/b", "Digest": digest("a")});
    let b = json!({"Maintainer": "A", "FilePath": "usr/a", "Digest": digest("b")});
    let c = json!({"Maintainer": "", "Digest": digest("0")});
    let expected = merged([a.clone(), b.clone(), c.clone()]);
    assert_eq!(expected.supplier.as_deref(), Some("A"));
    assert_eq!((expected.path.as_deref(), expected.digest), (Some("usr/a"), Some(digest("b"))));
    let copy = |path: Option<&str>, digit| PackageCopy {
        path: path.map(str::to_owned),
        digest: Some(digest(digit)),
    };
    assert_eq!(expected.copies, [copy(Some("usr/b"), "a"), copy(None, "0")]);
    for order in [[&a, &c, &b], [&b, &a, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]] {
        let got = merged(order.map(Clone::clone));
        assert_eq!((got.supplier, got.path), (expected.supplier.clone(), expected.path.clone()));
        assert_eq!((got.digest, &got.copies), (Some(digest("b")), &expected.copies));
    }
}

#[test]
fn copies_are_bounded_and_each_is_there_once() {
    let many = changed(|report| {
        let packages = report["Results"][0]["Packages"].as_array_mut().unwrap();
        let original = packages.remove(0);
        for index in (0..200).rev().chain(0..200) {
            let mut copy = original.clone();
            copy["FilePath"] = format!("opt/{index:03}").into();
            packages.push(copy);
        }
    });
    let packages = many.unwrap().packages;
    let adduser = packages.iter().find(|p| p.name == "adduser").unwrap();
    assert_eq!(adduser.path.as_deref(), Some("opt/000"));
    assert_eq!(adduser.copies.len(), MAX_COPIES);
    assert_eq!(adduser.copies[63].path.as_deref(), Some("opt/064"));
}

#[test]
fn no_more_is_taken_than_the_rules_of_evidence_take() {
    let packages = |count: usize| {
        changed(|report| {
            let one = |n| json!({"Name": format!("p{n}"), "Version": "1"});
            report["Results"] = json!([
                {"Class": "os-pkgs", "Packages": (0..count).map(one).collect::<Vec<_>>()}
            ]);
        })
    };
    assert_eq!(packages(MAX_PACKAGES).unwrap().packages.len(), MAX_PACKAGES);
    let refused = packages(MAX_PACKAGES + 1);
    assert!(matches!(refused, Err(ReportError::TooMany { limit: MAX_PACKAGES, .. })));
    let places = changed(|report| {
        let one = |n| {
            let name = format!("p{n}");
            json!({"VulnerabilityID": "CVE-1", "PkgName": name, "InstalledVersion": "1"})
        };
        let found: Vec<_> = (0..=MAX_PLACES).map(one).collect();
        report["Results"] = json!([{"Class": "os-pkgs", "Vulnerabilities": found}]);
    });
    assert!(matches!(places, Err(ReportError::TooMany { limit: MAX_PLACES, .. })));
}

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

#[test]
fn a_program_s_packages_lie_in_the_program() {
    let package = |name: &str| {
        json!({
            "ID": format!("{name}@1.0.0"), "Name": name, "Version": "1.0.0",
            "Identifier": {"PURL": format!("pkg:cargo/{name}@1.0.0")},
        })
    };
    let group = |program: &str| {
        json!({
            "Target": program, "Class": "lang-pkgs", "Type": "rustbinary",
            "Packages": [package("time"), package(program)],
        })
    };
    let report = json!({
        "SchemaVersion": 2, "Trivy": {"Version": "0.76.0"}, "ArtifactName": "programs",
        "ArtifactType": "filesystem", "Results": [group("signer"), group("scheduler")],
    });
    let report = serde_json::to_vec(&report).unwrap();
    let inventory = Inventory::read(&report, About::Directory).unwrap();
    assert!(inventory.gaps.is_empty() && inventory.operating_system.is_none());
    let time = inventory.packages.iter().find(|package| package.name == "time").unwrap();
    assert_eq!(time.path.as_deref(), Some("scheduler"));
    assert_eq!(time.copies[0].path.as_deref(), Some("signer"));
    let refused = Inventory::read(&report, config());
    assert!(matches!(refused, Err(ReportError::Artifact { wanted: "container_image", .. })));
    let refused = Inventory::read(SAMPLE.as_bytes(), About::Directory);
    assert!(matches!(refused, Err(ReportError::Artifact { wanted: "filesystem", .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _refused = Inventory::read(&bytes, config()).unwrap_err();
    }

    #[test]
    fn a_flipped_byte_is_read_or_refused(at in 0..SAMPLE.len(), with in any::<u8>()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = with;
        drop(Inventory::read(&bytes, config()));
    }
}
