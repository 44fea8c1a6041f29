//! Names of statistics: nothing that a dataset calls its columns makes two of them one.

use super::*;

fn told(columns: &[&str], label: &str, classes: [&str; 2]) -> BTreeMap<String, String> {
    let mut yaml = "type: csv\ncolumns:\n".to_owned();
    for column in columns {
        yaml.push_str(&format!("  {}: float\n", serde_json::json!(column)));
    }
    yaml.push_str(&format!("  {0}: string\nlabel: {0}\n", serde_json::json!(label)));
    let header = [columns, &[label]].concat().join(",");
    let row = |class: &str| format!("{}{class}\n", "1,".repeat(columns.len()));
    let csv = format!("{header}\n{}{}", row(classes[0]), row(classes[1]));
    let definition = Definition::parse(yaml.as_bytes()).unwrap();
    let measured =
        dataset::describe(csv.as_bytes(), &definition, &dataset::Limits::default()).unwrap();
    of(&definition, &measured, Task::Classification)
}

#[test]
fn a_column_with_a_dot_is_not_taken_for_another_ones_statistic() {
    let told = told(&["a", "a.count", "b%2Ex"], "y.z", ["k.1", "50%"]);
    assert_eq!(told["a%2Ecount.mean"], "1");
    assert_eq!(told["b%252Ex.kind"], "float");
    assert_eq!(told["y%2Ez.count.k%2E1"], "1");
    assert_eq!(told["y%2Ez.count.50%25"], "1");
    assert_eq!(told.len(), 1 + 3 * 6 + 2 + 2);
}

#[test]
fn long_names_that_begin_alike_stay_different() {
    let long = |end: &str| format!("{}{end}", "ü".repeat(200));
    let (one, two) = (long("1"), long("2"));
    let told = told(&[&one, &two], "y", ["0", "1"]);
    assert_eq!(told.len(), 1 + 2 * 6 + 2 + 2);
    assert!(told.keys().all(|key| key.len() <= MAX_PART_BYTES + ".missing".len()));
    let cut = part(&one);
    assert!(cut.starts_with(&"ü".repeat(90)) && cut.contains("%~"));
    // A column of that very name is another one.
    assert_ne!(part(&cut), cut);
    assert_eq!(part(&"x".repeat(MAX_PART_BYTES)), "x".repeat(MAX_PART_BYTES));
    assert_ne!(part("a\u{1b}"), part("a\u{7f}"));
    // An escape is kept or cut as a whole.
    assert!(part(&".".repeat(500)).starts_with(&format!("{}%~", "%2E".repeat(60))));
}

#[test]
fn what_is_left_out_is_counted() {
    let names: Vec<String> = (0..2_000).map(|index| format!("c{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let told = told(&names, "y", ["0", "1"]);
    let all = 1 + 2_000 * 6 + 2 + 2;
    assert_eq!(told.len(), MAX_STATISTICS);
    assert_eq!(told["omitted"], (all - (MAX_STATISTICS - 1)).to_string());
}
