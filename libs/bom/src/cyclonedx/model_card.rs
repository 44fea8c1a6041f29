//! The model card.

use serde::Serialize;

use super::Property;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelCard {
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: String,
    pub(crate) model_parameters: ModelParameters,
    pub(crate) quantitative_analysis: QuantitativeAnalysis,
    pub(crate) considerations: Considerations,
    pub(crate) properties: Vec<Property>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelParameters {
    pub(crate) approach: Approach,
    pub(crate) task: String,
    pub(crate) architecture_family: String,
    pub(crate) model_architecture: String,
    pub(crate) datasets: Vec<DatasetReference>,
    pub(crate) inputs: Vec<Form>,
    pub(crate) outputs: Vec<Form>,
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
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) slice: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Considerations {
    pub(crate) use_cases: Vec<String>,
    pub(crate) technical_limitations: Vec<String>,
    pub(crate) ethical_considerations: Vec<Risk>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Risk {
    pub(crate) name: String,
}
