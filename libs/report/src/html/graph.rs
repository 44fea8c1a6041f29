//! The provenance as a drawing: inputs, training, outputs, scan, signed document.

use super::badge::{self, From};
use super::facts;
use super::table::{Column, Row, table};
use super::view::{Place, Standing, View};
use super::write::{Html, clip};

const BOX_WIDTH: f64 = 208.0;
const BOX_HEIGHT: f64 = 54.0;
const COLUMN: f64 = 264.0;
const ROW: f64 = 70.0;

/// A box: what it is, its name, and its digest or another short fact.
struct Node {
    role: &'static str,
    name: String,
    detail: String,
    digest: String,
    /// Who says the digest.
    from: From,
    column: f64,
    row: f64,
}

impl Node {
    fn new(role: &'static str, component: &Place<'_>, column: f64) -> Self {
        let hashes = component.items("/hashes");
        let sha256 = hashes.iter().find(|hash| hash.text("/alg") == "SHA-256");
        let digest = sha256.map_or("", |hash| hash.text("/content")).to_owned();
        let detail = if digest.is_empty() {
            component.text("/version").to_owned()
        } else {
            format!("sha256:{}", clip(&digest, 12))
        };
        let from = badge::from(&sha256.and_then(|hash| hash.at("/content")));
        let name = component.text("/name").to_owned();
        Self { role, name, detail, digest, from, column, row: 0.0 }
    }

    /// The box in words, without what it does not have.
    fn told(&self) -> String {
        let mut out = self.role.to_owned();
        if !self.name.is_empty() {
            out = format!("{out}: {}", self.name);
        }
        if !self.detail.is_empty() {
            out = format!("{out} ({})", self.detail);
        }
        out
    }
}

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let mut nodes = Vec::new();
    column(&mut nodes, 0.0, inputs(view));
    let task = view.component("output/model.keras");
    let task = task.map_or("", |model| model.text("/modelCard/modelParameters/task"));
    let training = Node {
        role: "Training",
        name: task.to_owned(),
        detail: view
            .task("task/observed/train")
            .map(|t| t.text("/timeEnd").to_owned())
            .unwrap_or_default(),
        digest: String::new(),
        from: From::new(),
        column: 1.0,
        row: 1.0,
    };
    nodes.push(training);
    column(&mut nodes, 2.0, outputs(view));
    let scans = view.root().items("/metadata/tools/components");
    if let Some(scanner) =
        scans.iter().find(|tool| tool.text("/bom-ref").starts_with("tool/scanner/"))
    {
        let detail = format!("{} {}", scanner.text("/name"), scanner.text("/version"));
        let name = "of the image".to_owned();
        let digest = String::new();
        let from = From::new();
        nodes.push(Node { role: "Scan", name, detail, digest, from, column: 2.0, row: 3.0 });
    }
    nodes.push(Node {
        role: document(view.standing()),
        name: "this AIBoM".to_owned(),
        detail: clip(view.root().text("/serialNumber").trim_start_matches("urn:uuid:"), 23),
        digest: String::new(),
        from: From::new(),
        column: 3.0,
        row: 1.5,
    });
    h.el("figure", &[("class", "graph")], |h| {
        h.el("div", &[("class", "scroll")], |h| drawing(h, &nodes));
        h.leaf("figcaption", "", "From what, by what and into what; digests are cut to 12 digits.");
    });
    let digests: Vec<Row> = nodes
        .iter()
        .filter(|node| !node.digest.is_empty())
        .map(|n| {
            let cells = vec![n.role.to_owned(), n.name.clone(), n.digest.clone()];
            Row::new(cells, n.from.clone())
        })
        .collect();
    super::table::details(h, &format!("Digests in full ({})", digests.len()), |h| {
        let columns = [Column::Text("Role"), Column::Text("Name"), Column::Code("SHA-256")];
        table(h, "SHA-256 of what went in and came out", &columns, &digests);
    });
    ancestors(h, view);
}

/// What the document's box is called.
const fn document(standing: Standing) -> &'static str {
    match standing {
        Standing::Unsigned => "Unsigned document",
        Standing::Signed => "Signed, not verified here",
        Standing::Verified => "Verified document",
        Standing::Refused => "Refused document",
    }
}

/// Sets nodes below one another.
fn column(into: &mut Vec<Node>, column: f64, nodes: Vec<Node>) {
    let mut row = 0.0;
    for node in nodes {
        into.push(Node { column, row, ..node });
        row += 1.0;
    }
}

fn inputs(view: &View<'_>) -> Vec<Node> {
    let roles = [
        ("Submitted model", "input/model"),
        ("Dataset", "input/dataset"),
        ("Definition", "input/definition"),
        ("Trainer image", "image/trainer"),
        ("Host", "host/cpu"),
    ];
    let node = |(role, reference)| Some(Node::new(role, &view.component(reference)?, 0.0));
    roles.into_iter().filter_map(node).collect()
}

