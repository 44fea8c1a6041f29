//! The trained model, its card and its pedigree.

use evidence::{Energy, Trained};
use serde_json::{Value, json};
use testkit::evidence::Fixture;

use super::Marked;

const MODEL: &str = "output/model.keras";

#[test]
fn the_model_card_holds_what_is_known() {
    let marked = Marked::of(&Fixture::new());
    let model = marked.component(MODEL);
    let parameters = &model["modelCard"]["modelParameters"];
    assert_eq!(parameters["approach"]["type"], "supervised");
    assert_eq!(parameters["task"], "classification");
    assert_eq!(parameters["architectureFamily"], "Sequential");
    assert_eq!(parameters["modelArchitecture"], "Sequential: InputLayer, Dense, Dense");
    assert_eq!(
        parameters["datasets"],
        json!([{"ref": "split/train"}, {"ref": "split/validation"}])
    );
    assert_eq!(parameters["inputs"][0]["format"], "input: float32 [?, 13]");
    assert_eq!(parameters["outputs"][0]["format"], "cultivar: float32 [?, 3]");
    for (member, who) in [
        ("approach", "Derived"),
        ("task", "Asserted"),
        ("modelArchitecture", "Observed"),
        ("inputs", "Observed"),
        ("datasets", "Derived"),
    ] {
        assert_eq!(marked.who_of(MODEL, &format!("/modelCard/modelParameters/{member}")), who);
    }
    assert_eq!(model["licenses"][0]["license"]["id"], "Apache-2.0");
    assert_eq!(model["hashes"].as_array().unwrap().len(), 2);
    assert_eq!(marked.who_of(MODEL, "/hashes"), "Observed");
    assert_eq!(marked.who_of(MODEL, "/description"), "Asserted");
    let property = |name| marked.property(MODEL, "/properties", name);
    assert_eq!(property("model:type"), Some(("classifier", "Asserted")));
    assert_eq!(property("model:read-from"), Some((MODEL, "Observed")));
    assert_eq!(property("model:optimizer"), Some(("Adam", "Observed")));
    assert_eq!(property("model:loss"), Some(("sparse_categorical_crossentropy", "Observed")));
    assert_eq!(property("model:layer:1"), Some(("hidden (Dense)", "Observed")));
    let release = &marked.bom["metadata"]["component"];
    assert_eq!(release["name"], "wine-cultivar");
    assert_eq!(release["type"], "application");
    assert_eq!(release["hashes"], model["hashes"]);
}

#[test]
fn what_was_measured_is_never_mixed_with_what_was_reported() {
    let marked = Marked::of(&Fixture::new());
    let list = "/modelCard/quantitativeAnalysis/performanceMetrics";
    let metrics = marked.component(MODEL).pointer(list).unwrap().as_array().unwrap();
    let told: Vec<[&str; 4]> = metrics
        .iter()
        .enumerate()
        .map(|(index, metric)| {
            let text = |name: &str| metric[name].as_str().unwrap();
            let who = marked.who_of(MODEL, &format!("{list}/{index}"));
            [who, text("type"), text("value"), text("slice")]
        })
        .collect();
    let operation = "operation; observed by the executor";
    let last = |split: &str| format!("{split}, final (epoch 30); reported by the trainer");
    assert_eq!(told[0], ["Observed", "training time (s)", "180", operation]);
    assert_eq!(told[1], ["Observed", "processor time (s)", "41.25", operation]);
    assert_eq!(told[2], ["Observed", "peak memory (bytes)", "734003200", operation]);
    assert_eq!(told[3], ["Reported", "accuracy", "0.993006993", &last("train")]);
    assert_eq!(told[6], ["Reported", "loss", "0.080123", &last("validation")]);
    let best = "validation, best; reported by the trainer";
    assert_eq!(told[10], ["Reported", "loss", "0.078001", best]);
    assert_eq!(told.len(), 11);

    let sampled = Marked::of(&Fixture::new().training(|t| {
        let usage = &mut t.predicate.run_details.observed.usage;
        usage.peak_memory_kind = Some(evidence::PeakMemory::GreatestSample);
        usage.cpu_sampled = true;
    }));
    let metrics = sampled.component(MODEL).pointer(list).unwrap();
    assert_eq!(metrics[1]["type"], "processor time sampled (s)");
    assert_eq!(metrics[2]["type"], "greatest memory sampled (bytes)");

    let property = |name: &str| marked.property(MODEL, "/modelCard/properties", name);
    assert_eq!(property("reported:trainer"), Some(("keras 1.0.0", "Reported")));
    let (series, who) = property("reported:series:val_loss").unwrap();
    let series: Vec<(u32, f64)> = serde_json::from_str(series).unwrap();
    assert_eq!((series.len(), series[0], who), (30, (1, 0.997_060_5), "Reported"));
    let compliance = "Regulation (EU) 2024/1689: Not a high-risk system under Annex III.";
    assert_eq!(property("compliance:0"), Some((compliance, "Asserted")));
}

