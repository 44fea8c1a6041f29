//! Bounds of the specification: the good one passes, each field outside its bound is named.

use ids::Sha256Digest;

use super::*;

fn file(name: &str) -> InputFile {
    InputFile { name: name.into(), sha256: Sha256Digest::of(name.as_bytes()), size: 100 }
}

fn spec() -> JobSpec {
    JobSpec {
        task: Task::Classification,
        trainer: Trainer {
            name: "keras".into(),
            image: format!("sha256:{}", Sha256Digest::of(b"image")).parse().unwrap(),
        },
        inputs: Inputs {
            model: file("m.keras"),
            dataset: file("d.csv"),
            definition: file("d.yaml"),
        },
        parameters: Parameters {
            epochs: 20,
            initial_epoch: 0,
            batch_size: Some(16),
            validation_split: 0.2,
            steps_per_epoch: None,
            validation_steps: None,
            validation_freq: 1,
            seed: 7,
        },
        model: ModelInfo { name: "wine".into(), version: "1".into(), ..ModelInfo::default() },
        dataset: DatasetInfo { name: "wine".into(), ..DatasetInfo::default() },
        resources: Resources::default(),
        aibom: BomOptions::default(),
    }
}

#[test]
fn the_good_specification_passes() {
    assert_eq!(validate(&spec()), Ok(()));
}

#[test]
fn each_field_outside_its_bound_is_named() {
    type Change = fn(&mut JobSpec);
    let cases: [(&str, Change); 18] = [
        ("inputs.model.name", |s| s.inputs.model.name = "../m.keras".into()),
        ("inputs.model.name", |s| s.inputs.model.name = ".keras".into()),
        ("inputs.dataset.name", |s| s.inputs.dataset.name = s.inputs.model.name.clone()),
        ("parameters.epochs", |s| s.parameters.epochs = 0),
        ("parameters.epochs", |s| s.parameters.epochs = 100_001),
        ("parameters.initialEpoch", |s| s.parameters.initial_epoch = 20),
        ("parameters.batchSize", |s| s.parameters.batch_size = Some(0)),
        ("parameters.validationSplit", |s| s.parameters.validation_split = 1.0),
        ("parameters.validationSplit", |s| s.parameters.validation_split = f64::NAN),
        ("parameters.validationSplit", |s| s.parameters.validation_split = -0.1),
        ("parameters.validationFreq", |s| s.parameters.validation_freq = 0),
        ("inputs.model.name", |s| s.inputs.model.name = String::new()),
        ("inputs.dataset.name", |s| s.inputs.dataset.name = "a\u{1b}[2J".into()),
        ("inputs.definition.size", |s| s.inputs.definition.size = 65 * 1024),
        ("model.name", |s| s.model.name = "n".repeat(129)),
        ("model.misuse", |s| s.model.misuse = Some("x".repeat(4097))),
        ("resources.memoryMib", |s| s.resources.memory_mib = 31),
        ("resources.pids", |s| s.resources.pids = 7),
    ];
    for (field, change) in cases {
        let mut spec = spec();
        change(&mut spec);
        assert_eq!(validate(&spec).map_err(|e| e.field), Err(field));
    }
}

/// A specification in which everything that can be said is said.
fn talkative() -> JobSpec {
    let text = |text: &str| Some(text.to_owned());
    let texts = |entry: &str| vec![entry.to_owned(); MAX_LIST];
    let mut spec = spec();
    spec.model.base_model = Some(BaseModel {
        name: "base".into(),
        source: None,
        version: text("1"),
        sha256: Some(Sha256Digest::of(b"base")),
        derivation: text("full"),
    });
    spec.model.users = texts("researchers");
    spec.model.limitations = texts("first line\n\tsecond line");
    spec.model.trade_offs = texts(&"x".repeat(4_096));
    spec.model.ethical_risks = vec![Risk { name: "r".into(), mitigation: text("m") }; MAX_LIST];
    let group = Fairness { group: "g".into(), ..Fairness::default() };
    spec.model.fairness =
        vec![Fairness { benefits: text("b"), harms: text("h"), mitigation: text("m"), ..group }];
    spec.model.compliance =
        vec![Compliance { standard: "s".repeat(128), statement: "in part".into() }];
    spec.model.security_policy = text("https://example.org/.well-known/security.txt");
    let dataset = &mut spec.dataset;
    (dataset.version, dataset.classification) = (text("1"), text(&"c".repeat(64)));
    dataset.provenance = text("collected by hand");
    dataset.sensitive_data = texts("none");
    (dataset.owners, dataset.custodians) = (texts("owner"), texts("custodian"));
    dataset.stewards = texts("steward");
    spec.aibom.licence = text("CC0-1.0");
    spec
}

