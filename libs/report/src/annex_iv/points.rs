//! The points of the annex, and where an AIBoM has something for each.

/// Whose values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    /// The document's.
    Document,
    /// The trained model's.
    Model,
    /// The component's of that bom-ref.
    Component(&'static str),
    /// The task's that ran.
    Training,
    /// The workflow's that ran.
    Workflow,
}

/// A value that helps with a point: its name, whose it is, and the pointer below it.
pub(super) type Field = (&'static str, Of, &'static str);

/// One point: number, what it asks for, what an AIBoM can have, what else the provider must add.
pub(super) struct Asked {
    pub(super) number: &'static str,
    pub(super) title: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) add: &'static str,
}

use Of::{Component, Document, Model, Training, Workflow};

const fn asked(
    number: &'static str,
    title: &'static str,
    fields: &'static [Field],
    add: &'static str,
) -> Asked {
    Asked { number, title, fields, add }
}

/// Every point of Annex IV.
pub(super) const POINTS: &[Asked] = &[
    asked(
        "1(a)",
        "Intended purpose, name of the provider, version and relation to previous versions",
        &[
            ("name", Document, "/metadata/component/name"),
            ("version", Document, "/metadata/component/version"),
            ("description", Document, "/metadata/component/description"),
            ("provider", Document, "/metadata/component/supplier/name"),
            ("intended use", Model, "/modelCard/considerations/useCases"),
            ("made from", Model, "/pedigree/ancestors"),
        ],
        "the relation of this version to the ones before it, and the provider's name and address as in Article 16",
    ),
    asked(
        "1(b)",
        "Interaction with hardware or software that is not part of the system",
        &[
            ("input", Model, "/modelCard/modelParameters/inputs"),
            ("output", Model, "/modelCard/modelParameters/outputs"),
        ],
        "how the system interacts with other hardware, software and AI systems in use",
    ),
    asked(
        "1(c)",
        "Versions of relevant software or firmware, and requirements for updates",
        &[
            ("training image", Component("image/trainer"), "/purl"),
            ("operating system of the image", Component("image/os"), ""),
            ("operating system of the machine", Component("host/os"), ""),
            ("container engine", Component("host/engine"), ""),
        ],
        "the versions that the system needs in use, and the requirements for version updates",
    ),
    asked(
        "1(d)",
        "The forms in which it is placed on the market or put into service",
        &[
            ("file", Model, "/properties"),
            ("digests", Model, "/hashes"),
            ("package URL", Model, "/purl"),
        ],
        "how the system is delivered: packages, downloads, interfaces",
    ),
    asked(
        "1(e)",
        "Hardware on which the system is intended to run",
        &[],
        "the hardware that the system is intended to run on (the AIBoM knows the one that it was trained on: point 2(c))",
    ),
    asked(
        "1(f)",
        "Where it is a component of products: their external features, marking and layout",
        &[],
        "photographs or illustrations of the products, or that it is a component of none",
    ),
    asked(
        "1(g)",
        "Basic description of the user interface for the deployer",
        &[],
        "a description of the user interface",
    ),
    asked(
        "1(h)",
        "Instructions for use for the deployer",
        &[
            ("users", Model, "/modelCard/considerations/users"),
            ("limitations", Model, "/modelCard/considerations/technicalLimitations"),
        ],
        "the instructions for use (Article 13)",
    ),
    asked(
        "2(a)",
        "Methods and steps of development; pre-trained systems and tools of third parties",
        &[
            ("approach", Model, "/modelCard/modelParameters/approach/type"),
            ("base models", Model, "/pedigree/ancestors"),
            ("command", Training, "/steps"),
            ("began", Workflow, "/timeStart"),
            ("ended", Workflow, "/timeEnd"),
            ("image", Component("image/trainer"), "/version"),
        ],
        "how third-party systems and tools were chosen, integrated and modified",
    ),
    asked(
        "2(b)",
        "Design specifications: logic, algorithms, design choices, what it optimises for, trade-offs",
        &[
            ("task", Model, "/modelCard/modelParameters/task"),
            ("architecture", Model, "/modelCard/modelParameters/modelArchitecture"),
            ("parameters of the training", Training, "/inputs"),
            ("output", Model, "/modelCard/modelParameters/outputs"),
            ("trade-offs", Model, "/modelCard/considerations/performanceTradeoffs"),
        ],
        "the rationale and the assumptions behind the design choices",
    ),
    asked(
        "2(c)",
        "System architecture; computational resources used to develop, train, test and validate",
        &[
            ("machine", Component("host"), ""),
            ("processor", Component("host/cpu"), ""),
            ("accelerator", Component("host/gpu/0"), ""),
            ("isolation, limits and use", Workflow, "/properties"),
            (
                "energy",
                Model,
                "/modelCard/considerations/environmentalConsiderations/energyConsumptions",
            ),
        ],
        "how the software components build on each other in the whole system",
    ),
    asked(
        "2(d)",
        "Data requirements: training data sets, provenance, scope, selection, labelling, cleaning",
        &[
            ("name", Component("input/dataset"), "/name"),
            ("description", Component("input/dataset"), "/description"),
            ("licence", Component("input/dataset"), "/licenses"),
            ("digests", Component("input/dataset"), "/hashes"),
            ("origin and provenance", Component("input/dataset"), "/data"),
            ("training records", Component("split/train"), "/properties"),
        ],
        "how the data was selected, the labelling procedures and the methods of data cleaning",
    ),
    asked(
        "2(e)",
        "Assessment of the human oversight measures (Article 14)",
        &[],
        "the assessment of the human oversight measures and of the technical measures that help deployers read the outputs",
    ),
    asked(
        "2(f)",
        "Pre-determined changes to the system and its performance",
        &[],
        "a description of pre-determined changes, or that there are none",
    ),
    asked(
        "2(g)",
        "Validation and testing: procedures, data, metrics, discriminatory impacts, signed test logs",
        &[
            ("validation data", Component("split/validation"), "/properties"),
            ("metrics", Model, "/modelCard/quantitativeAnalysis/performanceMetrics"),
            ("fairness", Model, "/modelCard/considerations/fairnessAssessments"),
            ("documents", Document, "/externalReferences"),
        ],
        "the test reports, dated and signed by the responsible persons, with robustness and potentially discriminatory impacts",
    ),
    asked(
        "2(h)",
        "Cybersecurity measures put in place",
        &[
            ("claims about the training", Document, "/declarations/claims"),
            ("scan", Document, "/metadata/properties"),
            ("vulnerabilities of the training image", Document, "/vulnerabilities"),
        ],
        "the cybersecurity measures of the system in use (Article 15)",
    ),
    asked(
        "3",
        "Monitoring, functioning and control: capabilities, limitations, accuracy, risks, oversight, input data",
        &[
            ("metrics", Model, "/modelCard/quantitativeAnalysis/performanceMetrics"),
            ("limitations", Model, "/modelCard/considerations/technicalLimitations"),
            ("risks", Model, "/modelCard/considerations/ethicalConsiderations"),
            ("input data", Model, "/modelCard/modelParameters/inputs"),
        ],
        "the accuracy for specific persons or groups, the foreseeable unintended outcomes and the oversight measures",
    ),
    asked(
        "4",
        "Appropriateness of the performance metrics",
        &[("metrics", Model, "/modelCard/quantitativeAnalysis/performanceMetrics")],
        "why these metrics are the appropriate ones for this system",
    ),
    asked(
        "5",
        "The risk management system (Article 9)",
        &[(
            "risks that the submitter names",
            Model,
            "/modelCard/considerations/ethicalConsiderations",
        )],
        "a detailed description of the risk management system",
    ),
    asked(
        "6",
        "Changes made by the provider through the lifecycle",
        &[("made from", Model, "/pedigree")],
        "the changes since earlier versions ('aibom bom diff' tells them between two AIBoMs)",
    ),
    asked(
        "7",
        "Harmonised standards applied, or the solutions adopted instead",
        &[
            ("statements of the submitter", Model, "/modelCard/properties"),
            ("standards", Document, "/definitions/standards"),
        ],
        "the list of harmonised standards applied, or the solutions adopted to meet Chapter III, Section 2",
    ),
    asked(
        "8",
        "Copy of the EU declaration of conformity (Article 47)",
        &[],
        "the EU declaration of conformity",
    ),
    asked(
        "9",
        "Evaluation of performance after placing on the market; post-market monitoring plan (Article 72)",
        &[],
        "the description of the post-market system and the monitoring plan",
    ),
];

/// Of a list of properties, the names that a field is about; other fields take all.
pub(super) fn wanted(number: &str, label: &str, name: &str) -> bool {
    match (number, label) {
        ("1(d)", _) => name.starts_with("aibom:file:"),
        ("7", "statements of the submitter") => name.starts_with("aibom:compliance:"),
        ("2(h)", "scan") => name.starts_with("aibom:scan:"),
        _ => true,
    }
}