fn outputs(view: &View<'_>) -> Vec<Node> {
    let model = view.component("output/model.keras");
    let mut nodes: Vec<Node> = model.iter().map(|m| Node::new("Trained model", m, 2.0)).collect();
    let log = view.components("log/");
    nodes.extend(log.first().map(|log| Node::new("Log", log, 2.0)));
    let mut others = view.components("output/");
    others.retain(|file| file.text("/bom-ref") != "output/model.keras");
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|file| file.text("/name")).collect();
        nodes.push(Node {
            role: "Other outputs",
            name: format!("{} files", others.len()),
            detail: clip(&names.join(", "), 28),
            digest: String::new(),
            from: From::new(),
            column: 2.0,
            row: 0.0,
        });
    }
    nodes
}

fn drawing(h: &mut Html, nodes: &[Node]) {
    let rows = nodes.iter().fold(1.0_f64, |most, node| most.max(node.row + 1.0));
    let (width, height) = (3.0 * COLUMN + BOX_WIDTH + 2.0, rows * ROW);
    let size = format!("0 0 {width} {height}");
    let labels = ("graph-title", "graph-description");
    let attributes = [
        ("viewBox", size.as_str()),
        ("role", "img"),
        ("aria-labelledby", "graph-title graph-description"),
        ("class", "drawing"),
    ];
    h.el("svg", &attributes, |h| {
        h.el("title", &[("id", labels.0)], |h| h.text("Provenance"));
        let told: Vec<String> = nodes.iter().map(Node::told).collect();
        h.el("desc", &[("id", labels.1)], |h| h.text(&told.join("; ")));
        for from in nodes {
            let ends = |to: &&Node| leads(from, to);
            nodes.iter().filter(ends).for_each(|to| edge(h, from, to));
        }
        nodes.iter().for_each(|node| boxed(h, node));
    });
}

/// Whether something of `from` went into `to`.
fn leads(from: &Node, to: &Node) -> bool {
    matches!(
        (from.role, to.role),
        ("Submitted model" | "Dataset" | "Definition" | "Trainer image" | "Host", "Training")
            | ("Training", "Trained model" | "Other outputs" | "Log")
            | ("Trainer image", "Scan")
            | (
                "Trained model" | "Other outputs" | "Log" | "Scan",
                "Unsigned document"
                    | "Signed, not verified here"
                    | "Verified document"
                    | "Refused document"
            )
    )
}

fn edge(h: &mut Html, from: &Node, to: &Node) {
    let middle = |row: f64| row * ROW + ROW / 2.0;
    let (x1, y1) = (from.column * COLUMN + BOX_WIDTH + 1.0, middle(from.row));
    let (x2, y2) = (to.column * COLUMN + 1.0, middle(to.row));
    let bend = 30.0;
    let path = format!(
        "M{x1:.0} {y1:.0}C{:.0} {y1:.0} {:.0} {y2:.0} {:.0} {y2:.0}M{:.0} {:.0}L{x2:.0} {y2:.0}L{:.0} {:.0}",
        x1 + bend,
        x2 - bend,
        x2 - 1.0,
        x2 - 7.0,
        y2 - 4.0,
        x2 - 7.0,
        y2 + 4.0,
    );
    h.el("path", &[("class", "edge"), ("d", &path)], |_| {});
}

fn boxed(h: &mut Html, node: &Node) {
    let x = node.column * COLUMN + 1.0;
    let y = node.row * ROW + (ROW - BOX_HEIGHT) / 2.0;
    let class = match node.role {
        "Training" | "Scan" => "node act",
        "Verified document" => "node seal",
        "Refused document" => "node broken",
        _ => "node",
    };
    h.el("g", &[("class", class)], |h| {
        let [x_text, y_text] = [x, y].map(|at| format!("{at:.0}"));
        let (width, height) = (BOX_WIDTH.to_string(), BOX_HEIGHT.to_string());
        let shape = [
            ("x", x_text.as_str()),
            ("y", &y_text),
            ("width", &width),
            ("height", &height),
            ("rx", "5"),
        ];
        h.el("rect", &shape, |_| {});
        // As many characters as fit the box in the style of the line.
        let lines = [
            ("role", node.role, 15.0, 28),
            ("name", &node.name, 31.0, 22),
            ("detail", &node.detail, 46.0, 28),
        ];
        for (class, text, below, most) in lines {
            let (left, base) = (format!("{:.0}", x + 10.0), format!("{:.0}", y + below));
            let attributes = [("class", class), ("x", left.as_str()), ("y", base.as_str())];
            h.el("text", &attributes, |h| h.text(&clip(text, most)));
        }
    });
}

/// What the model was derived from, as its submitter says.
fn ancestors(h: &mut Html, view: &View<'_>) {
    let Some(model) = view.component("output/model.keras") else { return };
    let bases = model.items("/pedigree/ancestors");
    if bases.is_empty() {
        return;
    }
    h.leaf("h3", "", "Derived from");
    for base in bases {
        facts::facts(h, |h| {
            super::overview::described(h, &base);
            facts::fact(h, "How it was derived", base.property("aibom:derivation"));
        });
    }
    facts::facts(h, |h| facts::fact(h, "Note", model.at("/pedigree/notes")));
}
