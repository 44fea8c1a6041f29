//! Tests of definitions: AIBoMGen's own forms are read, everything else is refused by name.

use proptest::prelude::*;

use super::*;

/// The example of AIBoMGen's README.
const AIBOMGEN: &str = "columns:\n   feature1: float\n   feature10: float\n   label: int\n\
    input_shape:\n- 2\nlabel: label\noutput_shape:\n- 1\n\
    preprocessing:\n   clip:\n   - 0.0\n   - 1.0\n   normalize: true\n   scale: 1.0\n";

fn parse(text: &str) -> Result<Definition, DefinitionError> {
    Definition::parse(text.as_bytes())
}

fn names(definition: &Definition) -> Vec<&str> {
    definition.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn aibomgen_s_example_is_read() {
    let definition = parse(AIBOMGEN).unwrap();
    assert_eq!(names(&definition), ["feature1", "feature10", "label"]);
    assert_eq!(definition.label_column().unwrap().kind, ColumnKind::Int);
    assert_eq!(definition.features().count(), 2);
    assert_eq!(definition.input_shape, Some(vec![2]));
    assert_eq!(definition.output_shape, Some(vec![1]));
    let Preprocessing { normalize, scale, clip } = definition.preprocessing;
    assert!(normalize);
    assert_eq!(scale.map(Decimal::get), Some(1.0));
    assert_eq!(clip.map(|(low, high)| (low.get(), high.get())), Some((0.0, 1.0)));
}

#[test]
fn the_examples_of_the_project_are_read() {
    let wine = parse(include_str!("../../../../examples/wine/definition.yaml")).unwrap();
    assert_eq!((wine.columns.len(), wine.label.as_str()), (14, "target"));
    assert_eq!(wine.columns[1].name, "malic_acid", "file order is kept");
    let regression = parse(include_str!("../../../../examples/wine-regression/definition.yaml"));
    assert_eq!(regression.unwrap().label, "flavanoids");
}

#[test]
fn names_keep_their_text_and_order() {
    let definition = parse(
        "label: class # the answer\ncolumns: {fixed acidity: float, \"a: &b\": int64, on: double,\n \
         '1': int, 'it''s *x': float, R&D: float, a & b: float, class: str}\nlabels: [x, 2, 1.5]",
    )
    .unwrap();
    let expected = ["fixed acidity", "a: &b", "on", "1", "it's *x", "R&D", "a & b", "class"];
    assert_eq!(names(&definition), expected);
    assert_eq!(definition.labels.unwrap(), ["x", "2", "1.5"]);
    assert_eq!(definition.preprocessing, Preprocessing::default());
    let unquoted = parse("columns: {1: int, true: float, null: int}\nlabel: '1'").unwrap();
    assert_eq!(names(&unquoted), ["1", "true", "null"]);
}

const GOOD: &str = "columns: {a: float, b: int}\nlabel: b\n";

const WHOLE: &[(&str, &str)] = &[
    ("", "must be a mapping"),
    ("[]", "must be a mapping"),
    ("a: [", "not valid YAML"),
    ("--- {}\n--- {}", "not valid YAML"),
    ("label: b\n", "columns is missing"),
    ("columns: {a: float, b: int}\n", "label is missing"),
    ("columns: {a: float, b: int}\nlabel: c\n", "label must be the name of a column"),
    ("columns: {a: float, b: int}\nlabel: [b]\n", "label must be"),
    ("columns: {a: float, 1: int}\nlabel: 1\n", "label must be"),
    ("columns: {b: int}\nlabel: b\n", "at least one feature"),
    ("columns: {}\nlabel: b\n", "columns must be a mapping"),
    ("columns: [a, b]\nlabel: b\n", "columns must be a mapping"),
    ("columns: {a: float, b: complex}\nlabel: b\n", "columns.b must be a known type"),
    ("columns: {a: float, b: [int]}\nlabel: b\n", "columns.b must be a known type"),
    ("columns: {a: string, b: int}\nlabel: b\n", "columns.a must be float or int"),
    ("columns: {a: float, a: int, b: int}\nlabel: b\n", "the key \"a\" appears twice"),
    ("columns: {a: float, <<: int, b: int}\nlabel: b\n", "columns must be named"),
];

const APPENDED: &[(&str, &str)] = &[
    ("label: a", "the key \"label\" appears twice"),
    ("type: image", "type \"image\" are unsupported"),
    ("type: tfrecord", "type \"tfrecord\" are unsupported"),
    ("type: [csv]", "type must be csv"),
    ("image_size: [1, 1]", "type \"image\" are unsupported"),
    ("shuffle: true", "unknown key \"shuffle\" in the definition"),
    ("preprocessing: {normalise: true}", "unknown key \"normalise\" in preprocessing"),
    ("preprocessing: {normalize: 1}", "preprocessing.normalize must be true or false"),
    ("preprocessing: {normalize: yes}", "preprocessing.normalize must be true or false"),
    ("preprocessing: {scale: x}", "preprocessing.scale must be a finite number"),
    ("preprocessing: {scale: .inf}", "preprocessing.scale must be a finite number"),
    ("preprocessing: {clip: [1]}", "preprocessing.clip must be"),
    ("preprocessing: {clip: [2, 1]}", "preprocessing.clip must be"),
    ("preprocessing: {clip: [.nan, 1]}", "preprocessing.clip must be"),
    ("preprocessing: [normalize]", "preprocessing must be a mapping"),
    ("input_shape: [2]", "input_shape must be [the number of feature columns]"),
    ("input_shape: [0]", "input_shape must be a list"),
    ("input_shape: 1", "input_shape must be a list"),
    ("output_shape: [-1]", "output_shape must be a list"),
    ("output_shape: [1.5]", "output_shape must be a list"),
    ("output_shape: [1, 1, 1, 1, 1, 1, 1, 1, 1]", "output_shape must be a list"),
    ("labels: []", "labels must be"),
    ("labels: [a, a]", "labels must be"),
    ("labels: [1, '1']", "labels must be"),
    ("labels: [true]", "labels must be"),
    ("labels: [[a]]", "labels must be"),
    ("labels: &x [a]", "line 3 has an anchor"),
    ("labels: [*x]", "line 3 has an anchor"),
    ("labels:\n- a\n- *x", "line 5 has an anchor"),
    ("labels: !!set {a}", "line 3 has an anchor"),
    ("preprocessing: !!python/object:os.system {}", "line 3 has an anchor"),
    ("'quoted' : *x", "line 3 has an anchor"),
    ("\"quo\\\"ted\": *x", "line 3 has an anchor"),
];

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let whole = WHOLE.iter().map(|(text, expected)| ((*text).to_owned(), *expected));
    let appended = APPENDED.iter().map(|(more, expected)| (format!("{GOOD}{more}\n"), *expected));
    for (text, expected) in whole.chain(appended) {
        let error = parse(&text).expect_err(&text).to_string();
        assert!(error.contains(expected), "{text:?} gave {error:?}");
    }
    assert!(parse(GOOD).is_ok());
}

