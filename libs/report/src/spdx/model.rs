//! Models: the trained one with its card, the submitted one, and the base models.

use serde_json::{Value, json};

use super::{
    element::{Element, Located, entry},
    graph::Graph,
    licence,
    software::{common, versioned},
};

/// The bom-refs of tasks that ran, and that were asked for, begin so.
const OBSERVED: &str = "task/observed/";
const DECLARED: &str = "task/declared/";

/// Adds every model and what it descends from.
pub(super) fn add(graph: &mut Graph<'_>) {
    for component in graph.components() {
        if component.text("/type") != "machine-learning-model" {
            continue;
        }
        let id = graph.id(component.text("/bom-ref"));
        model(graph, &component, id.clone());
        for (number, ancestor) in component.items("/pedigree/ancestors").enumerate() {
            let reference = ancestor.text("/bom-ref");
            let older = if reference.is_empty() {
                graph.own(&format!("ancestor/{}/{number}", component.text("/bom-ref")))
            } else {
                graph.id(reference)
            };
            if !graph.has(&older) {
                model(graph, &ancestor, older.clone());
            }
            graph.relate(&older, "ancestorOf", vec![id.clone()]);
        }
    }
}

fn model(graph: &mut Graph<'_>, of: &Located<'_>, id: String) {
    let mut element = Element::new("ai_AIPackage", id);
    element.put("software_primaryPurpose", "model");
    common(graph, &mut element, of);
    versioned(&mut element, of);
    licence::declare_both(graph, of, &element.id);
    kinds(&mut element, of);
    let trained = of.below("/modelCard");
    if let Some(card) = trained {
        let end = graph.aibom.text("/metadata/timestamp");
        element.take("releaseTime", graph.time(end), "/metadata/timestamp");
        element.put("builtTime", graph.time(end));
        application(&mut element, &card);
        training(graph, &mut element, &card);
        metrics(&mut element, &card);
        energy(&mut element, &card);
        sensitive(graph, &mut element);
        data(graph, &element.id, &card);
    }
    graph.add(element);
}

/// What sort of model it is.
fn kinds(element: &mut Element, of: &Located<'_>) {
    let mut kinds = Vec::new();
    let mut places = Vec::new();
    let card = "/modelCard/modelParameters";
    for at in ["/architectureFamily", "/approach/type", "/task"] {
        let pointer = format!("{card}{at}");
        if !of.text(&pointer).is_empty() {
            kinds.push(of.text(&pointer));
            places.push(format!("{}{pointer}", of.at));
        }
    }
    for name in ["aibom:model:type", "aibom:model:class"] {
        if let Some((value, at)) = of.property(name) {
            kinds.push(value);
            places.push(at);
        }
    }
    kinds.dedup();
    element.put("ai_typeOfModel", kinds);
    if element.members.contains_key("ai_typeOfModel") {
        element.taken.extend(places.into_iter().map(|at| ("ai_typeOfModel", at)));
    }
}

/// For what and for whom it is, and for what not.
fn application(element: &mut Element, card: &Located<'_>) {
    let considerations = "/considerations";
    let lines = |heading: &str, at: &str| {
        let texts = card.texts(&format!("{considerations}{at}"));
        texts.into_iter().map(|text| format!("{heading}: {text}")).collect::<Vec<_>>()
    };
    let risks = card.items("/considerations/ethicalConsiderations").map(|risk| {
        let mitigation = risk.text("/mitigationStrategy");
        let name = risk.text("/name");
        if mitigation.is_empty() {
            format!("Risk: {name}")
        } else {
            format!("Risk: {name} (mitigation: {mitigation})")
        }
    });
    let mut limits = lines("Limitation", "/technicalLimitations");
    limits.extend(lines("Trade-off", "/performanceTradeoffs"));
    limits.extend(risks);
    let mut uses = lines("Use", "/useCases");
    uses.extend(lines("User", "/users"));
    let at = format!("{}{considerations}/useCases", card.at);
    element.take("ai_informationAboutApplication", uses.join("\n"), at);
    let at = format!("{}{considerations}/technicalLimitations", card.at);
    element.take("ai_limitation", limits.join("\n"), at);
    let standards = card.properties("aibom:compliance:");
    let at = standards.first().map(|(_, _, at)| at.clone()).unwrap_or_default();
    let standards: Vec<&str> = standards.into_iter().map(|(_, text, _)| text).collect();
    element.take("ai_standardCompliance", standards, at);
}

