//! Components and what hangs off them.

use serde::Serialize;

use super::model_card::ModelCard;
use super::{Contact, Entity, ExternalReference, Hash, Property};
use crate::licence::Licence;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    #[default]
    Application,
    Container,
    CryptographicAsset,
    Data,
    Device,
    DeviceDriver,
    File,
    Firmware,
    Library,
    MachineLearningModel,
    OperatingSystem,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Component {
    // In the order of their names, so that writing them needs no sorting.
    pub(crate) authors: Vec<Contact>,
    #[serde(rename = "bom-ref")]
    pub(crate) bom_ref: Option<String>,
    pub(crate) components: Vec<Self>,
    pub(crate) crypto_properties: Option<CryptoProperties>,
    pub(crate) data: Vec<Data>,
    pub(crate) description: Option<String>,
    pub(crate) external_references: Vec<ExternalReference>,
    pub(crate) hashes: Vec<Hash>,
    pub(crate) licenses: Vec<Licence>,
    #[serde(rename = "mime-type")]
    pub(crate) mime_type: Option<String>,
    pub(crate) model_card: Option<Box<ModelCard>>,
    pub(crate) name: String,
    pub(crate) pedigree: Option<Box<Pedigree>>,
    pub(crate) properties: Vec<Property>,
    pub(crate) purl: Option<String>,
    pub(crate) supplier: Option<Entity>,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) version: Option<String>,
}

impl Component {
    pub(crate) fn new(kind: Kind, bom_ref: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, bom_ref: Some(bom_ref.into()), name: name.into(), ..Self::default() }
    }

    /// The name that other parts of the document refer to it by.
    pub(crate) fn reference(&self) -> &str {
        self.bom_ref.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pedigree {
    pub(crate) ancestors: Vec<Component>,
    pub(crate) notes: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Data {
    // In the order of their names.
    pub(crate) classification: Option<String>,
    pub(crate) contents: DataContents,
    pub(crate) description: Option<String>,
    pub(crate) governance: Governance,
    pub(crate) name: String,
    pub(crate) sensitive_data: Vec<String>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Governance {
    pub(crate) custodians: Vec<Responsible>,
    pub(crate) owners: Vec<Responsible>,
    pub(crate) stewards: Vec<Responsible>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Responsible {
    pub(crate) organization: Entity,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct DataContents {
    pub(crate) properties: Vec<Property>,
    pub(crate) url: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CryptoProperties {
    pub(crate) asset_type: &'static str,
    pub(crate) algorithm_properties: Option<AlgorithmProperties>,
    pub(crate) related_crypto_material_properties: Option<MaterialProperties>,
    pub(crate) oid: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlgorithmProperties {
    pub(crate) primitive: &'static str,
    pub(crate) parameter_set_identifier: &'static str,
    pub(crate) curve: &'static str,
    pub(crate) crypto_functions: [&'static str; 1],
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MaterialProperties {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) algorithm_ref: String,
    pub(crate) value: String,
    pub(crate) format: &'static str,
}
