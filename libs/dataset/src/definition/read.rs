//! From a YAML tree to a checked definition; every error names its key.

use super::{
    Column, ColumnKind, Definition, DefinitionError as Error, MAX_COLUMNS, Preprocessing,
    yaml::Node,
};
use crate::Decimal;

const KEYS: &str = "type, columns, label, labels, input_shape, output_shape, preprocessing";
const STEPS: &str = "normalize, scale, clip";

/// Checks the whole document.
pub(super) fn definition(document: Node) -> Result<Definition, Error> {
    let Node::Map(entries) = document else {
        return Err(value("the document", "a mapping"));
    };
    refuse_other_kinds(&entries)?;
    let (mut columns, mut label, mut preprocessing) = (None, None, Preprocessing::default());
    let (mut labels, mut input_shape, mut output_shape) = (None, None, None);
    for (key, node) in entries {
        match key.as_str() {
            "type" => {}
            "columns" => columns = Some(read_columns(node)?),
            "label" => label = Some(text(node, "label", "the name of a column")?),
            "labels" => labels = read_labels(node)?,
            "input_shape" => input_shape = read_shape(node, "input_shape")?,
            "output_shape" => output_shape = read_shape(node, "output_shape")?,
            "preprocessing" => preprocessing = read_preprocessing(node)?,
            _ => {
                return Err(Error::UnknownKey { key, place: "the definition", known: KEYS });
            }
        }
    }
    let definition = Definition {
        columns: columns.ok_or(Error::Missing("columns"))?,
        label: label.ok_or(Error::Missing("label"))?,
        labels,
        input_shape,
        output_shape,
        preprocessing,
    };
    check(&definition)?;
    Ok(definition)
}

/// What holds between the parts.
fn check(definition: &Definition) -> Result<(), Error> {
    if definition.label_column().is_none() {
        return Err(value("label", "the name of a column"));
    }
    if definition.features().next().is_none() {
        return Err(value("columns", "at least one feature beside the label"));
    }
    if let Some(text) = definition.features().find(|column| column.kind == ColumnKind::String) {
        return Err(value(
            &format!("columns.{}", text.name),
            "float or int: text features are unsupported",
        ));
    }
    let features = definition.features().count() as u64;
    match definition.input_shape.as_deref() {
        None => Ok(()),
        Some([count]) if *count == features => Ok(()),
        Some(_) => Err(value("input_shape", "[the number of feature columns]")),
    }
}