#[test]
fn each_field_of_what_is_said_is_bounded_by_its_name() {
    type Change = fn(&mut JobSpec);
    let cases: [(&str, Change); 34] = [
        ("model.baseModel.version", |s| base(s).version = Some("v".repeat(65))),
        ("model.baseModel.version", |s| base(s).version = Some(String::new())),
        ("model.baseModel.derivation", |s| base(s).derivation = Some("\u{7}".into())),
        ("model.users", |s| s.model.users.push("one too many".into())),
        ("model.users", |s| s.model.users[0].clear()),
        ("model.limitations", |s| s.model.limitations[31] = "x".repeat(4_097)),
        ("model.tradeOffs", |s| s.model.trade_offs[1].push('\u{1b}')),
        ("model.ethicalRisks", |s| s.model.ethical_risks.extend_from_within(..1)),
        ("model.ethicalRisks.name", |s| s.model.ethical_risks[0].name.clear()),
        ("model.ethicalRisks.mitigation", |s| {
            s.model.ethical_risks[0].mitigation = Some(String::new());
        }),
        ("model.fairness", |s| s.model.fairness = vec![Fairness::default(); MAX_LIST + 1]),
        ("model.fairness.group", |s| s.model.fairness[0].group.clear()),
        ("model.fairness.benefits", |s| s.model.fairness[0].benefits = Some(String::new())),
        ("model.fairness.harms", |s| s.model.fairness[0].harms = Some("\u{0}".into())),
        ("model.fairness.mitigation", |s| {
            s.model.fairness[0].mitigation = Some("x".repeat(4_097));
        }),
        ("model.compliance", |s| {
            s.model.compliance = vec![s.model.compliance[0].clone(); MAX_LIST + 1];
        }),
        ("model.compliance.standard", |s| s.model.compliance[0].standard.push('s')),
        ("model.compliance.statement", |s| s.model.compliance[0].statement.clear()),
        ("model.securityPolicy", |s| s.model.security_policy = Some("see the wiki".into())),
        ("model.securityPolicy", |s| {
            s.model.security_policy = Some(format!("https://e.org/{}", "x".repeat(1_024)));
        }),
        ("dataset.version", |s| s.dataset.version = Some(String::new())),
        ("dataset.provenance", |s| s.dataset.provenance = Some(String::new())),
        ("dataset.classification", |s| s.dataset.classification = Some("c".repeat(65))),
        ("dataset.classification", |s| s.dataset.classification = Some("a\nb".into())),
        ("dataset.sensitiveData", |s| s.dataset.sensitive_data.push("x".into())),
        ("dataset.sensitiveData", |s| s.dataset.sensitive_data[0].clear()),
        ("dataset.owners", |s| s.dataset.owners.push("x".into())),
        ("dataset.owners", |s| s.dataset.owners[0].clear()),
        ("dataset.custodians", |s| s.dataset.custodians.push("x".into())),
        ("dataset.stewards", |s| s.dataset.stewards.push("x".into())),
        ("dataset.stewards", |s| s.dataset.stewards[0].clear()),
        ("aibom.profile", |s| s.aibom.profile = 1),
        ("aibom.profile", |s| s.aibom.profile = 3),
        ("aibom.licence", |s| s.aibom.licence = Some(String::new())),
    ];
    assert_eq!(validate(&talkative()), Ok(()));
    for (row, (field, change)) in cases.into_iter().enumerate() {
        let mut spec = talkative();
        change(&mut spec);
        assert_eq!(validate(&spec).map_err(|e| e.field), Err(field), "row {row}");
    }
}

fn base(spec: &mut JobSpec) -> &mut BaseModel {
    spec.model.base_model.as_mut().unwrap()
}

#[test]
fn an_unknown_profile_says_which_one_is_known() {
    let mut spec = spec();
    spec.aibom.profile = 3;
    let refused = validate(&spec).unwrap_err().to_string();
    assert_eq!(
        refused,
        "aibom.profile is 3: must be 2, the rules that this version writes AIBoMs by"
    );
}

#[test]
fn a_web_address_has_a_host_and_no_character_that_needs_encoding() {
    let good = [
        "https://example.org",
        "http://localhost:8080/a/b",
        "https://example.org/a%20b?c=d&e#f(g)",
        "https://xn--bcher-kva.example/~user/",
    ];
    let bad = [
        "",
        "example.org",
        "ftp://example.org",
        "https://",
        "https:///path",
        "https://-a",
        "https://a b",
        "https://a/b c",
        "https://a/%2",
        "https://a/%zz",
        "https://a/%é",
        "https://a:0/",
        "https://a:port/",
        "https://a:1:2/",
        "https://a:+80/",
        "https://user@a/",
        "https://[::1]/",
        "https://a/#b#c",
        "https://bücher.example/",
        "https://a/<script>",
        "https://a/\n",
    ];
    for text in good {
        assert!(is_web_address(text), "{text}");
    }
    for text in bad {
        assert!(!is_web_address(text), "{text}");
    }
}

#[test]
fn images_are_named_by_digest_only() {
    let digest = Sha256Digest::of(b"image");
    for good in [format!("sha256:{digest}"), format!("registry.example:5000/a/b@sha256:{digest}")] {
        assert_eq!(good.parse::<Image>().map(|i| i.to_string()), Ok(good));
    }
    let bad = ["keras:latest", "keras", "sha256:12", "a b@sha256:00", "", "@", "x@sha512:00"];
    for bad in bad.map(str::to_owned).into_iter().chain([format!("@sha256:{digest}")]) {
        assert!(bad.parse::<Image>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn an_unknown_field_is_refused() {
    let mut value = serde_json::to_value(spec()).unwrap();
    assert!(serde_json::from_value::<JobSpec>(value.clone()).is_ok());
    value["surprise"] = 1.into();
    assert!(serde_json::from_value::<JobSpec>(value).is_err());
}

#[test]
fn reasons_have_one_text_each() {
    for reason in Reason::ALL {
        assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
