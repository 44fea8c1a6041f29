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
        "Intended purpose, name of the provider, version of the system reflecting its relation to previous versions",
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
        "How the system interacts, or can be used to interact, with hardware or software, including other AI systems, that are not part of it",
        &[
            ("input", Model, "/modelCard/modelParameters/inputs"),
            ("output", Model, "/modelCard/modelParameters/outputs"),
        ],
        "how the system interacts with other hardware, software and AI systems in use",
    ),
    asked(
        "1(c)",
        "Versions of relevant software or firmware, and any requirements related to version updates",
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
        "All the forms in which the system is placed on the market or put into service, such as software packages embedded into hardware, downloads, or APIs",
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
        "Where it is a component of products: photographs or illustrations of their external features, marking and internal layout",
        &[],
        "photographs or illustrations of the products, or that it is a component of none",
    ),
    asked(
        "1(g)",
        "Basic description of the user-interface provided to the deployer",
        &[],
        "a description of the user interface",
    ),
    asked(
        "1(h)",
        "Instructions for use for the deployer, and a basic description of the user-interface provided to the deployer, where applicable",
        &[
            ("users", Model, "/modelCard/considerations/users"),
            ("limitations", Model, "/modelCard/considerations/technicalLimitations"),
        ],
        "the instructions for use (Article 13)",
    ),
    asked(
        "2(a)",
        "Methods and steps performed for the development, including recourse to pre-trained systems or tools provided by third parties and how those were used, integrated or modified",
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
        "Design specifications: general logic of the system and of the algorithms, key design choices with rationale and assumptions, main classification choices, what it is designed to optimise for, expected output and output quality, trade-offs",
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
        "System architecture: how software components build on or feed into each other; computational resources used to develop, train, test and validate",
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
        "Data requirements in terms of datasheets: training methodologies and techniques, training data sets, their provenance, scope and main characteristics, how the data was obtained and selected, labelling procedures, data cleaning methodologies",
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
        "Assessment of the human oversight measures needed in accordance with Article 14, and of the technical measures needed to facilitate the interpretation of the outputs by the deployers (Article 13(3), point (d))",
        &[],
        "the assessment of the human oversight measures and of the technical measures that help deployers read the outputs",
    ),
    asked(
        "2(f)",
        "Where applicable, pre-determined changes to the system and its performance, and the technical solutions adopted to ensure continuous compliance",
        &[],
        "a description of pre-determined changes, or that there are none",
    ),
    asked(
        "2(g)",
        "Validation and testing procedures: the data used and their main characteristics; metrics of accuracy, robustness and compliance, and of potentially discriminatory impacts; test logs and test reports dated and signed by the responsible persons",
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
            ("scan and decision", Document, "/metadata/properties"),
            ("vulnerabilities of the training image", Document, "/vulnerabilities"),
        ],
        "the cybersecurity measures of the system in use (Article 15)",
    ),
    asked(
        "3",
        "Monitoring, functioning and control: capabilities and limitations in performance, degrees of accuracy, foreseeable unintended outcomes and sources of risks, human oversight measures, specifications on input data",
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
        "Appropriateness of the performance metrics for the specific AI system",
        &[("metrics", Model, "/modelCard/quantitativeAnalysis/performanceMetrics")],
        "why these metrics are the appropriate ones for this system",
    ),
    asked(
        "5",
        "The risk management system in accordance with Article 9",
        &[(
            "risks that the submitter names",
            Model,
            "/modelCard/considerations/ethicalConsiderations",
        )],
        "a detailed description of the risk management system",
    ),
    asked(
        "6",
        "Relevant changes made by the provider to the system through its lifecycle",
        &[("made from", Model, "/pedigree")],
        "the changes since earlier versions ('aibom bom diff' tells them between two AIBoMs)",
    ),
    asked(
        "7",
        "Harmonised standards applied in full or in part; where none have been applied, the solutions adopted to meet the requirements of Chapter III, Section 2, with other relevant standards and technical specifications applied",
        &[
            ("statements of the submitter", Model, "/modelCard/properties"),
            ("standards", Document, "/definitions/standards"),
        ],
        "the list of harmonised standards applied, or the solutions adopted to meet Chapter III, Section 2",
    ),
    asked(
        "8",
        "Copy of the EU declaration of conformity referred to in Article 47",
        &[],
        "the EU declaration of conformity",
    ),
    asked(
        "9",
        "The system in place to evaluate performance in the post-market phase in accordance with Article 72, including the post-market monitoring plan (Article 72(3))",
        &[],
        "the description of the post-market system and the monitoring plan",
    ),
];

/// Of a list of properties, the names that a field is about; other fields take all.
pub(super) fn wanted(number: &str, label: &str, name: &str) -> bool {
    match (number, label) {
        ("1(d)", _) => name.starts_with("aibom:file:"),
        ("7", "statements of the submitter") => name.starts_with("aibom:compliance:"),
        ("2(h)", "scan and decision") => {
            let begins = ["aibom:scan:", "aibom:findings:", "aibom:policy:", "aibom:decision"];
            begins.iter().any(|begin| name.starts_with(begin))
        }
        _ => true,
    }
}
