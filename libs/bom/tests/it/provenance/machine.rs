//! The image with its packages, the machine, and what the scans found.

use evidence::Gpu;
use ids::Sha256Digest;
use serde_json::{Value, json};
use testkit::evidence::Fixture;

use super::Marked;

const IMAGE: &str = "image/trainer";

fn package<'a>(marked: &'a Marked, name: &str) -> &'a Value {
    marked.bom["components"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap()
}

#[test]
fn the_image_stands_by_layer_and_package() {
    let marked = Marked::of(&Fixture::new());
    let fact = |name| marked.property(IMAGE, "/properties", name);
    assert_eq!(fact("image:size"), Some(("1420000000", "Observed")));
    assert_eq!(fact("image:layer:1").unwrap().1, "Observed");
    assert_eq!(fact("image:label:org.aibom.trainer"), Some(("keras", "Reported")));
    assert_eq!(fact("image:requested").unwrap().1, "Asserted");
    assert_eq!(marked.who_of("pkg:pypi/keras@3.15.1", ""), "Scanned");
    let system = marked.component("image/os");
    assert_eq!(system["name"], "debian");
    assert_eq!(system["type"], "operating-system");
    assert_eq!(system["version"], "12.8");
    let keras = marked.component("pkg:pypi/keras@3.15.1");
    let digest = Sha256Digest::of(b"pkg:pypi/keras@3.15.1").to_hex();
    assert_eq!(keras["hashes"], json!([{"alg": "SHA-256", "content": digest}]));
    assert_eq!(keras["supplier"]["name"], "Maintainers of keras");
    assert_eq!(crate::property(keras, "aibom:package:path"), Some("opt/packages/keras"));
}

#[test]
fn every_place_of_a_package_is_told() {
    let marked = Marked::of(&Fixture::new().scans(|scans| {
        let packages = &mut scans[0].predicate.aibom.packages;
        let keras = packages.iter_mut().find(|package| package.name == "keras").unwrap();
        keras.copies = vec![evidence::PackageCopy {
            path: Some("venv/keras".to_owned()),
            digest: Some(format!("sha1:{}", "0a".repeat(20))),
        }];
    }));
    let keras = marked.component("pkg:pypi/keras@3.15.1");
    let properties = keras["properties"].as_array().unwrap().iter();
    let paths = properties.filter(|p| p["name"] == "aibom:package:path").map(|p| &p["value"]);
    assert_eq!(paths.collect::<Vec<_>>(), ["opt/packages/keras", "venv/keras"]);
    assert_eq!(keras["hashes"].as_array().unwrap().len(), 2);
}

#[test]
fn a_digest_that_the_format_does_not_know_is_not_lost() {
    let good = Sha256Digest::of(b"a").to_hex();
    let other = Sha256Digest::of(b"b").to_hex();
    let digests = [
        (format!("sha256:{good}"), Some("SHA-256")),
        (format!("sha512:{good}"), None),
        (format!("blake3:{good}"), None),
        ("sha1:xyz".to_owned(), None),
        ("md5:00112233445566778899aabbccddeeff".to_owned(), Some("MD5")),
        ("no digest".to_owned(), None),
    ];
    for (digest, alg) in digests {
        let text = digest.clone();
        let marked = Marked::of(&Fixture::new().scans(move |scans| {
            scans[0].predicate.aibom.packages[5].digest = Some(text.clone());
        }));
        let numpy = package(&marked, "numpy");
        assert_eq!(numpy["hashes"][0]["alg"].as_str(), alg, "{digest}");
        let kept = crate::property(numpy, "aibom:package:digest");
        assert_eq!(kept, alg.is_none().then_some(digest.as_str()));
    }
    // Two scans that do not agree: both are told.
    let marked = Marked::of(&Fixture::new().scans(move |scans| {
        let mut second = scans[0].clone();
        second.predicate.aibom.packages[5].digest = Some(format!("sha256:{other}"));
        scans.push(second);
    }));
    let numpy = package(&marked, "numpy");
    assert_eq!(numpy["hashes"].as_array().unwrap().len(), 1);
    assert!(crate::property(numpy, "aibom:package:digest").is_some());
}

