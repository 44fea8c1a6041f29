//! The bounds of a specification; every refusal names the field, its value and the bound.

use std::{fmt::Display, ops::RangeInclusive};

use crate::{
    BaseModel, BomOptions, DatasetInfo, Inputs, JobSpec, MAX_LIST, ModelInfo, PROFILE, Parameters,
    Resources, is_web_address,
};

/// The largest single input, in bytes.
pub const MAX_INPUT_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// A field outside its bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}: {bound}")]
pub struct Invalid {
    /// Dotted path of the field.
    pub field: &'static str,
    /// What it holds, shortened.
    pub value: String,
    /// What it may hold.
    pub bound: String,
}

fn invalid(field: &'static str, value: impl Display, bound: impl Display) -> Invalid {
    let value: String = value.to_string().chars().take(80).collect();
    Invalid { field, value, bound: bound.to_string() }
}

fn within<T: PartialOrd + Display>(
    field: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), Invalid> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(invalid(field, value, format_args!("must be {} to {}", range.start(), range.end())))
}

fn optional<T: PartialOrd + Display>(
    field: &'static str,
    value: Option<T>,
    range: RangeInclusive<T>,
) -> Result<(), Invalid> {
    value.map_or(Ok(()), |value| within(field, value, range))
}

fn label(field: &'static str, text: &str, max: usize) -> Result<(), Invalid> {
    let length = text.chars().count();
    if !(1..=max).contains(&length) {
        return Err(invalid(
            field,
            format_args!("{text:?}"),
            format_args!("1 to {max} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(field, format_args!("{text:?}"), "no control characters"));
    }
    Ok(())
}

fn optional_label(field: &'static str, text: Option<&String>, max: usize) -> Result<(), Invalid> {
    text.map_or(Ok(()), |text| label(field, text, max))
}

fn list<T>(field: &'static str, entries: &[T]) -> Result<(), Invalid> {
    if entries.len() <= MAX_LIST {
        return Ok(());
    }
    let got = format_args!("{} entries long", entries.len()).to_string();
    Err(invalid(field, got, format_args!("at most {MAX_LIST} entries")))
}

fn texts(field: &'static str, entries: &[String]) -> Result<(), Invalid> {
    list(field, entries)?;
    entries.iter().try_for_each(|entry| text(field, Some(entry)))
}

fn web_address(field: &'static str, address: Option<&String>) -> Result<(), Invalid> {
    match address {
        Some(text) if !is_web_address(text) => {
            let bound = "an https:// or http:// address of at most 1024 bytes, percent-encoded";
            Err(invalid(field, format_args!("{text:?}"), bound))
        }
        _ => Ok(()),
    }
}

/// The name of one file, on every system: tools write inputs under it.
fn file_names(inputs: &Inputs) -> Result<(), Invalid> {
    let fields = ["inputs.model.name", "inputs.dataset.name", "inputs.definition.name"];
    let each = inputs.each();
    for (index, (field, (_, file))) in fields.into_iter().zip(each).enumerate() {
        let name = file.name.as_str();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let good =
            (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain);
        if !good {
            let bound = "1 to 128 of A-Z, a-z, 0-9, '.', '_', '-', not beginning with '.'";
            return Err(invalid(field, format_args!("{name:?}"), bound));
        }
        if each.iter().take(index).any(|(_, other)| other.name == file.name) {
            return Err(invalid(field, format_args!("{name:?}"), "another input has that name"));
        }
    }
    Ok(())
}

fn text(field: &'static str, text: Option<&String>) -> Result<(), Invalid> {
    let Some(text) = text else { return Ok(()) };
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(invalid(field, format_args!("{text:?}"), "no control characters"));
    }
    match text.chars().count() {
        1..=4096 => Ok(()),
        n => {
            Err(invalid(field, format_args!("{n} characters"), "1 to 4096 characters, or left out"))
        }
    }
}

fn parameters(p: &Parameters) -> Result<(), Invalid> {
    within("parameters.epochs", p.epochs, 1..=100_000)?;
    if p.initial_epoch >= p.epochs {
        let bound = format_args!("must be less than parameters.epochs ({})", p.epochs).to_string();
        return Err(invalid("parameters.initialEpoch", p.initial_epoch, bound));
    }
    optional("parameters.batchSize", p.batch_size, 1..=1_000_000)?;
    if !(0.0..1.0).contains(&p.validation_split) {
        return Err(invalid("parameters.validationSplit", p.validation_split, "0 to less than 1"));
    }
    optional("parameters.stepsPerEpoch", p.steps_per_epoch, 1..=10_000_000)?;
    optional("parameters.validationSteps", p.validation_steps, 1..=10_000_000)?;
    within("parameters.validationFreq", p.validation_freq, 1..=100_000)
}

fn resources(r: &Resources) -> Result<(), Invalid> {
    within("resources.cpuMillis", r.cpu_millis, 100..=256_000)?;
    within("resources.memoryMib", r.memory_mib, 32..=1_048_576)?;
    within("resources.pids", r.pids, 8..=32_768)?;
    within("resources.wallClockS", r.wall_clock_s, 1..=604_800)?;
    within("resources.outputMib", r.output_mib, 1..=1_048_576)?;
    within("resources.gpus", r.gpus, 0..=64)
}

fn model(model: &ModelInfo) -> Result<(), Invalid> {
    label("model.name", &model.name, 128)?;
    label("model.version", &model.version, 64)?;
    text("model.description", model.description.as_ref())?;
    text("model.author", model.author.as_ref())?;
    text("model.type", model.kind.as_ref())?;
    text("model.licence", model.licence.as_ref())?;
    text("model.intendedUse", model.intended_use.as_ref())?;
    text("model.outOfScope", model.out_of_scope.as_ref())?;
    text("model.misuse", model.misuse.as_ref())?;
    model.base_model.as_ref().map_or(Ok(()), base_model)?;
    texts("model.users", &model.users)?;
    texts("model.limitations", &model.limitations)?;
    texts("model.tradeOffs", &model.trade_offs)?;
    list("model.ethicalRisks", &model.ethical_risks)?;
    for risk in &model.ethical_risks {
        text("model.ethicalRisks.name", Some(&risk.name))?;
        text("model.ethicalRisks.mitigation", risk.mitigation.as_ref())?;
    }
    list("model.fairness", &model.fairness)?;
    for fairness in &model.fairness {
        text("model.fairness.group", Some(&fairness.group))?;
        text("model.fairness.benefits", fairness.benefits.as_ref())?;
        text("model.fairness.harms", fairness.harms.as_ref())?;
        text("model.fairness.mitigation", fairness.mitigation.as_ref())?;
    }
    list("model.compliance", &model.compliance)?;
    for compliance in &model.compliance {
        label("model.compliance.standard", &compliance.standard, 128)?;
        text("model.compliance.statement", Some(&compliance.statement))?;
    }
    web_address("model.securityPolicy", model.security_policy.as_ref())
}

fn base_model(base: &BaseModel) -> Result<(), Invalid> {
    label("model.baseModel.name", &base.name, 128)?;
    text("model.baseModel.source", base.source.as_ref())?;
    optional_label("model.baseModel.version", base.version.as_ref(), 64)?;
    text("model.baseModel.derivation", base.derivation.as_ref())
}

fn dataset(dataset: &DatasetInfo) -> Result<(), Invalid> {
    label("dataset.name", &dataset.name, 128)?;
    text("dataset.description", dataset.description.as_ref())?;
    text("dataset.licence", dataset.licence.as_ref())?;
    text("dataset.source", dataset.source.as_ref())?;
    optional_label("dataset.version", dataset.version.as_ref(), 64)?;
    text("dataset.provenance", dataset.provenance.as_ref())?;
    optional_label("dataset.classification", dataset.classification.as_ref(), 64)?;
    texts("dataset.sensitiveData", &dataset.sensitive_data)?;
    texts("dataset.owners", &dataset.owners)?;
    texts("dataset.custodians", &dataset.custodians)?;
    texts("dataset.stewards", &dataset.stewards)
}

fn aibom(options: &BomOptions) -> Result<(), Invalid> {
    if options.profile != PROFILE {
        let bound = format_args!("must be {PROFILE}, the rules that this version writes AIBoMs by")
            .to_string();
        return Err(invalid("aibom.profile", options.profile, bound));
    }
    text("aibom.licence", options.licence.as_ref())
}

/// Checks every bound of `spec`.
///
/// # Errors
/// The first field that is outside its bound.
pub fn validate(spec: &JobSpec) -> Result<(), Invalid> {
    label("trainer.name", &spec.trainer.name, 64)?;
    file_names(&spec.inputs)?;
    within("inputs.model.size", spec.inputs.model.size, 1..=MAX_INPUT_BYTES)?;
    within("inputs.dataset.size", spec.inputs.dataset.size, 1..=MAX_INPUT_BYTES)?;
    within("inputs.definition.size", spec.inputs.definition.size, 1..=64 * 1024)?;
    parameters(&spec.parameters)?;
    model(&spec.model)?;
    dataset(&spec.dataset)?;
    resources(&spec.resources)?;
    aibom(&spec.aibom)
}
