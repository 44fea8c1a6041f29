//! The configuration: every object that Keras would build is held against an allow-list.
//!
//! Keras looks classes up by `module` and `class_name` (`registered_name` for custom ones), and reads
//! objects without `module` or `registered_name` by older, looser rules; those are refused.

mod allowed;

pub(crate) use allowed::hazard as hazard_of;

use crate::{Hazard, Refusal, json::Json, refusal::cut};

/// The version in `metadata.json`, if it is 3.0 or newer.
pub(crate) fn keras_version(metadata: &Json) -> Result<String, Refusal> {
    let version = metadata.get("keras_version").and_then(Json::text).unwrap_or_default();
    let mut parts = version.split('.');
    let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
    let (major, minor) = (number(), number());
    if version.len() <= 32 && major.is_some_and(|major| major >= 3) && minor.is_some() {
        Ok(version.to_owned())
    } else {
        Err(Refusal::KerasVersion(cut(version)))
    }
}

/// Checks the whole configuration.
pub(crate) fn check(config: &Json) -> Result<(), Refusal> {
    let class = config.get("class_name").and_then(Json::text);
    if !class.is_some_and(is_model) {
        // Name what is dangerous before saying that it is no model.
        walk(config, &Place::Root)?;
        let expected = "the model must be a Sequential or a Functional one";
        return Err(Refusal::Shape { at: "config.json".to_owned(), expected });
    }
    walk(config, &Place::Root)
}

/// Whether the class is one of the two kinds of model that hold no code.
pub(crate) fn is_model(class: &str) -> bool {
    matches!(class, "Sequential" | "Functional")
}

/// Where in the tree a value stands; written out only for an error.
enum Place<'a> {
    Root,
    Key(&'a Self, &'a str),
    Index(&'a Self, usize),
}

impl Place<'_> {
    fn path(&self) -> String {
        match self {
            Self::Root => "config.json".to_owned(),
            Self::Key(parent, key) => format!("{}.{}", parent.path(), cut(key)),
            Self::Index(parent, index) => format!("{}[{index}]", parent.path()),
        }
    }
}

/// Depth is bounded by the parser.
fn walk(value: &Json, place: &Place<'_>) -> Result<(), Refusal> {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => Ok(()),
        Json::Text(text) => check_text(text, place),
        Json::List(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &Place::Index(place, index))?;
            }
            Ok(())
        }
        Json::Object(entries) => {
            check_object(value, place)?;
            for (key, item) in entries {
                check_text(key, place)?;
                // Checked above, and the one text that may carry a marker.
                if key != "class_name" {
                    walk(item, &Place::Key(place, key))?;
                }
            }
            Ok(())
        }
    }
}

fn check_text(text: &str, place: &Place<'_>) -> Result<(), Refusal> {
    if text.starts_with("__") {
        return Err(Refusal::Marker { at: place.path(), text: cut(text) });
    }
    Ok(())
}

fn check_object(object: &Json, place: &Place<'_>) -> Result<(), Refusal> {
    let keys = ["class_name", "module", "registered_name", "spec_name"];
    if keys.iter().all(|key| object.get(key).is_none()) {
        return Ok(());
    }
    let legacy = || Refusal::LegacyForm(place.path());
    let class = object.get("class_name").and_then(Json::text).ok_or_else(legacy)?;
    let hazard =
        |name: &str, hazard| Err(Refusal::Hazard { at: place.path(), name: cut(name), hazard });
    if let Some(known) = allowed::hazard(class) {
        return hazard(class, known);
    }
    if let Some(custom) = custom_name(object) {
        return hazard(custom, Hazard::CustomClass);
    }
    if class == "function" {
        return check_function(object, place);
    }
    if class.starts_with("__") {
        return check_value(object, class, place);
    }
    let (Some(module), Some(registered)) = (object.get("module"), object.get("registered_name"))
    else {
        return Err(legacy());
    };
    let module = module.text().ok_or_else(legacy)?;
    let named = registered.is_null() || registered.text() == Some(class);
    if !named || !allowed::class(module, class) {
        let (module, class) = (cut(module), cut(class));
        return Err(Refusal::NotAllowed { at: place.path(), module, class });
    }
    match object.get("config") {
        Some(Json::Object(_)) => Ok(()),
        _ => {
            let expected = "the config of a class must be an object";
            Err(Refusal::Shape { at: place.path(), expected })
        }
    }
}

/// A name with a package: `package>Name`.
fn custom_name(object: &Json) -> Option<&str> {
    let names = ["registered_name", "class_name", "config"].map(|key| object.get(key));
    names.into_iter().flatten().filter_map(Json::text).find(|name| name.contains('>'))
}

/// Keras writes losses and metrics that are plain functions as `builtins.function` with a name.
fn check_function(object: &Json, place: &Place<'_>) -> Result<(), Refusal> {
    let text = |key| object.get(key).and_then(Json::text);
    let name = text("config").unwrap_or_default();
    if let Some(hazard) = allowed::hazard(name) {
        return Err(Refusal::Hazard { at: place.path(), name: cut(name), hazard });
    }
    let registered = text("registered_name").unwrap_or("function");
    let plain = text("module") == Some("builtins")
        && allowed::function(name)
        && (registered == "function" || registered == name);
    if plain {
        return Ok(());
    }
    let (at, hazard) = (place.path(), Hazard::Function);
    let name = cut(if name.is_empty() { "function" } else { name });
    Err(Refusal::Hazard { at, name, hazard })
}

/// The marked forms that stand for plain values: a tensor in the graph, an array, a slice.
fn check_value(object: &Json, class: &str, place: &Place<'_>) -> Result<(), Refusal> {
    let marker = || Refusal::Marker { at: place.path(), text: cut(class) };
    let plain = match object {
        Json::Object(entries) => {
            entries.iter().all(|(key, _)| matches!(key.as_str(), "class_name" | "config"))
        }
        _ => false,
    };
    let config = object.get("config").filter(|_| plain).ok_or_else(marker)?;
    let dtype = || config.get("dtype").and_then(Json::text).is_some_and(allowed::dtype);
    match class {
        "__keras_tensor__" | "__numpy__" | "__tensor__" if dtype() => Ok(()),
        "__slice__" | "__ellipsis__" => Ok(()),
        _ => Err(marker()),
    }
}
