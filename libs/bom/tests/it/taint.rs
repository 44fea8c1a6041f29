//! Numbers never lie: every text and number of the evidence is replaced by one that shows who said
//! it, and each is found again under that source and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use evidence::Level;
use job::CycloneDx;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use testkit::evidence::Fixture;

/// Who said it: the source's word, the letter in its texts, and where its numbers begin. Limits are
/// observed to be no more than was asked for, so what is observed is less than what is asserted.
#[derive(Clone, Copy)]
struct Origin {
    word: &'static str,
    letter: char,
    numbers: u32,
}

const ASSERTED: Origin = Origin { word: "Asserted", letter: 'A', numbers: 21_000 };
const GRANTED: Origin = Origin { word: "Granted", letter: 'G', numbers: 51_000 };
const OBSERVED: Origin = Origin { word: "Observed", letter: 'O', numbers: 11_000 };
const REPORTED: Origin = Origin { word: "Reported", letter: 'R', numbers: 31_000 };
const SCANNED: Origin = Origin { word: "Scanned", letter: 'S', numbers: 41_000 };
const DECIDED: Origin = Origin { word: "Decided", letter: 'D', numbers: 61_000 };
/// `F` for freed: the approver's words.
const RELEASED: Origin = Origin { word: "Released", letter: 'F', numbers: 81_000 };
const ORIGINS: [Origin; 7] = [ASSERTED, GRANTED, OBSERVED, REPORTED, SCANNED, DECIDED, RELEASED];

/// Puts marks in the place of values; `keep` are the places that have to stay as they are.
struct Marker {
    origin: Origin,
    next: AtomicU32,
    keep: &'static [&'static str],
}

