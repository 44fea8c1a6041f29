//! The model card. Members stand in the order of their names, so that writing them needs no sorting.

use serde::Serialize;

use super::{Entity, Property};

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelCard {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: &'static str,
    pub(crate) considerations: Considerations,
    pub(crate) model_parameters: ModelParameters,
    pub(crate) properties: Vec<Property>,
    pub(crate) quantitative_analysis: QuantitativeAnalysis,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelParameters {
    pub(crate) approach: Approach,
    pub(crate) architecture_family: String,
    pub(crate) datasets: Vec<DatasetReference>,
    pub(crate) inputs: Vec<Form>,
    pub(crate) model_architecture: String,
    pub(crate) outputs: Vec<Form>,
    pub(crate) task: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Approach {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct DatasetReference {
    #[serde(rename = "ref")]
    pub(crate) reference: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Form {
    pub(crate) format: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuantitativeAnalysis {
    pub(crate) performance_metrics: Vec<PerformanceMetric>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PerformanceMetric {
    pub(crate) slice: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Considerations {
    pub(crate) environmental_considerations: EnvironmentalConsiderations,
    pub(crate) ethical_considerations: Vec<Risk>,
    pub(crate) fairness_assessments: Vec<FairnessAssessment>,
    pub(crate) performance_tradeoffs: Vec<String>,
    pub(crate) technical_limitations: Vec<String>,
    pub(crate) use_cases: Vec<String>,
    pub(crate) users: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Risk {
    pub(crate) mitigation_strategy: Option<String>,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FairnessAssessment {
    pub(crate) benefits: Option<String>,
    pub(crate) group_at_risk: String,
    pub(crate) harms: Option<String>,
    pub(crate) mitigation_strategy: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnvironmentalConsiderations {
    pub(crate) energy_consumptions: Vec<EnergyConsumption>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnergyConsumption {
    pub(crate) activity: &'static str,
    pub(crate) activity_energy_cost: EnergyMeasure,
    pub(crate) energy_providers: [EnergyProvider; 1],
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct EnergyMeasure {
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnergyProvider {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) description: &'static str,
    pub(crate) energy_provided: EnergyMeasure,
    pub(crate) energy_source: &'static str,
    pub(crate) organization: Entity,
}