#[test]
fn a_run_that_nobody_measured_has_its_time_only() {
    let marked = Marked::of(&Fixture::new().training(|training| {
        let details = &mut training.predicate.run_details;
        details.observed.usage = evidence::Usage::default();
        details.reported.final_metrics.clear();
        details.reported.best_metrics.clear();
    }));
    let card = &marked.component(MODEL)["modelCard"];
    let metrics = card["quantitativeAnalysis"]["performanceMetrics"].as_array().unwrap();
    assert_eq!(metrics.len(), 1);
    assert_eq!(card["considerations"]["environmentalConsiderations"], Value::Null);
}

#[test]
fn a_trained_file_that_could_not_be_read_is_not_described_by_another() {
    let why = "the archive is damaged";
    let marked = Marked::of(&Fixture::new().training(move |training| {
        let observed = &mut training.predicate.run_details.observed;
        observed.trained = Trained::Unreadable(why.to_owned());
    }));
    let property = |name: &str| marked.property(MODEL, "/properties", name);
    assert_eq!(property("model:read-from"), Some(("input/model", "Observed")));
    assert_eq!(property("model:unreadable"), Some((why, "Observed")));
    assert_eq!(property("model:format"), None);
    assert_eq!(marked.component(MODEL)["mime-type"], Value::Null, "nobody saw what it is");
    let parameters = &marked.component(MODEL)["modelCard"]["modelParameters"];
    assert_eq!(parameters["architectureFamily"], "Sequential");
}

#[test]
fn considerations_are_the_submitters() {
    let marked = Marked::of(&Fixture::new());
    let told = &marked.component(MODEL)["modelCard"]["considerations"];
    assert_eq!(told["users"], json!(["People who try this software"]));
    assert_eq!(told["technicalLimitations"][0], "Knows the 178 wines of one region only.");
    assert_eq!(told["technicalLimitations"][1], "Any commercial grading of wine.");
    assert_eq!(told["performanceTradeoffs"][0], "Small and quick rather than exact.");
    let risks = &told["ethicalConsiderations"];
    assert_eq!(risks[0]["mitigationStrategy"], "A chemist checks every doubtful answer.");
    assert_eq!(risks[1]["name"], "Misuse: Presenting its answer as proof of a wine's origin.");
    assert_eq!(told["fairnessAssessments"][0]["groupAtRisk"], "Growers of rare cultivars");
    for member in told.as_object().unwrap().keys().filter(|k| *k != "environmentalConsiderations") {
        let who = marked.who_of(MODEL, &format!("/modelCard/considerations/{member}"));
        assert_eq!(who, "Asserted", "{member}");
    }
}