impl Marker {
    const fn new(origin: Origin, keep: &'static [&'static str]) -> Self {
        Self { origin, next: AtomicU32::new(0), keep }
    }

    fn count(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// `QA-017`.
    fn mark(&self) -> String {
        format!("Q{}-{:03}", self.origin.letter, self.count())
    }

    fn text(&self, old: &str) -> String {
        let hex = |old: &str| old.len() >= 64 && old.bytes().all(|b| b.is_ascii_hexdigit());
        let marked = self.mark();
        match old.split_once(':') {
            _ if hex(old) => self.digest(old.len()),
            Some((kind, rest)) if hex(rest) => format!("{kind}:{}", self.digest(rest.len())),
            Some(("https", _)) => format!("https://{marked}.example/x"),
            Some(("pkg", _)) => format!("pkg:generic/{marked}@1"),
            _ if old.contains('@') => format!("{marked}@platform.example"),
            _ => marked,
        }
    }

    /// A digest that repeats its origin's letter.
    fn digest(&self, length: usize) -> String {
        let mark = format!("{:02x}", u32::from(self.origin.letter));
        let number = format!("{:08x}", self.count());
        mark.repeat(length / 2 - 4) + &number
    }

    /// Replaces every text and number below `value`, whose place is `at`; names of members, too, where
    /// they are no names of fields (they hold none but the evidence's own).
    fn replace(&self, value: &mut Value, at: &str) {
        if self.keep.contains(&at) {
            return;
        }
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Number(number) => {
                let marked = self.origin.numbers + self.count();
                *number = if number.is_f64() && self.origin.letter == 'A' {
                    // A share is less than one.
                    serde_json::Number::from_f64(f64::from(marked) / 100_000.0).unwrap()
                } else {
                    self.scaled(at, marked).into()
                };
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(item, at)),
            Value::Object(members) => {
                let old = std::mem::take(members);
                for (name, mut member) in old {
                    self.replace(&mut member, &format!("{at}/{name}"));
                    members.insert(self.name(at, &name), member);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A number that stands in the AIBoM in another unit.
    fn scaled(&self, at: &str, marked: u32) -> u64 {
        let per_unit = match at {
            _ if at.ends_with("/millijoules") => 3_600_000_000,
            _ if at.ends_with("/cpuMs") => 1_000,
            _ => 1,
        };
        u64::from(marked) * per_unit
    }

    fn name(&self, at: &str, name: &str) -> String {
        const MAPS: [&str; 9] = [
            "statistics",
            "components",
            "labels",
            "frameworks",
            "data",
            "effective",
            "final_metrics",
            "best_metrics",
            "series",
        ];
        let of_map = MAPS.iter().any(|map| {
            let camel = map.replace("_m", "M");
            at.ends_with(&format!("/{camel}"))
        });
        match name.strip_prefix("val_") {
            _ if !of_map => name.to_owned(),
            Some(_) => format!("val_{}", self.mark()),
            None => self.mark(),
        }
    }

    fn apply<T: Serialize + DeserializeOwned>(&self, part: &mut T) {
        let mut value = serde_json::to_value(&*part).unwrap();
        self.replace(&mut value, "");
        *part = serde_json::from_value(value).unwrap();
    }
}

/// What stays as it is: vocabularies, times, links between the documents, and what the isolation
/// policy fixes. The inputs' digests are what the executor saw, too, or there is no evidence.
const KEEP_REQUEST: [&str; 7] = [
    "/task",
    "/trainer/image",
    "/aibom",
    "/resources/gpus",
    "/inputs/model/sha256",
    "/inputs/dataset/sha256",
    "/inputs/definition/sha256",
];
const KEEP_GRANT: [&str; 7] =
    ["/schema", "/job", "/attempt", "/request", "/executor", "/issuedAt", "/expiresAt"];
const KEEP_OBSERVED: [&str; 13] = [
    "/container/networkMode",
    "/container/capDrop",
    "/container/securityOptions",
    "/container/pidMode",
    "/container/ipcMode",
    "/container/mounts",
    "/container/imageId",
    "/container/exitCode",
    "/container/image/labels",
    "/model/format",
    "/trained/read/format",
    "/dataset/splits/name",
    "/usage/peakMemoryKind",
];
const KEEP_SCAN: [&str; 13] = [
    "/metadata/scanStartedOn",
    "/metadata/scanFinishedOn",
    "/scanner/db/lastUpdate",
    "/scanner/result/severity/score",
    "/aibom/target",
    "/aibom/run",
    "/aibom/files/name",
    "/aibom/files/sha256",
    "/aibom/files/hazards/severity",
    "/aibom/secrets/severity",
    "/aibom/misconfigurations/severity",
    "/aibom/completeness",
    "/aibom/reason",
];

fn fixture(version: CycloneDx) -> Fixture {
    Fixture::new()
        .request(move |request| {
            request.spec.resources.gpus = 7;
            request.spec.aibom.cyclone_dx = version;
            let marker = Marker::new(ASSERTED, &KEEP_REQUEST);
            marker.apply(&mut request.spec);
            request.spec.parameters.initial_epoch = 1;
            request.spec.aibom.licence = Some(marker.mark());
        })
        .grant(|grant| Marker::new(GRANTED, &KEEP_GRANT).apply(grant))
        .training(|training| {
            let details = &mut training.predicate.run_details;
            details.observed.container.devices = vec!["gpu".to_owned()];
            details.observed.host.gpus = vec![evidence::Gpu {
                name: "gpu".to_owned(),
                uuid_sha256: ids::Sha256Digest::of(b"gpu"),
                memory_bytes: 1,
                driver: "driver".to_owned(),
                vbios: Some("vbios".to_owned()),
            }];
            let observed = Marker::new(OBSERVED, &KEEP_OBSERVED);
            observed.apply(&mut details.observed);
            let reported = Marker::new(REPORTED, &[]);
            reported.apply(&mut details.reported);
            // An image's labels are its maker's words.
            let labels = &mut details.observed.container.image.labels;
            let mut image = BTreeMap::from([("labels".to_owned(), std::mem::take(labels))]);
            reported.apply(&mut image);
            *labels = image.into_values().next().unwrap();
            // Splits have as many records as the dataset.
            let dataset = &mut details.observed.dataset;
            let mut left = dataset.records;
            dataset.splits.iter_mut().for_each(|split| split.records = std::mem::take(&mut left));
            for file in training.subject.iter_mut().chain(&mut details.byproducts) {
                for digest in file.digest.values_mut() {
                    *digest = observed.digest(digest.len());
                }
            }
        })
        .scans(|scans| {
            let marker = Marker::new(SCANNED, &KEEP_SCAN);
            let extension = &mut scans[0].predicate.aibom;
            extension.secrets = vec![crate::findings::secret("path", Level::Critical)];
            extension.misconfigurations = vec![crate::findings::misconfiguration("path")];
            scans[1].predicate.aibom.files[0].hazards =
                vec![crate::findings::hazard(Level::Medium)];
            // What the policy ignores is by the policy's word as much as by the scan's: no mark.
            let mut known = scans[0].predicate.scanner.result[1].clone();
            scans[..2].iter_mut().for_each(|scan| marker.apply(&mut scan.predicate));
            known.id = "CVE-0000-0001".to_owned();
            known.annotations[0].purl = "pkg:pypi/known@1".to_owned();
            scans[0].predicate.scanner.result.push(known);
        })
        .policy(|policy| {
            let marker = Marker::new(DECIDED, &[]);
            policy.version = 61_900;
            policy.ignore[0].id = "CVE-0000-0001".to_owned();
            policy.ignore[0].subject = None;
            policy.ignore[0].reason = marker.mark();
        })
        .released(|release| release.reason = Marker::new(RELEASED, &[]).mark())
}

/// The origins whose marks stand in `text`.
fn marks(text: &str) -> BTreeSet<&'static str> {
    let digest = |text: &str| text.len() >= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let mut out = BTreeSet::new();
    for origin in ORIGINS {
        let hex = format!("{:02x}", u32::from(origin.letter)).repeat(28);
        let begins = format!("Q{}-", origin.letter);
        let by_letter = text.match_indices(&begins).any(|(at, _)| {
            let number = text.as_bytes().get(at + 3..at + 6);
            number.is_some_and(|n| n.iter().all(u8::is_ascii_digit))
        });
        let numbers = text.split(|c: char| !c.is_ascii_alphanumeric());
        let by_number = !digest(text)
            && numbers
                .filter(|n| n.len() == 5)
                .filter_map(|n| n.parse::<u32>().ok())
                .any(|n| (origin.numbers..origin.numbers + 1_000).contains(&n));
        if by_letter || by_number || text.contains(&hex) {
            out.insert(origin.word);
        }
    }
    out
}

/// Places of what is derived from names that somebody gave: references, and names made of names.
const REFERENCES: [&str; 12] = [
    "/bom-ref",
    "/ref",
    "/purl",
    "/dependsOn/",
    "/subjects/",
    "/assemblies/",
    "/vulnerabilities/",
    "/annotations/",
    "/citations/",
    "/compositions/",
    "/dependencies/",
    "/resource/ref",
];

fn check(bom: &Value) -> BTreeMap<&'static str, usize> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (pointer, text, source) in crate::sources::attributed(bom) {
        let source = source.unwrap();
        let marks = marks(&text);
        let reference = REFERENCES.iter().any(|r| pointer.contains(r) || pointer.ends_with(r));
        let derived = source == "Derived" && reference;
        if !derived && marks.iter().any(|mark| *mark != source) {
            wrong.push(format!("{pointer} is {source}, but {text:?} is of {marks:?}"));
        }
        for mark in marks {
            *seen.entry(mark).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{} values:\n{}", wrong.len(), wrong.join("\n"));
    seen
}

#[test]
fn every_mark_stands_under_its_own_source() {
    for version in [CycloneDx::V1_6, CycloneDx::V1_7] {
        let bom = crate::aibom(&fixture(version));
        assert_eq!(crate::schema::errors(&bom), Vec::<String>::new());
        crate::references::check(&bom);
        let seen = check(&bom);
        assert!(ORIGINS.iter().all(|origin| seen[origin.word] > 2), "{seen:?}");
    }
}

#[test]
fn a_value_under_another_source_is_seen() {
    let bom = crate::aibom(&fixture(CycloneDx::V1_6));
    let metrics = &bom["components"][0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"];
    let mut values = metrics.as_array().unwrap().iter().map(|metric| metric["value"].clone());
    let said = |value: &Value| marks(value.as_str().unwrap()) == BTreeSet::from(["Reported"]);
    let value = values.find(said).unwrap();
    let mut spoiled = bom.clone();
    spoiled["metadata"]["timestamp"] = value;
    assert!(std::panic::catch_unwind(|| check(&spoiled)).is_err());
}

/// Every text and number that the parties said, with its place.
fn said(value: &Value, at: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                said(member, &format!("{at}/{name}"), out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| said(item, at, out)),
        Value::String(text) => out.push((at.to_owned(), text.clone())),
        Value::Number(number) => out.push((at.to_owned(), number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

#[test]
fn nothing_that_somebody_said_is_lost() {
    // In another unit, or as a link with another form.
    const ELSEWHERE: [&str; 2] = ["/millijoules", "/cpuMs"];
    let fixture = fixture(CycloneDx::V1_6);
    let parts = fixture.parts();
    let bom = crate::aibom(&fixture).to_string();
    let mut all = Map::new();
    all.insert("request".to_owned(), serde_json::to_value(&parts.request.spec).unwrap());
    all.insert("grant".to_owned(), serde_json::to_value(&parts.grant).unwrap());
    let details = &parts.training.predicate.run_details;
    all.insert("observed".to_owned(), serde_json::to_value(&details.observed).unwrap());
    all.insert("reported".to_owned(), serde_json::to_value(&details.reported).unwrap());
    all.insert("scan".to_owned(), serde_json::to_value(&parts.scans[0].predicate).unwrap());
    all.insert("files".to_owned(), serde_json::to_value(&parts.scans[1].predicate).unwrap());
    all.insert("release".to_owned(), serde_json::to_value(parts.release.as_ref()).unwrap());
    let policy = fixture.signed_policy();
    all.insert("policy".to_owned(), serde_json::to_value(&policy.policy().ignore).unwrap());
    let mut values = Vec::new();
    said(&Value::Object(all), "", &mut values);
    let lost: BTreeSet<String> = values
        .into_iter()
        .filter(|(at, text)| {
            !ELSEWHERE.iter().any(|end| at.ends_with(end))
                && !marks(text).is_empty()
                && !bom.contains(text.strip_suffix(".0").unwrap_or(text))
                && !text.split_once(':').is_some_and(|(_, digest)| bom.contains(digest))
        })
        .map(|(at, _)| at)
        .collect();
    assert_eq!(lost, BTreeSet::new());
}
