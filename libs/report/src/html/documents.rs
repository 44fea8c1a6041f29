//! Keys, the documents of the evidence with their digests, outputs, and what is known completely.

use super::badge;
use super::table::{Column, Row, table};
use super::view::{Place, View};
use super::write::Html;

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    evidence(h, view);
    files(h, view);
    keys(h, view);
    completeness(h, view);
}

fn evidence(h: &mut Html, view: &View<'_>) {
    let row = |reference: &Place<'_>| {
        let hashes = reference.items("/hashes");
        let sha256 =
            hashes.iter().find(|hash| hash.text("/alg") == "SHA-256").or_else(|| hashes.first());
        let cells = vec![
            reference.text("/url").to_owned(),
            reference.text("/type").to_owned(),
            reference.text("/comment").to_owned(),
            sha256.map_or("none: outside of the bundle", |hash| hash.text("/content")).to_owned(),
        ];
        Row::new(cells, badge::from(&sha256.and_then(|hash| hash.at("/content"))))
    };
    let rows: Vec<Row> = view.root().items("/externalReferences").iter().map(row).collect();
    let columns = [
        Column::Code("Document"),
        Column::Text("Type"),
        Column::Text("What it is"),
        Column::Code("Digest (SHA-256)"),
    ];
    table(h, "Evidence", &columns, &rows);
}

fn files(h: &mut Html, view: &View<'_>) {
    let row = |file: &Place<'_>| {
        let hashes = file.items("/hashes");
        let sha256 = hashes.iter().find(|hash| hash.text("/alg") == "SHA-256");
        let digest = sha256.and_then(|hash| hash.at("/content"));
        let cells = vec![
            file.text("/bom-ref").to_owned(),
            file.text("/mime-type").to_owned(),
            digest.as_ref().map(Place::show).unwrap_or_default(),
        ];
        Row::new(cells, badge::from(&digest))
    };
    let prefixes = ["input/", "output/", "log/"];
    let files = prefixes.iter().flat_map(|prefix| view.components(prefix));
    let rows: Vec<Row> = files.map(|file| row(&file)).collect();
    let columns = [Column::Code("File"), Column::Text("Media type"), Column::Code("SHA-256")];
    table(h, "Files that went in and came out", &columns, &rows);
}

fn keys(h: &mut Html, view: &View<'_>) {
    let row = |key: &Place<'_>| {
        let cells = vec![
            key.text("/name").to_owned(),
            key.text("/cryptoProperties/assetType").to_owned(),
            key.text("/description").to_owned(),
            key.text("/bom-ref").to_owned(),
        ];
        Row::new(cells, badge::from(&key.at("/name")))
    };
    let keys = ["key/", "algorithm/"].into_iter().flat_map(|prefix| view.components(prefix));
    let rows: Vec<Row> = keys.map(|key| row(&key)).collect();
    let columns =
        [Column::Text("Name"), Column::Text("Kind"), Column::Text("Of"), Column::Code("Reference")];
    table(h, "Keys and algorithms", &columns, &rows);
}

/// What each composition says of how much is known.
fn completeness(h: &mut Html, view: &View<'_>) {
    const SHOWN: usize = 8;
    let row = |composition: &Place<'_>| {
        let lists = ["/assemblies", "/dependencies", "/vulnerabilities"];
        let members: Vec<Place<'_>> =
            lists.iter().flat_map(|list| composition.items(list)).collect();
        let mut members: Vec<&str> =
            members.iter().map(|m| m.value().as_str().unwrap_or_default()).collect();
        // One thing can stand in two lists.
        members.dedup();
        let mut of = members.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        if members.len() > SHOWN {
            of = format!("{of} and {} more", members.len() - SHOWN);
        }
        let kind = lists.iter().find(|list| !composition.items(list).is_empty());
        let about = kind.map_or("", |list| list.trim_start_matches('/'));
        let name = composition.text("/bom-ref").trim_start_matches("composition/").to_owned();
        Row::new(
            vec![name, composition.text("/aggregate").to_owned(), about.to_owned(), of],
            badge::from(&composition.at("/aggregate")),
        )
    };
    let rows: Vec<Row> = view.root().items("/compositions").iter().map(row).collect();
    let columns = [
        Column::Text("What"),
        Column::Text("Known"),
        Column::Text("As to"),
        Column::Code("Members"),
    ];
    table(h, "How completely it is known", &columns, &rows);
}
