//! Tables that scroll in themselves, with the marks of who says each row.

use super::badge::{From, badges};
use super::write::{Html, grouped};

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Words; the first such column heads its row.
    Text(&'static str),
    /// Numbers, right-aligned.
    Number(&'static str),
    /// Digests and other names for machines.
    Code(&'static str),
}

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Self::Text(title) | Self::Number(title) | Self::Code(title) => title,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "number",
            Self::Code(_) => "code",
        }
    }
}

/// One row.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// A text for each column.
    pub(super) cells: Vec<String>,
    /// Where the first cell leads; empty for nowhere.
    pub(super) href: String,
    /// Who says it.
    pub(super) from: From,
    /// Who says each cell, where that differs within the row; empty when `from` holds for all.
    pub(super) each: Vec<From>,
    /// A class that stresses the row, such as `differs`; empty for none.
    pub(super) stress: &'static str,
}

impl Row {
    /// A row whose cells have sources of their own.
    pub(super) fn marked(cells: Vec<String>, each: Vec<From>) -> Self {
        Self { cells, each, ..Self::default() }
    }

    /// A plain row.
    pub(super) fn new(cells: Vec<String>, from: From) -> Self {
        Self { cells, from, ..Self::default() }
    }
}

/// A table with a caption; nothing when it has no rows.
///
/// When all rows have the same sources their marks stand at the caption, else at each row. Sources
/// of single cells stand at the column's title when they are the same in all rows that have any,
/// else in each cell.
pub(super) fn table(h: &mut Html, caption: &str, columns: &[Column], rows: &[Row]) {
    let Some(first) = rows.first() else { return };
    let uniform = rows.iter().all(|row| row.from.keys().eq(first.from.keys()));
    let titles: Vec<Option<&From>> = (0..columns.len()).map(|at| shared(rows, at)).collect();
    h.el(
        "div",
        &[("class", "scroll"), ("role", "region"), ("aria-label", caption), ("tabindex", "0")],
        |h| {
            h.el("table", &[], |h| {
                h.el("caption", &[], |h| {
                    h.text(caption);
                    if uniform {
                        badges(h, &first.from);
                    }
                });
                h.el("thead", &[], |h| {
                    h.el("tr", &[], |h| {
                        for (column, from) in columns.iter().zip(&titles) {
                            let attributes = [("scope", "col"), ("class", column.class())];
                            h.el("th", &attributes, |h| {
                                h.text(column.title());
                                from.iter().for_each(|from| badges(h, from));
                            });
                        }
                        if !uniform {
                            h.el("th", &[("scope", "col")], |h| h.text("Said by"));
                        }
                    });
                });
                h.el("tbody", &[], |h| {
                    for row in rows {
                        self::row(h, columns, &titles, row, !uniform);
                    }
                });
            });
        },
    );
}

/// The sources of a column's cells, when all that have any have the same.
fn shared(rows: &[Row], column: usize) -> Option<&From> {
    let mut all = rows.iter().filter_map(|row| row.each.get(column)).filter(|f| !f.is_empty());
    let first = all.next()?;
    all.all(|from| from.keys().eq(first.keys())).then_some(first)
}

fn row(h: &mut Html, columns: &[Column], titles: &[Option<&From>], row: &Row, marks: bool) {
    h.el("tr", &[("class", row.stress)], |h| {
        for (index, (column, cell)) in columns.iter().zip(&row.cells).enumerate() {
            let class = ("class", column.class());
            let write = |h: &mut Html| match column {
                Column::Number(_) => h.text(&grouped(cell)),
                Column::Text(_) | Column::Code(_) if index == 0 => h.link(&row.href, cell),
                Column::Text(_) | Column::Code(_) => h.text(cell),
            };
            if index == 0 {
                h.el("th", &[("scope", "row"), class], write);
            } else {
                h.el("td", &[class], |h| {
                    write(h);
                    if matches!(titles.get(index), Some(None)) {
                        row.each.get(index).iter().for_each(|from| badges(h, from));
                    }
                });
            }
        }
        if marks {
            h.el("td", &[("class", "marks")], |h| badges(h, &row.from));
        }
    });
}

/// A part that opens on demand, with a count in its title.
pub(super) fn details(h: &mut Html, title: &str, inner: impl FnOnce(&mut Html)) {
    h.el("details", &[], |h| {
        h.leaf("summary", "", title);
        inner(h);
    });
}