/// How it was trained: parameters in effect, or else the asked-for ones.
fn training(graph: &Graph<'_>, element: &mut Element, card: &Located<'_>) {
    let found = parameters(graph, OBSERVED).or_else(|| parameters(graph, DECLARED));
    if let Some((entries, at)) = found {
        element.take("ai_hyperparameter", entries, at);
    }
    let mut lines = Vec::new();
    let architecture = card.text("/modelParameters/modelArchitecture");
    if !architecture.is_empty() {
        lines.push(format!("Architecture: {architecture}"));
    }
    for (what, at) in [("Input", "/modelParameters/inputs"), ("Output", "/modelParameters/outputs")]
    {
        lines.extend(card.items(at).map(|io| format!("{what}: {}", io.text("/format"))));
    }
    let at = format!("{}/modelParameters/modelArchitecture", card.at);
    element.take("ai_informationAboutTraining", lines.join("\n"), at);
    // What the trainer said stands in a member of its own: it has another source.
    let told = card.properties("aibom:reported:");
    let told = told.iter().filter(|(name, _, _)| !name.starts_with("series:"));
    let (lines, places): (Vec<String>, Vec<&str>) =
        told.map(|(name, value, at)| (format!("{name}: {value}"), at.as_str())).unzip();
    if let Some(first) = places.first() {
        element.take("comment", format!("Reported: {}", lines.join("; ")), *first);
    }
}

/// The parameters of the first task whose bom-ref begins so, and the pointer of the first.
pub(super) fn parameters(graph: &Graph<'_>, task: &str) -> Option<(Vec<Value>, String)> {
    let (entries, mut places): (Vec<Value>, Vec<String>) = super::build::tasks(graph, task)
        .iter()
        .flat_map(|task| task.items("/inputs").collect::<Vec<_>>())
        .flat_map(|input| input.items("/parameters").collect::<Vec<_>>())
        .filter(|parameter| !parameter.text("/name").is_empty())
        .map(|p| (entry(p.text("/name"), p.text("/value")), format!("{}/value", p.at)))
        .unzip();
    (!entries.is_empty()).then(|| (entries, places.swap_remove(0)))
}

fn metrics(element: &mut Element, card: &Located<'_>) {
    let all = card.items("/quantitativeAnalysis/performanceMetrics");
    let mut entries = Vec::new();
    let mut places = Vec::new();
    for metric in all {
        let name = metric.text("/type");
        if name.is_empty() {
            continue;
        }
        let slice = metric.text("/slice");
        let key = if slice.is_empty() { name.to_owned() } else { format!("{name} ({slice})") };
        entries.push(entry(key, metric.text("/value")));
        places.push(format!("{}/value", metric.at));
    }
    element.put("ai_metric", entries);
    element.taken.extend(places.into_iter().map(|at| ("ai_metric", at)));
}

fn energy(element: &mut Element, card: &Located<'_>) {
    let at = "/considerations/environmentalConsiderations/energyConsumptions";
    let mut training = Vec::new();
    let mut other = Vec::new();
    let mut first = None;
    for consumption in card.items(at) {
        let Some(value) =
            consumption.value.pointer("/activityEnergyCost/value").and_then(Value::as_f64)
        else {
            continue;
        };
        if value < 0.0 || consumption.text("/activityEnergyCost/unit") != "kWh" {
            continue;
        }
        let described = json!({"type": "ai_EnergyConsumptionDescription", "ai_energyQuantity": value.to_string(), "ai_energyUnit": "kilowattHour"});
        match consumption.text("/activity") {
            "training" => training.push(described),
            "fine-tuning" => other.push(described),
            _ => continue,
        }
        first.get_or_insert_with(|| format!("{}/activityEnergyCost/value", consumption.at));
    }
    let Some(first) = first else { return };
    let mut consumption = json!({"type": "ai_EnergyConsumption"});
    for (member, list) in
        [("ai_trainingEnergyConsumption", training), ("ai_finetuningEnergyConsumption", other)]
    {
        if let (false, Some(object)) = (list.is_empty(), consumption.as_object_mut()) {
            object.insert(member.to_owned(), list.into());
        }
    }
    element.take("ai_energyConsumption", consumption, first);
}

/// Whether it was trained on sensitive personal data: as the submitter says of the dataset.
fn sensitive(graph: &Graph<'_>, element: &mut Element) {
    let (answer, at) = graph
        .components()
        .iter()
        .find(|component| component.text("/bom-ref") == "input/dataset")
        .map_or(("noAssertion", None), super::data::personal);
    match at {
        Some(at) => element.take("ai_useSensitivePersonalInformation", answer, at),
        None => element.put("ai_useSensitivePersonalInformation", answer),
    };
}

/// Which data it was trained and tested on.
fn data(graph: &mut Graph<'_>, id: &str, card: &Located<'_>) {
    for dataset in card.items("/modelParameters/datasets") {
        let reference = dataset.text("/ref");
        let kind = match reference {
            "split/validation" | "split/test" => "testedOn",
            _ => "trainedOn",
        };
        graph.relate(id, kind, vec![graph.id(reference)]);
    }
}