/// `AIBoMGen` also knows images and `TFRecords`; they are named instead of guessed at.
fn refuse_other_kinds(entries: &[(String, Node)]) -> Result<(), Error> {
    let has = |wanted: &str| entries.iter().any(|(key, _)| key == wanted);
    for (key, node) in entries {
        match (key.as_str(), node) {
            ("type", Node::Text(kind)) if kind == "csv" => {}
            ("type", Node::Text(kind)) => return Err(Error::Unsupported(clip_text(kind))),
            ("type", _) => return Err(value("type", "csv")),
            ("image_size", _) => return Err(Error::Unsupported("image".to_owned())),
            ("features", _) if !has("columns") => {
                return Err(Error::Unsupported("tfrecord".to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_columns(node: Node) -> Result<Vec<Column>, Error> {
    let expected = "a mapping of 2 to 4096 column names to their types";
    let Node::Map(entries) = node else {
        return Err(value("columns", expected));
    };
    if entries.is_empty() || entries.len() > MAX_COLUMNS {
        return Err(value("columns", expected));
    }
    let mut columns = Vec::with_capacity(entries.len());
    for (name, node) in entries {
        if name.is_empty() || name == "<<" {
            return Err(value("columns", "named, and not by '<<'"));
        }
        let kind = match node {
            Node::Text(kind) => read_kind(&kind),
            _ => None,
        };
        let expected = "a known type: float, int or string";
        let kind = kind.ok_or_else(|| value(&format!("columns.{}", clip_text(&name)), expected))?;
        columns.push(Column { name, kind });
    }
    Ok(columns)
}

fn read_kind(name: &str) -> Option<ColumnKind> {
    match name {
        "float" | "float16" | "float32" | "float64" | "double" => Some(ColumnKind::Float),
        "int" | "int8" | "int16" | "int32" | "int64" | "integer" => Some(ColumnKind::Int),
        "str" | "string" => Some(ColumnKind::String),
        _ => None,
    }
}

fn read_labels(node: Node) -> Result<Option<Vec<String>>, Error> {
    let error = || value("labels", "a list of distinct class names or numbers");
    let items = match node {
        Node::Null => return Ok(None),
        Node::List(items) if !items.is_empty() => items,
        _ => return Err(error()),
    };
    let mut labels = Vec::with_capacity(items.len());
    for item in items {
        labels.push(match item {
            Node::Text(text) => text,
            Node::Integer(number) => number.to_string(),
            Node::Float(number) => Decimal::new(number).ok_or_else(error)?.to_string(),
            _ => return Err(error()),
        });
    }
    let distinct: std::collections::HashSet<_> = labels.iter().collect();
    if distinct.len() == labels.len() { Ok(Some(labels)) } else { Err(error()) }
}

fn read_shape(node: Node, key: &str) -> Result<Option<Vec<u64>>, Error> {
    let error = || value(key, "a list of at most 8 positive integers");
    match node {
        Node::Null => Ok(None),
        Node::List(items) if items.len() <= 8 => {
            let sizes = items.into_iter().map(|item| match item {
                Node::Integer(size) if size > 0 => u64::try_from(size).map_err(|_| error()),
                _ => Err(error()),
            });
            sizes.collect::<Result<_, _>>().map(Some)
        }
        _ => Err(error()),
    }
}

fn read_preprocessing(node: Node) -> Result<Preprocessing, Error> {
    let mut steps = Preprocessing::default();
    let entries = match node {
        Node::Null => return Ok(steps),
        Node::Map(entries) => entries,
        _ => return Err(value("preprocessing", "a mapping")),
    };
    for (key, node) in entries {
        match (key.as_str(), node) {
            ("normalize", Node::Bool(on)) => steps.normalize = on,
            ("normalize", _) => return Err(value("preprocessing.normalize", "true or false")),
            ("scale" | "clip", Node::Null) => {}
            ("scale", node) => {
                let error = || value("preprocessing.scale", "a finite number");
                steps.scale = Some(number(&node).ok_or_else(error)?);
            }
            ("clip", node) => steps.clip = Some(read_clip(&node)?),
            _ => {
                return Err(Error::UnknownKey { key, place: "preprocessing", known: STEPS });
            }
        }
    }
    Ok(steps)
}

fn read_clip(node: &Node) -> Result<(Decimal, Decimal), Error> {
    let bounds = match node {
        Node::List(items) => match items.as_slice() {
            [low, high] => number(low).zip(number(high)),
            _ => None,
        },
        _ => None,
    };
    bounds
        .filter(|(low, high)| low <= high)
        .ok_or_else(|| value("preprocessing.clip", "[lowest, highest]"))
}

fn number(node: &Node) -> Option<Decimal> {
    match node {
        #[expect(clippy::cast_precision_loss, reason = "as YAML readers of floats do")]
        Node::Integer(number) => Decimal::new(*number as f64),
        Node::Float(number) => Decimal::new(*number),
        _ => None,
    }
}

fn text(node: Node, key: &str, expected: &'static str) -> Result<String, Error> {
    match node {
        Node::Text(text) => Ok(text),
        _ => Err(value(key, expected)),
    }
}

fn value(key: &str, expected: &'static str) -> Error {
    Error::Value { key: key.to_owned(), expected }
}

/// The start of a text from outside, for an error message.
fn clip_text(text: &str) -> String {
    text.chars().take(64).collect()
}
