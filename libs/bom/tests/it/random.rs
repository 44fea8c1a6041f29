//! Any metadata that the rules let through gives a valid, canonical, complete and repeatable AIBoM.

use bom::assemble;
use evidence::{Gpu, Grant, OperatingSystem, Operator, ScanStatement, TrainingStatement};
use ids::{Sha256Digest, canonical};
use job::{CycloneDx, Request};
use proptest::prelude::*;
use serde_json::Value;
use testkit::evidence::Fixture;

/// Texts that a request may hold: no control characters, not empty.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(
            any::<char>().prop_filter("printable", |c| !c.is_control()),
            1..40
        )
        .prop_map(String::from_iter),
        "https?://[ -~]{0,30}",
        "pkg:[ -~]{0,30}",
        "[A-Za-z0-9.+() -]{1,30}",
        Just("MIT OR (Apache-2.0 AND Zlib)".to_owned()),
    ]
}

#[derive(Debug, Clone)]
struct Spec {
    texts: Vec<String>,
    free: Vec<String>,
    numbers: Vec<u32>,
    metrics: Vec<f64>,
    mail: String,
    optional: bool,
}

fn spec() -> impl Strategy<Value = Spec> {
    let texts = proptest::collection::vec(text(), 12);
    let free = proptest::collection::vec(any::<String>(), 12);
    let numbers = proptest::collection::vec(1_u32..10_000, 4);
    let metrics = proptest::collection::vec(proptest::num::f64::NORMAL, 4);
    let mail = "[a-z0-9_+-]{1,8}(\\.[a-z0-9_+-]{1,8})?@[a-z0-9]{1,12}\\.example";
    (texts, free, numbers, metrics, mail, any::<bool>()).prop_map(
        |(texts, free, numbers, metrics, mail, optional)| Spec {
            texts,
            free,
            numbers,
            metrics,
            mail,
            optional,
        },
    )
}

fn fixture(spec: &Spec) -> Fixture {
    let [a, b, c, d] = [(); 4].map(|()| spec.clone());
    Fixture::new()
        .request(move |request| ask(request, &a))
        .grant(move |grant| give(grant, &b))
        .training(move |training| observe(training, &c))
        .scans(move |scans| find(scans, &d))
}

fn ask(request: &mut Request, a: &Spec) {
    let maybe = |spec: &Spec, index: usize| spec.optional.then(|| spec.texts[index].clone());

    let spec = &mut request.spec;
    spec.model.description = maybe(a, 0);
    spec.model.author = maybe(a, 1);
    spec.model.licence = maybe(a, 2);
    spec.model.misuse = maybe(a, 3);
    spec.model.kind = maybe(a, 4);
    if let Some(base) = &mut spec.model.base_model {
        base.source = maybe(a, 5);
    }
    spec.model.name.clone_from(&a.texts[6]);
    spec.model.version.clone_from(&a.texts[7]);
    spec.dataset.name.clone_from(&a.texts[8]);
    spec.dataset.source = Some(a.texts[9].clone());
    spec.dataset.licence = Some(a.texts[10].clone());
    spec.trainer.name.clone_from(&a.texts[11]);
    spec.resources.gpus = 2;
    spec.parameters.epochs = a.numbers[0];
    spec.parameters.batch_size = a.optional.then_some(a.numbers[1]);
    spec.model.security_policy = a.optional.then(|| "https://a.example/policy".to_owned());
    spec.model.limitations = a.texts.clone();
    spec.dataset.classification = maybe(a, 4);
    spec.dataset.owners = a.texts.clone();
    spec.aibom.licence = maybe(a, 2);
    spec.aibom.cyclone_dx =
        if a.numbers[2].is_multiple_of(2) { CycloneDx::V1_6 } else { CycloneDx::V1_7 };
}

