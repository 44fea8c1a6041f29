//! Which profiles of SPDX the document conforms to: none is claimed whose demands it does not meet.
//!
//! Schema and shapes do not ask for what stands in the prose of the model ("External properties
//! restrictions", "Profile conformance"), so it is asked for here.

use serde_json::Value;

/// The profiles whose classes are used, in the order that they are claimed.
const ALL: [&str; 7] =
    ["core", "software", "ai", "dataset", "build", "security", "simpleLicensing"];

/// What a profile demands of every element of a class. Licences are not in it: the graph has exactly one
/// declared and one concluded licence for every model and dataset.
const DEMANDED: [(&str, &str, &[&str]); 4] = [
    ("software", "software_Package", &["name"]),
    ("software", "software_File", &["name"]),
    (
        "ai",
        "ai_AIPackage",
        &[
            "name",
            "suppliedBy",
            "software_downloadLocation",
            "software_packageVersion",
            "software_primaryPurpose",
            "releaseTime",
        ],
    ),
    (
        "dataset",
        "dataset_DatasetPackage",
        &[
            "name",
            "originatedBy",
            "builtTime",
            "releaseTime",
            "software_downloadLocation",
            "software_primaryPurpose",
        ],
    ),
];

/// The profiles that all the elements conform to.
pub(super) fn met(elements: &[Value]) -> Vec<&'static str> {
    let lacks = |profile: &str| {
        let demands = DEMANDED.iter().filter(|(of, ..)| *of == profile);
        demands.into_iter().any(|(_, class, members)| {
            let of_class = elements.iter().filter(|element| element["type"] == *class);
            of_class.into_iter().any(|element| members.iter().any(|m| element.get(m).is_none()))
        })
    };
    ALL.into_iter().filter(|profile| !lacks(profile)).collect()
}