#[test]
fn energy_is_told_by_counter_and_never_added_up() {
    let counters = [("nvml:gpu/0", 7_200_000_000), ("rapl:package-0", 1)];
    let fixture = |operator: bool| {
        Fixture::new()
            .grant(move |grant| {
                if !operator {
                    grant.operator = None;
                }
            })
            .training(move |training| {
                let usage = &mut training.predicate.run_details.observed.usage;
                usage.energy = counters
                    .map(|(counter, millijoules)| Energy {
                        counter: counter.to_owned(),
                        millijoules,
                    })
                    .into();
            })
    };
    let list = "/modelCard/considerations/environmentalConsiderations/energyConsumptions";
    for operator in [true, false] {
        let marked = Marked::of(&fixture(operator));
        let told = marked.component(MODEL).pointer(list).unwrap().as_array().unwrap();
        assert_eq!(told.len(), 2);
        assert_eq!(told[0]["activity"], "training");
        assert_eq!(told[0]["activityEnergyCost"], json!({"unit": "kWh", "value": 2}));
        assert_eq!(told[1]["activityEnergyCost"]["value"], json!(1.0 / 3.6e9));
        assert_eq!(told[1]["properties"][1]["value"], "1");
        assert_eq!(told[0]["energyProviders"][0]["energySource"], "unknown");
        assert_eq!(told[0]["energyProviders"][0]["organization"]["name"], "not stated");
        let provider = format!("{list}/1/energyProviders/0");
        assert_eq!(marked.who_of(MODEL, &format!("{provider}/organization")), "Derived");
        assert_eq!(marked.who_of(MODEL, &format!("{provider}/energyProvided")), "Observed");
        assert_eq!(marked.who_of(MODEL, &format!("{list}/1/activityEnergyCost")), "Observed");
    }
}

#[test]
fn the_base_model_stands_by_digest_and_version() {
    let marked = Marked::of(&Fixture::new().request(|request| {
        if let Some(base) = &mut request.spec.model.base_model {
            base.source = Some("pkg:huggingface/wine/base@1".to_owned());
        }
    }));
    let pedigree = &marked.component(MODEL)["pedigree"];
    let [submitted, base] = [0, 1].map(|index| &pedigree["ancestors"][index]);
    let input = marked.component("input/model");
    assert_eq!(submitted["hashes"], input["hashes"]);
    assert_eq!(marked.who_of(MODEL, "/pedigree/ancestors/0/hashes"), "Observed");
    assert_eq!(marked.who_of(MODEL, "/pedigree/ancestors/0/name"), "Asserted");
    assert_eq!(base["bom-ref"], "base/model");
    assert_eq!(base["version"], "0.9.0");
    assert_eq!(base["purl"], "pkg:huggingface/wine/base@1");
    assert_eq!(base["hashes"].as_array().unwrap().len(), 1);
    assert_eq!(marked.who_of(MODEL, "/pedigree/ancestors/1/hashes"), "Asserted");
    assert!(pedigree["notes"].as_str().unwrap().ends_with("derived from."));
    assert_eq!(marked.who_of(MODEL, "/pedigree/notes"), "Derived");
    assert_eq!(crate::property(base, "aibom:derivation"), Some("full"));
    assert_eq!(marked.who_of(MODEL, "/pedigree/ancestors/1/properties"), "Asserted");
    let marked = Marked::of(&Fixture::new().request(|r| r.spec.model.base_model = None));
    assert_eq!(marked.who_of(MODEL, "/pedigree/notes"), "Derived");
}

#[test]
fn a_base_model_of_the_submitted_name_keeps_its_own_words() {
    let marked = Marked::of(&Fixture::new().request(|request| {
        let name = request.spec.inputs.model.name.clone();
        if let Some(base) = &mut request.spec.model.base_model {
            base.name = name;
            base.source = Some("pkg:pypi/keras@3.15.1".to_owned());
        }
    }));
    for (ancestor, who) in ["Observed", "Asserted"].into_iter().enumerate() {
        let hashes = format!("/pedigree/ancestors/{ancestor}/hashes");
        assert_eq!(marked.who_of(MODEL, &hashes), who);
    }
    let base = &marked.component(MODEL)["pedigree"]["ancestors"][1];
    assert_eq!(base["purl"], Value::Null, "a package of the image is no model");
    assert_eq!(crate::property(base, "aibom:source"), Some("pkg:pypi/keras@3.15.1"));
}
