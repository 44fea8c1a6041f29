//! The facts of what a training took: time, memory and energy. Two runs of one job never agree.

use serde_json::Value;

use super::facts::{Facts, components, cut, join};
use crate::{
    Aibom,
    aibom::{list, text},
};

/// What a metric's slice says when it measures the run and not the model.
const OPERATION: &str = "operation;";
const USAGE: [&str; 2] = ["aibom:run:cpuMs", "aibom:run:peakMemoryBytes"];

/// Whether a metric is about the run.
pub(super) fn is_cost(metric: &Value) -> bool {
    text(metric, "/slice").starts_with(OPERATION)
}

pub(super) fn cost(aibom: &Aibom) -> Facts {
    let mut facts = Facts::default();
    for model in components(aibom, "machine-learning-model") {
        for measured in list(model, "/modelCard/quantitativeAnalysis/performanceMetrics") {
            if is_cost(measured) {
                facts.metric(measured);
            }
        }
        let energy = "/modelCard/considerations/environmentalConsiderations/energyConsumptions";
        for energy in list(model, energy) {
            if let Some(value) = energy.pointer("/activityEnergyCost/value") {
                let name = format!("energy ({}, kWh)", cut(text(energy, "/activity")));
                facts.add(name, &value.to_string());
            }
        }
    }
    let workflows =
        aibom.list("/formulation").iter().flat_map(|formula| list(formula, "/workflows"));
    for property in workflows.flat_map(|workflow| list(workflow, "/properties")) {
        let name = text(property, "/name");
        if USAGE.contains(&name) {
            facts.add(
                join("usage", name.trim_start_matches("aibom:run:")),
                text(property, "/value"),
            );
        }
    }
    facts
}
