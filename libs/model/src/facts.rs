//! What an accepted model is: layers, inputs, outputs, parameters and how it was compiled.

use serde::{Deserialize, Serialize};

use crate::{Refusal, json::Json, weights::Array};

/// The most layers that one model may list.
const MAX_LAYERS: usize = 10_000;

/// One layer; nested models are one layer here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerFact {
    /// The name in the model.
    pub name: String,
    /// The Keras class.
    pub class_name: String,
}

/// One input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorFact {
    /// The layer that takes or gives it.
    pub name: String,
    /// Sizes, the batch first; `None` is any size.
    pub shape: Vec<Option<u64>>,
    /// The type of its numbers, such as `float32`.
    pub dtype: String,
}

/// What a model file says about itself, checked only for its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFacts {
    /// `Sequential` or `Functional`.
    pub class_name: String,
    /// The model's name; empty when it has none.
    pub name: String,
    /// The Keras that wrote the file.
    pub keras_version: String,
    /// Layers in order.
    pub layers: Vec<LayerFact>,
    /// Inputs in order; none when the model was saved before it was built.
    pub inputs: Vec<TensorFact>,
    /// Those outputs whose shape the configuration gives away.
    pub outputs: Vec<TensorFact>,
    /// Numbers in the layers' weights; `None` when no weight is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter_count: Option<u64>,
    /// Whether it comes with a loss and an optimizer.
    pub compiled: bool,
    /// The losses' names.
    pub losses: Vec<String>,
    /// The optimizer's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<String>,
    /// The metrics' names.
    pub metrics: Vec<String>,
}

/// Gathers the facts of a configuration that passed the check.
pub(crate) fn gather(
    model: &Json,
    keras_version: String,
    arrays: &[Array],
) -> Result<ModelFacts, Refusal> {
    let shape = |expected| Refusal::Shape { at: "config.json.config".to_owned(), expected };
    let config = model.get("config").ok_or_else(|| shape("is missing"))?;
    let layers = config.get("layers").and_then(Json::list);
    let layers = layers.ok_or_else(|| shape("layers must be a list"))?;
    if layers.len() > MAX_LAYERS {
        return Err(shape("too many layers"));
    }
    let facts = layers.iter().map(layer_fact).collect::<Option<_>>();
    let class_name = text(model, "class_name");
    let (inputs, outputs) = if class_name == "Functional" {
        (
            named(config, "input_layers").iter().filter_map(|name| find(layers, name)).collect(),
            named(config, "output_layers").iter().filter_map(|name| find(layers, name)).collect(),
        )
    } else {
        (Vec::from_iter(layers.first()), last_shaped(layers))
    };
    let compile = model.get("compile_config");
    let names = |key| names_of(compile.and_then(|compile| compile.get(key)));
    let optimizer = names("optimizer").into_iter().next();
    let losses = names("loss");
    Ok(ModelFacts {
        class_name,
        name: text(config, "name"),
        keras_version,
        layers: facts.ok_or_else(|| shape("each layer must be an object of a class"))?,
        inputs: inputs.into_iter().filter_map(input).collect(),
        outputs: outputs.into_iter().filter_map(output).collect(),
        parameter_count: parameters(arrays),
        compiled: optimizer.is_some() || !losses.is_empty(),
        losses,
        optimizer,
        metrics: names("metrics"),
    })
}

fn text(value: &Json, key: &str) -> String {
    value.get(key).and_then(Json::text).unwrap_or_default().to_owned()
}

fn layer_name(layer: &Json) -> Option<&str> {
    layer.get("name").or_else(|| layer.get("config")?.get("name"))?.text()
}

fn layer_fact(layer: &Json) -> Option<LayerFact> {
    let class_name = layer.get("class_name")?.text()?.to_owned();
    Some(LayerFact { name: layer_name(layer).unwrap_or_default().to_owned(), class_name })
}

fn find<'a>(layers: &'a [Json], name: &str) -> Option<&'a Json> {
    layers.iter().find(|layer| layer_name(layer) == Some(name))
}

/// The last layer of a chain; layers without a shape of their own pass the one before on.
fn last_shaped(layers: &[Json]) -> Vec<&Json> {
    let passes = |layer: &&Json| matches!(class(layer), "Dropout" | "Activation" | "Identity");
    layers.iter().rev().find(|layer| !passes(layer)).into_iter().collect()
}

