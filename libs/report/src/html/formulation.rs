//! How the model was made: what was asked for beside what ran, the command, the container.

use std::collections::BTreeMap;

use super::badge::{self, From};
use super::facts::{code, fact, facts};
use super::table::{Column, Row, table};
use super::view::{Place, View};
use super::write::Html;

/// The section.
pub(super) fn section(h: &mut Html, view: &View<'_>) {
    let declared = view.task("task/declared/train");
    let observed = view.task("task/observed/train");
    compared(h, &parameters(declared.as_ref()), &parameters(observed.as_ref()));
    if let Some(task) = &observed {
        command(h, task);
    }
    if let Some(workflow) = view.workflow("workflow/observed") {
        container(h, &workflow);
    }
    if let Some(task) = &declared {
        settings(h, "Limits that were asked for", &task.properties("aibom:requested:"));
    }
}

type Parameters<'v> = BTreeMap<&'v str, Place<'v>>;

fn parameters<'v>(task: Option<&Place<'v>>) -> Parameters<'v> {
    let inputs = task.map(|task| task.items("/inputs")).unwrap_or_default();
    let parameters = inputs.iter().flat_map(|input| input.items("/parameters"));
    parameters.map(|parameter| (parameter.text("/name"), parameter)).collect()
}

fn value(parameter: &Place<'_>) -> String {
    parameter.at("/value").map(|value| value.show()).unwrap_or_default()
}

/// Whether the request left the value to the trainer.
fn is_open(parameter: &Place<'_>) -> bool {
    parameter.text("/dataType") == "null" || value(parameter) == "null"
}

/// Whether two texts are the same value: `30` and `30.0` are.
fn same(a: &str, b: &str) -> bool {
    let numbers = a.parse::<f64>().ok().zip(b.parse::<f64>().ok());
    a == b || numbers.is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
}

fn compared(h: &mut Html, declared: &Parameters<'_>, observed: &Parameters<'_>) {
    let mut names: Vec<&str> = declared.keys().chain(observed.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    let mut differing = 0_usize;
    let mut row = |name: &&str| {
        let (asked, ran) = (declared.get(name), observed.get(name));
        let (verdict, stress) = match (asked, ran) {
            (Some(a), Some(_)) if is_open(a) => ("left to the trainer", ""),
            (Some(a), Some(b)) if same(&value(a), &value(b)) => ("same", ""),
            (Some(_), Some(_)) => ("differs", "differs"),
            (Some(_), None) => ("not reported", "quiet"),
            (None, _) => ("the trainer’s own", "quiet"),
        };
        differing += usize::from(stress == "differs");
        let cell = |of: Option<&Place<'_>>| of.map_or_else(|| "–".to_owned(), value);
        let from = |of: Option<&Place<'_>>| badge::from(&of.and_then(|p| p.at("/value")));
        let cells = vec![(*name).to_owned(), cell(asked), cell(ran), verdict.to_owned()];
        let each = vec![From::new(), from(asked), from(ran), From::new()];
        Row { stress, ..Row::marked(cells, each) }
    };
    let rows: Vec<Row> = names.iter().map(&mut row).collect();
    let columns = [
        Column::Text("Parameter"),
        Column::Code("Asked for"),
        Column::Code("In effect, as reported"),
        Column::Text("Compared"),
    ];
    table(h, &caption(differing, declared, observed), &columns, &rows);
}

/// How the two lists compare, in words; nothing is said of what the trainer did not report.
fn caption(differing: usize, declared: &Parameters<'_>, observed: &Parameters<'_>) -> String {
    if observed.is_empty() {
        return "Parameters: those in effect were not reported, so nothing is compared".to_owned();
    }
    let compared = match differing {
        0 => "no reported value differs from what was asked for".to_owned(),
        1 => "1 value differs from what was asked for".to_owned(),
        many => format!("{many} values differ from what was asked for"),
    };
    match declared.keys().filter(|name| !observed.contains_key(*name)).count() {
        0 => format!("Parameters: {compared}"),
        silent => format!("Parameters: {compared}, {silent} not reported"),
    }
}

fn command(h: &mut Html, task: &Place<'_>) {
    h.leaf("h3", "", "Command");
    facts(h, |h| {
        for step in task.items("/steps") {
            for command in step.items("/commands") {
                code(h, step.text("/name"), command.at("/executed"));
            }
        }
        for input in task.items("/inputs") {
            fact(h, "Environment names", input.at("/environmentVars"));
        }
    });
}

/// The container's settings and limits, what it could reach, and how it ended.
fn container(h: &mut Html, workflow: &Place<'_>) {
    h.leaf("h3", "", "Isolation");
    let groups = [
        ("Settings of the container", "aibom:isolation:"),
        ("Limits in force", "aibom:limit:"),
        ("How it ended and what it used", "aibom:run:"),
        ("Grant of the scheduler", "aibom:grant:"),
    ];
    for (caption, prefix) in groups {
        settings(h, caption, &workflow.properties(prefix));
        if prefix == "aibom:isolation:" {
            workspaces(h, workflow);
        }
    }
}

fn settings(h: &mut Html, caption: &str, settings: &[(&str, Place<'_>)]) {
    let row = |(name, value): &(&str, Place<'_>)| {
        let (label, text) = super::units::labelled(name, value);
        Row::new(vec![label, text], badge::from([value]))
    };
    let rows: Vec<Row> = settings.iter().map(row).collect();
    table(h, caption, &[Column::Text("Setting"), Column::Code("Value")], &rows);
}

fn workspaces(h: &mut Html, workflow: &Place<'_>) {
    let row = |space: &Place<'_>| {
        let name = [space.text("/name"), space.text("/uid")].into_iter().find(|t| !t.is_empty());
        let cells = [name.unwrap_or_default(), space.text("/mountPath"), space.text("/accessMode")];
        let from: From = badge::from(&space.at("/mountPath"));
        Row::new(cells.map(str::to_owned).to_vec(), from)
    };
    let rows: Vec<Row> = workflow.items("/workspaces").iter().map(row).collect();
    let columns = [Column::Text("Mount"), Column::Code("Path inside"), Column::Text("Access")];
    table(h, "What the container could reach", &columns, &rows);
}
