//! The fifty minimum elements, and where CycloneDX holds them.

use super::rules::{self, Ruling};
use crate::Aibom;

use super::Cluster::{self, Datasets, Infrastructure, Kpi, Metadata, Models, Security, System};

/// One element.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it belongs.
    pub cluster: Cluster,
    /// Its name.
    pub name: &'static str,
    /// All of these have to be there.
    pub needs: &'static [Need],
}

/// Something that an element needs.
#[derive(Debug)]
pub(super) enum Need {
    /// The first path that leads to a value; `model/…` and `data/…` below every model and dataset.
    First(&'static [&'static str]),
    /// The same, but nothing is missing without it; it can only lower the source.
    Also(&'static [&'static str]),
    /// More than a path can say.
    Rule(fn(&Aibom) -> Result<Ruling<'_>, &'static str>),
    /// A signature over the document.
    Signature,
}

use Need::{Also, First, Rule, Signature};

const fn row(cluster: Cluster, name: &'static str, needs: &'static [Need]) -> Row {
    Row { cluster, name, needs }
}

const INPUTS: Need = First(&["model/modelCard/modelParameters/inputs/*/format"]);
const OUTPUTS: Need = First(&["model/modelCard/modelParameters/outputs/*/format"]);
const TRAINED_ON: Need = First(&["model/modelCard/modelParameters/datasets/*"]);

