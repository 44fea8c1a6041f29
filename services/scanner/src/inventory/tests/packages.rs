//! Packages: each purl once, with who maintains it and where it lies.

use super::*;

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
