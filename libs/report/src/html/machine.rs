//! The machine that trained, and the programs that made the document.

use super::badge;
use super::table::{Column, Row, table};
use super::view::{Place, View};
use super::write::Html;
use super::{facts, model, units};

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let rows: Vec<Row> = view.components("host").iter().map(part).collect();
    let columns = [
        Column::Text("Part"),
        Column::Text("Kind"),
        Column::Code("Version"),
        Column::Text("Made by"),
        Column::Text("More"),
    ];
    table(h, "Machine", &columns, &rows);
    for tool in view.root().items("/metadata/tools/components") {
        super::table::details(h, &format!("Tool: {}", tool.text("/name")), |h| {
            facts::facts(h, |h| {
                super::overview::described(h, &tool);
                for (name, value) in tool.properties("aibom:") {
                    facts::fact(h, &model::words(name), Some(value));
                }
            });
        });
    }
}

fn part(part: &Place<'_>) -> Row {
    let more: Vec<String> = part
        .properties("aibom:")
        .iter()
        .map(|(name, value)| units::labelled(name, value))
        .map(|(label, text)| format!("{label}: {text}"))
        .collect();
    let cells = vec![
        part.text("/name").to_owned(),
        part.text("/type").to_owned(),
        part.text("/version").to_owned(),
        part.text("/manufacturer/name").to_owned(),
        more.join("\n"),
    ];
    Row::new(cells, badge::from(&part.at("/name")))
}