fn give(grant: &mut Grant, g: &Spec) {
    grant.operator = g.optional.then(|| Operator {
        name: g.texts[0].clone(),
        url: Some("https://operator.example/?q=%C3%A9".to_owned()),
        email: Some(g.mail.clone()),
        security_policy: Some("http://operator.example:8080/a".to_owned()),
    });
    grant.scheduler.version.clone_from(&g.free[0]);
}

fn observe(training: &mut TrainingStatement, b: &Spec) {
    let details = &mut training.predicate.run_details;
    let observed = &mut details.observed;
    observed.host.os.clone_from(&b.free[0]);
    observed.host.kernel.clone_from(&b.free[1]);
    observed.container.command = b.free.clone();
    observed.container.environment_names = [b.free.clone(), b.free.clone()].concat();
    observed.model.class_name.clone_from(&b.free[2]);
    observed.dataset.label.clone_from(&b.free[3]);
    observed.dataset.statistics.insert(b.free[4].clone(), b.free[5].clone());
    observed.host.gpus = (0..b.numbers[2] % 3)
        .map(|index| Gpu {
            name: b.free[6].clone(),
            uuid_sha256: Sha256Digest::of(&index.to_be_bytes()),
            memory_bytes: u64::from(b.numbers[3]),
            driver: b.free[7].clone(),
            vbios: None,
        })
        .collect();
    for (index, value) in b.metrics.iter().enumerate() {
        details.reported.final_metrics.insert(b.free[index].clone(), *value);
    }
    details.reported.effective.insert(b.free[8].clone(), Value::from(b.free[9].clone()));
    details.byproducts[0].media_type = Some(b.free[10].clone());
    training.subject[0].name = Some(format!("x{}", b.numbers[0]));
}

fn find(scans: &mut Vec<ScanStatement>, c: &Spec) {
    let predicate = &mut scans[0].predicate;
    predicate.aibom.packages[0].purl.clone_from(&c.free[0]);
    predicate.aibom.packages[1].licences = c.texts.clone();
    predicate.aibom.packages[2].depends_on = c.free.clone();
    predicate.aibom.packages[3].version = c.free[1].repeat(200);
    predicate.aibom.packages[4].digest = Some(c.free[6].clone());
    predicate.aibom.packages[5].supplier = Some(c.free[7].clone());
    predicate.aibom.packages[6].path = Some(c.free[8].clone());
    predicate.aibom.operating_system = c
        .optional
        .then(|| OperatingSystem { family: c.free[9].clone(), version: c.free[10].clone() });
    predicate.scanner.result[1].title.clone_from(&c.free[11]);
    predicate.scanner.result[1].severity[0].vector = Some(c.free[0].clone());
    predicate.scanner.uri.clone_from(&c.free[2]);
    predicate.scanner.result[0].id.clone_from(&c.free[3]);
    predicate.scanner.result[0].annotations[0].purl.clone_from(&c.free[4]);
    predicate.scanner.result[0].severity[0].score.clone_from(&c.free[5]);
    let mut again = scans[0].clone();
    // The rules want every scan to say something of its own.
    let run = &mut again.predicate.metadata;
    run.scan_finished_on = run.scan_finished_on.plus_ms(1);
    scans.push(again);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_evidence_gives_a_valid_aibom(spec in spec()) {
        let fixture = fixture(&spec);
        let (evidence, decision) = (fixture.verified(), fixture.decision());
        let aibom = assemble(&evidence, &decision).unwrap();
        prop_assert_eq!(&assemble(&evidence, &decision).unwrap(), &aibom);
        let value: Value = canonical::from_slice(aibom.as_bytes(), usize::MAX).unwrap();
        prop_assert_eq!(crate::schema::errors(&value), Vec::<String>::new());
        crate::references::check(&value);
        crate::sources::check(&value);
        let text = std::str::from_utf8(aibom.as_bytes()).unwrap();
        for (_, digest) in evidence.digests() {
            prop_assert!(text.contains(&digest.to_hex()));
        }
        for file in &evidence.training().subject {
            prop_assert!(text.contains(&file.sha256_digest().unwrap().to_hex()));
        }
    }
}