#[test]
fn the_machine_stands_with_engine_parts_and_firmware() {
    let marked =
        Marked::of(&Fixture::new().request(|r| r.spec.resources.gpus = 1).training(|training| {
            let gpu = Gpu {
                name: "Example GPU".to_owned(),
                uuid_sha256: Sha256Digest::of(b"gpu"),
                memory_bytes: 85_899_345_920,
                driver: "570.86".to_owned(),
                vbios: Some("96.00.A5".to_owned()),
            };
            training.predicate.run_details.observed.host.gpus = vec![gpu];
        }));
    for (reference, kind, name, version) in [
        ("host/engine", "application", "docker", "20.10.24"),
        ("host/engine/containerd", "application", "containerd", "1.6.20"),
        ("host/runtime", "application", "runc", "1.1.5"),
        ("host/firmware/0", "firmware", "BIOS", "1.16.2"),
        ("host/gpu/0/driver", "device-driver", "GPU driver", "570.86"),
        ("host/gpu/0/vbios", "firmware", "VBIOS", "96.00.A5"),
    ] {
        let part = marked.component(reference);
        assert_eq!([&part["type"], &part["name"], &part["version"]], [kind, name, version]);
        assert_eq!(marked.who_of(reference, "/version"), "Observed");
        assert_eq!(marked.who_of(reference, "/type"), "Derived");
    }
    let kernel = marked.property("host/os", "/properties", "os:kernel").unwrap();
    assert_eq!(kernel.1, "Observed");
    assert_eq!(marked.component("host/os")["version"], Value::Null, "a kernel is no version of it");
    let topology = &marked.bom["formulation"][1]["workflows"][0]["runtimeTopology"];
    let parts = marked.component("host")["components"].as_array().unwrap().iter();
    let parts: Vec<_> = parts.map(|part| part["bom-ref"].clone()).collect();
    assert!(parts.contains(&json!("host/gpu/0/driver")));
    assert_eq!(topology, &json!([{"ref": IMAGE, "dependsOn": parts}]));
    assert_eq!(marked.component("host/firmware/0")["supplier"]["name"], "Example Systems");
    assert_eq!(marked.component("host/firmware/1")["supplier"], Value::Null);
}

#[test]
fn a_vulnerability_stands_with_title_weaknesses_and_vectors() {
    let vectors = [
        ("CVSS:4.0/AV:N/AC:L", "CVSSv4"),
        ("CVSS:3.1/AV:N/AC:L", "CVSSv31"),
        ("CVSS:3.0/AV:N/AC:L", "CVSSv3"),
        ("AV:N/AC:L/Au:N", "CVSSv2"),
        ("SSVCv2/E:N", "other"),
    ];
    let marked = Marked::of(&Fixture::new().scans(move |scans| {
        let result = &mut scans[0].predicate.scanner.result[0];
        result.cwes = vec![787, 0, 125, 787];
        let rating = result.severity[0].clone();
        result.severity = vectors
            .map(|(vector, _)| {
                let mut rating = rating.clone();
                rating.vector = Some(vector.to_owned());
                rating
            })
            .into();
    }));
    let found = &marked.bom["vulnerabilities"][0];
    assert_eq!(found["description"], "CVE-2026-0001: memory is read beyond its end");
    assert_eq!(found["cwes"], json!([125, 787]));
    for (rating, (vector, method)) in found["ratings"].as_array().unwrap().iter().zip(vectors) {
        assert_eq!([&rating["vector"], &rating["method"]], [vector, method]);
    }
    assert_eq!(found["ratings"].as_array().unwrap().len(), 5);
    for (member, who) in [
        ("id", "Scanned"),
        ("ratings", "Scanned"),
        ("affects", "Scanned"),
        ("bom-ref", "Derived"),
        ("source", "Derived"),
        ("properties/0", "Derived"),
    ] {
        assert_eq!(marked.who(&format!("/vulnerabilities/0/{member}")), who, "{member}");
    }
    assert_eq!(found["properties"][0]["name"], "aibom:found-by");
}