#[test]
fn size_depth_and_width_are_bounded() {
    let long = format!("{GOOD}#{}", "x".repeat(MAX_BYTES));
    assert!(matches!(parse(&long), Err(DefinitionError::TooLong(_))));
    for deep in ["[".repeat(30_000), "{a: ".repeat(15_000), "- ".repeat(30_000)] {
        assert!(matches!(parse(&deep), Err(DefinitionError::Yaml(_))));
    }
    let wide: String = (0..=MAX_COLUMNS).map(|i| format!(" c{i}: int\n")).collect();
    let wide = format!("columns:\n{wide}label: c0");
    assert!(parse(&wide).unwrap_err().to_string().contains("columns must be a mapping of"));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n";
    assert_eq!(parse(bomb), Err(DefinitionError::Indirection { line: 1 }));
    assert!(matches!(Definition::parse(b"a: \xFF"), Err(DefinitionError::Yaml(_))));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,80}", yaml in "[a-c:\\-\\[\\]{},&*!'\" \n]{0,80}") {
        let _ = parse(&text);
        let _ = parse(&yaml);
        let _ = parse(&format!("{GOOD}{yaml}"));
    }

    #[test]
    fn any_quoted_name_survives(name in "[ -~]{1,30}") {
        let quoted = name.replace('\'', "''");
        prop_assume!(name != "<<" && name != "~label");
        let text = format!("columns:\n  '{quoted}': float\n  ~label: int\nlabel: ~label\n");
        let definition = parse(&text).unwrap();
        prop_assert_eq!(names(&definition), [name.as_str(), "~label"]);
    }
}
