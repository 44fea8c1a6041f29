//! The training image and every package in it.

use std::collections::BTreeMap;

use super::badge;
use super::facts::{fact, facts};
use super::table::{Column, Row, details, table};
use super::view::{Place, View, licences};
use super::write::Html;
use super::{model, overview};

/// The class of the image's operating system itself, and of what the scanner gave none.
const SYSTEM: &str = "the image’s operating system";
const NO_CLASS: &str = "";

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let Some(image) = view.component("image/trainer") else {
        h.leaf("p", "none", "The document holds no image.");
        return;
    };
    facts(h, |h| {
        overview::described(h, &image);
        for (name, value) in image.properties("aibom:") {
            fact(h, &model::words(name), Some(value));
        }
    });
    let mut classes: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for component in view.root().items("/components") {
        let class = match (component.text("/type"), component.text("/bom-ref")) {
            ("library", _) => class(&component),
            (_, "image/os") => SYSTEM,
            _ => continue,
        };
        classes.entry(class).or_default().push(component);
    }
    let total: usize = classes.values().map(Vec::len).sum();
    let counts: Vec<String> =
        classes.iter().map(|(class, packages)| counted(class, packages.len())).collect();
    h.leaf("p", "lead", &format!("{total} components in the image: {}.", counts.join(", ")));
    for (class, packages) in &classes {
        let title = counted(class, packages.len());
        let title = title.replacen("the image", "The image", 1);
        details(h, &title, |h| listed(h, &title, packages));
    }
}

/// So many of a class, in words.
fn counted(class: &str, number: usize) -> String {
    let packages = if number == 1 { "package" } else { "packages" };
    match class {
        SYSTEM => SYSTEM.to_owned(),
        "operating-system" => format!("{number} {packages} of the distribution"),
        "python-pkg" => format!("{number} Python {packages}"),
        "library" => format!("{number} language {packages}"),
        NO_CLASS => format!("{number} {packages} of no class"),
        other => format!("{number} {packages} of the class {other}"),
    }
}

/// What the scanner calls it: `operating-system`, `python-pkg`.
fn class<'v>(package: &Place<'v>) -> &'v str {
    let value = package.property("aibom:package:class").map(|class| class.value());
    value.and_then(|class| class.as_str()).unwrap_or(NO_CLASS)
}

fn listed(h: &mut Html, title: &str, packages: &[Place<'_>]) {
    let row = |package: &Place<'_>| {
        let cells = vec![
            package.text("/name").to_owned(),
            package.text("/version").to_owned(),
            licences(package),
            package.text("/purl").to_owned(),
        ];
        let told = ["/name", "/version", "/purl"].map(|tail| package.at(tail));
        Row::new(cells, badge::from(told.iter().flatten()))
    };
    let rows: Vec<Row> = packages.iter().map(row).collect();
    let columns = [
        Column::Text("Name"),
        Column::Code("Version"),
        Column::Text("Licence"),
        Column::Code("Package URL"),
    ];
    table(h, title, &columns, &rows);
}
