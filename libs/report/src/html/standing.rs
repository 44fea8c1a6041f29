//! How the document stands against the minimum elements of an SBOM for AI.

use super::badge::From;
use super::table::{Column, Row, details, table};
use super::view::Standing;
use super::write::Html;
use crate::Aibom;
use crate::score::{Cluster, Element, Score, Status, score};

const STATUSES: [(Status, &str); 3] =
    [(Status::Observed, "observed"), (Status::Asserted, "asserted"), (Status::Missing, "missing")];

/// The section: a bar for each cluster, and every element on demand.
pub(super) fn section(h: &mut Html, aibom: &Aibom, standing: Standing) {
    let score = score(aibom, standing.is_signed());
    super::section(h, "score", "Minimum elements", |h| {
        let [observed, asserted, missing] = STATUSES.map(|(status, _)| score.count(status));
        let all = score.elements.len();
        match standing {
            Standing::Refused => h.leaf(
                "p",
                "warning",
                "The bundle was refused: its signature does not count here, and the counts are only what \
                 the document says of itself.",
            ),
            Standing::Signed => h.leaf(
                "p",
                "note",
                "A signature is there, and nobody verified it here; the counts take it as it stands.",
            ),
            Standing::Unsigned | Standing::Verified => {}
        }
        h.el("p", &[("class", "lead")], |h| {
            h.leaf("strong", "", &format!("{} of {all}", observed + asserted));
            h.text(" elements of the G7/CISA “SBOM for AI” are here: ");
            h.text(&format!(
                "{observed} observed by the platform, {asserted} asserted, {missing} missing."
            ));
        });
        h.el("div", &[("class", "clusters")], |h| {
            Cluster::ALL.into_iter().for_each(|cluster| summary(h, &score, cluster));
        });
        details(h, &format!("Every element ({all})"), |h| {
            for cluster in Cluster::ALL {
                elements(h, &score, cluster);
            }
        });
    });
}

fn of(score: &Score, cluster: Cluster) -> impl Iterator<Item = &Element> {
    score.elements.iter().filter(move |element| element.cluster == cluster)
}

/// One square for each element of a cluster, and the counts in words.
fn summary(h: &mut Html, score: &Score, cluster: Cluster) {
    let count = |status| of(score, cluster).filter(|element| element.status == status).count();
    let words = STATUSES.map(|(status, word)| (count(status), word));
    let words: Vec<String> =
        words.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    h.el("div", &[("class", "cluster")], |h| {
        h.leaf("h3", "", cluster.title());
        h.el("div", &[("class", "squares"), ("aria-hidden", "true")], |h| {
            for (status, word) in STATUSES {
                for _ in 0..count(status) {
                    h.el("i", &[("class", word)], |_| {});
                }
            }
        });
        h.leaf("p", "note", &words.join(", "));
    });
}

fn elements(h: &mut Html, score: &Score, cluster: Cluster) {
    let row = |element: &Element| {
        let status = STATUSES.iter().find(|(status, _)| *status == element.status);
        let cells = vec![
            element.name.to_owned(),
            status.map_or("", |(_, word)| word).to_owned(),
            element.value.clone(),
            element.pointer.clone(),
        ];
        let from: From = element.source.iter().map(|source| (*source, String::new())).collect();
        let stress = if element.status == Status::Missing { "differs" } else { "" };
        Row { stress, ..Row::new(cells, from) }
    };
    let rows: Vec<Row> = of(score, cluster).map(row).collect();
    let columns = [
        Column::Text("Element"),
        Column::Text("Status"),
        Column::Text("Value"),
        Column::Code("Place"),
    ];
    table(h, cluster.title(), &columns, &rows);
}