/// The elements, in their order.
pub(super) const ROWS: [Row; 50] = [
    row(
        Metadata,
        "SBOM author",
        &[First(&["/metadata/manufacturer/name|url", "/metadata/authors/*/name|email"])],
    ),
    row(Metadata, "SBOM version", &[First(&["/version"])]),
    row(Metadata, "data format name", &[First(&["/bomFormat"])]),
    row(Metadata, "data format version", &[First(&["/specVersion"])]),
    row(Metadata, "author signature", &[Signature]),
    row(
        Metadata,
        "tool name",
        &[First(&["/metadata/tools/components|services/*/name", "/metadata/tools/*/name"])],
    ),
    row(
        Metadata,
        "tool version",
        &[First(&["/metadata/tools/components|services/*/version", "/metadata/tools/*/version"])],
    ),
    row(Metadata, "generation context", &[First(&["/metadata/lifecycles/*/phase|name"])]),
    row(Metadata, "timestamp", &[First(&["/metadata/timestamp"])]),
    row(Metadata, "dependency relationship", &[First(&["/dependencies/+/dependsOn|provides/*"])]),
    row(System, "name", &[First(&["/metadata/component/name"])]),
    row(
        System,
        "producer",
        &[First(&[
            "/metadata/component/manufacturer|supplier/name",
            "/metadata/component/authors/*/name",
            "/metadata/component/publisher|author",
        ])],
    ),
    row(System, "version", &[First(&["/metadata/component/version"])]),
    row(
        System,
        "timestamp",
        &[First(&["/metadata/component/releaseNotes/timestamp", "/metadata/timestamp"])],
    ),
    row(System, "components", &[First(&["/components/*/name"])]),
    row(
        System,
        "data flow",
        &[
            First(&[
                "/formulation/bom-ref=formula~1observed/workflows/+/tasks/+/inputs/+/resource/ref",
                "/formulation/+/workflows/+/tasks/+/inputs/+/resource",
                "/formulation/+/workflows/+/inputs/+/resource",
                "/services/+/data/+/flow",
            ]),
            First(&[
                "/formulation/bom-ref=formula~1observed/workflows/+/tasks/+/outputs/+/resource/ref",
                "/formulation/+/workflows/+/tasks/+/outputs/+/resource",
                "/formulation/+/workflows/+/outputs/+/resource",
                "/services/+/data/+/flow",
            ]),
        ],
    ),
    row(
        System,
        "data usage",
        &[First(&[
            "data/data/*/classification|sensitiveData",
            "data/classification|sensitiveData",
        ])],
    ),
    row(System, "input and output properties", &[INPUTS, OUTPUTS]),
    row(
        System,
        "intended application area",
        &[First(&["model/modelCard/considerations/useCases/*"])],
    ),
    row(Models, "name", &[First(&["model/name"])]),
    row(
        Models,
        "identifier",
        &[
            First(&["model/purl|cpe|swid|swhid|omniborId"]),
            // A purl is no better than the name and version in it.
            Also(&["model/name"]),
            Also(&["model/version"]),
        ],
    ),
    row(Models, "version", &[First(&["model/version"])]),
    row(
        Models,
        "timestamp",
        &[First(&[
            "/formulation/bom-ref=formula~1observed/workflows/+/timeEnd",
            "/formulation/+/workflows/+/timeEnd",
            "model/releaseNotes/timestamp",
        ])],
    ),
    row(
        Models,
        "producer",
        &[First(&[
            "model/manufacturer|supplier/name",
            "model/authors/*/name",
            "model/publisher|author",
        ])],
    ),
    row(Models, "description", &[First(&["model/description"])]),
    row(Models, "hash value", &[First(&["model/hashes/*/content"])]),
    row(Models, "hash algorithm", &[First(&["model/hashes/*/alg"])]),
    row(
        Models,
        "properties",
        &[First(&[
            "model/modelCard/modelParameters/modelArchitecture|architectureFamily|task",
            "model/modelCard/properties/*/value",
            "model/properties/*/value",
        ])],
    ),
    row(Models, "input and output properties", &[INPUTS, OUTPUTS]),
    row(
        Models,
        "training properties",
        &[
            TRAINED_ON,
            First(&[
                "/formulation/bom-ref=formula~1observed/workflows/+/tasks/+/inputs/+/parameters/*/value",
                "/formulation/+/workflows/+/tasks/+/inputs/+/parameters/*/value",
                "model/modelCard/modelParameters/approach/type",
            ]),
        ],
    ),
    row(Models, "licence", &[First(&["model/licenses/*"])]),
    row(
        Models,
        "external references",
        &[First(&["model/externalReferences/*/url", "/externalReferences/*/url"])],
    ),
    row(Datasets, "name", &[First(&["data/name", "data/data/*/name"])]),
    row(Datasets, "description", &[First(&["data/description", "data/data/*/description"])]),
    row(
        Datasets,
        "content",
        &[First(&[
            "data/data/*/contents/properties/*/value",
            "data/data/*/contents/attachment|url",
            "data/contents/attachment|properties|url",
        ])],
    ),
    row(
        Datasets,
        "identifier",
        &[First(&["data/purl|cpe|swid|swhid|omniborId", "data/data/*/contents/url"])],
    ),
    row(Datasets, "hash", &[First(&["data/hashes/*/content"])]),
    row(
        Datasets,
        "provenance",
        &[First(&[
            "data/data/*/contents/url",
            "data/contents/url",
            "data/data/*/governance/owners|stewards|custodians/*",
            "data/governance/owners|stewards|custodians/*",
            "data/supplier|manufacturer/name",
        ])],
    ),
    row(
        Datasets,
        "statistical properties",
        &[First(&[
            "data/data/*/contents/properties/name^aibom:dataset:statistic:/value",
            "data/data/*/contents/properties/*/value",
            "data/data/*/graphics/collection/*/image",
            "data/graphics/collection/*/image",
        ])],
    ),
    row(
        Datasets,
        "sensitivity",
        &[First(&[
            "data/data/*/sensitiveData|classification",
            "data/sensitiveData|classification",
        ])],
    ),
    row(Datasets, "dependency relationship", &[TRAINED_ON]),
    row(Datasets, "licence", &[First(&["data/licenses/*"])]),
    row(
        Infrastructure,
        "software",
        &[First(&[
            "/components/type=operating-system|library|framework/name",
            "/components/type=container|application|platform/name",
        ])],
    ),
    row(Infrastructure, "hardware", &[Rule(rules::hardware)]),
    row(
        Security,
        "controls",
        &[
            Rule(rules::conformance),
            First(&[
                "/declarations/claims/*/predicate",
                "/formulation/+/workflows/+/properties/name^aibom:isolation:/value",
            ]),
        ],
    ),
    row(
        Security,
        "compliance",
        &[
            First(&["/definitions/standards/*/name"]),
            First(&["/declarations/attestations/+/map/+/requirement"]),
            Rule(rules::conformance),
        ],
    ),
    row(
        Security,
        "policy information",
        &[First(&[
            "/externalReferences/type=security-contact|rfc-9116/url",
            "/metadata/properties/name=aibom:policy:name/value",
        ])],
    ),
    row(
        Security,
        "vulnerability referencing",
        &[
            Rule(rules::scanned),
            First(&[
                "/externalReferences/type=vulnerability-assertion|exploitability-statement/url",
                "/vulnerabilities/*/id",
            ]),
        ],
    ),
    row(
        Kpi,
        "security metrics",
        &[First(&[
            "model/modelCard/quantitativeAnalysis/performanceMetrics/type%robust|adversarial|attack|membership|privacy|poison/value",
        ])],
    ),
    row(
        Kpi,
        "operational KPIs",
        &[First(&[
            "model/modelCard/quantitativeAnalysis/performanceMetrics/slice^operation;/value",
            "model/modelCard/considerations/environmentalConsiderations/energyConsumptions/*/activityEnergyCost/value",
            "model/modelCard/quantitativeAnalysis/performanceMetrics/*/value",
        ])],
    ),
];