/// The layer names in `["x", 0, 0]`, `[["x", 0, 0], …]` or `{"key": ["x", 0, 0]}`.
fn named<'a>(config: &'a Json, key: &str) -> Vec<&'a str> {
    let mut pending: Vec<&Json> = config.get(key).into_iter().collect();
    let mut names = Vec::new();
    while let Some(value) = pending.pop() {
        match value {
            Json::List(items) => match items.as_slice() {
                [Json::Text(name), Json::Number(_), Json::Number(_)] => names.push(name.as_str()),
                _ => pending.extend(items.iter().rev()),
            },
            Json::Object(entries) => pending.extend(entries.iter().rev().map(|(_, item)| item)),
            _ => {}
        }
    }
    names
}

/// Names of classes, functions or plain texts; lists and objects give several.
fn names_of(value: Option<&Json>) -> Vec<String> {
    let mut pending: Vec<&Json> = value.into_iter().collect();
    let mut names = Vec::new();
    while let Some(value) = pending.pop() {
        match (value, class(value)) {
            (Json::Text(name), _) => names.push(name.clone()),
            (Json::List(items), _) => pending.extend(items.iter().rev()),
            (Json::Object(_), "function") => names.push(text(value, "config")),
            (Json::Object(entries), "") => {
                pending.extend(entries.iter().rev().map(|(_, item)| item));
            }
            (Json::Object(_), class) => names.push(class.to_owned()),
            _ => {}
        }
    }
    names
}

fn class(layer: &Json) -> &str {
    layer.get("class_name").and_then(Json::text).unwrap_or_default()
}

fn input(layer: &Json) -> Option<TensorFact> {
    let config = layer.get("config")?;
    let shape = match config.get("batch_shape") {
        Some(shape) => sizes(shape)?,
        None => input_shape(layer)?,
    };
    Some(TensorFact { name: layer_name(layer)?.to_owned(), shape, dtype: dtype(layer) })
}

fn output(layer: &Json) -> Option<TensorFact> {
    let config = layer.get("config")?;
    let shape = match class(layer) {
        "InputLayer" => sizes(config.get("batch_shape")?)?,
        "Dense" => {
            let mut shape = input_shape(layer)?;
            *shape.last_mut()? = Some(number(config.get("units")?)?);
            shape
        }
        "BatchNormalization" | "LayerNormalization" | "Rescaling" | "ReLU" | "Softmax" => {
            input_shape(layer)?
        }
        _ => return None,
    };
    Some(TensorFact { name: layer_name(layer)?.to_owned(), shape, dtype: dtype(layer) })
}

fn input_shape(layer: &Json) -> Option<Vec<Option<u64>>> {
    sizes(layer.get("build_config")?.get("input_shape")?)
}

fn sizes(shape: &Json) -> Option<Vec<Option<u64>>> {
    let sizes = shape.list()?.iter();
    sizes.map(|size| if size.is_null() { Some(None) } else { number(size).map(Some) }).collect()
}

fn number(value: &Json) -> Option<u64> {
    match value {
        Json::Number(number) => *number,
        _ => None,
    }
}

/// The layer's type: a text, or a policy whose compute type it is.
fn dtype(layer: &Json) -> String {
    let dtype = layer.get("config").and_then(|config| config.get("dtype"));
    let policy =
        dtype.and_then(|dtype| dtype.text().or_else(|| dtype.get("config")?.get("name")?.text()));
    let policy = policy.unwrap_or("float32");
    policy.strip_prefix("mixed_").unwrap_or(policy).to_owned()
}

/// Layers' weights without what Keras does not count: the optimizer's and random seeds' state.
fn parameters(arrays: &[Array]) -> Option<u64> {
    let counted = |array: &&Array| {
        let mut parts = array.path.split('/');
        parts.next() != Some("optimizer") && parts.all(|part| part != "seed_generator")
    };
    let counted: Vec<&Array> = arrays.iter().filter(counted).collect();
    if counted.is_empty() {
        return None;
    }
    Some(counted.iter().map(|array| array.elements).fold(0, u64::saturating_add))
}
