//! The card of the trained model: what it is, what the trainer reported, what the run took.

use std::collections::BTreeMap;

use evidence::{PeakMemory, Reported, RunDetails, VerifiedEvidence};
use ids::canonical;
use job::ModelInfo;

use super::{considerations, describe, readable, task};
use crate::claims::{Claims, Source, given};
use crate::cyclonedx::model_card::{
    Approach, DatasetReference, Form, ModelCard, ModelParameters, PerformanceMetric,
    QuantitativeAnalysis,
};
use crate::cyclonedx::{Property, property};
use crate::{files, refs, text};

/// Where the metrics stand that the executor measured: before those that the trainer reported.
const MEASURED: [&str; 3] = [
    "/modelCard/quantitativeAnalysis/performanceMetrics/0",
    "/modelCard/quantitativeAnalysis/performanceMetrics/1",
    "/modelCard/quantitativeAnalysis/performanceMetrics/2",
];

pub(super) fn card(evidence: &VerifiedEvidence, claims: &mut Claims) -> ModelCard {
    let spec = &evidence.request().spec;
    let details = &evidence.training().predicate.run_details;
    let mut metrics = measured(details);
    let measured = MEASURED.get(..metrics.len()).unwrap_or(&MEASURED);
    claims.add(Source::Observed, refs::MODEL, measured);
    let before = metrics.len();
    metrics.extend(reported_metrics(&details.reported));
    let reported = given([
        ("/modelCard/quantitativeAnalysis/performanceMetrics", metrics.len() > before),
        ("/modelCard/properties", true),
    ]);
    claims.add(Source::Reported, refs::MODEL, &reported);
    let compliance = !spec.model.compliance.is_empty();
    let asserted = given([("/modelCard/properties/aibom:compliance:*", compliance)]);
    claims.add(Source::Asserted, refs::MODEL, &asserted);
    claims.add(Source::Derived, refs::MODEL, &["/modelCard/bom-ref"]);
    ModelCard {
        bom_ref: refs::CARD,
        model_parameters: parameters(evidence, claims),
        quantitative_analysis: QuantitativeAnalysis { performance_metrics: metrics },
        considerations: considerations::considerations(evidence, claims),
        properties: properties(&details.reported, &spec.model),
    }
}

fn parameters(evidence: &VerifiedEvidence, claims: &mut Claims) -> ModelParameters {
    let observed = &evidence.training().predicate.run_details.observed;
    let model = readable(observed);
    let classes: Vec<&str> = model.layers.iter().map(|layer| layer.class_name.as_str()).collect();
    claims.add(Source::Observed, refs::MODEL, &["/modelCard/modelParameters"]);
    claims.add(Source::Asserted, refs::MODEL, &["/modelCard/modelParameters/task"]);
    // Whoever trains on a label is supervised.
    claims.add(
        Source::Derived,
        refs::MODEL,
        &["/modelCard/modelParameters/approach", "/modelCard/modelParameters/datasets"],
    );
    let forms = |tensors: &[_]| tensors.iter().map(|t| Form { format: describe(t) }).collect();
    ModelParameters {
        approach: Approach { kind: "supervised" },
        task: task(evidence.request().spec.task),
        architecture_family: model.class_name.clone(),
        model_architecture: format!("{}: {}", model.class_name, classes.join(", ")),
        datasets: files::trained_on(evidence)
            .into_iter()
            .map(|reference| DatasetReference { reference })
            .collect(),
        inputs: forms(&model.inputs),
        outputs: forms(&model.outputs),
    }
}

/// What the platform measured of the run.
fn measured(details: &RunDetails) -> Vec<PerformanceMetric> {
    let metric = |kind: &str, value| PerformanceMetric {
        kind: kind.to_owned(),
        value,
        slice: "operation; observed by the executor".to_owned(),
    };
    let (run, usage) = (&details.metadata, &details.observed.usage);
    let wall = u64::try_from(run.finished_on.since_ms(run.started_on)).unwrap_or_default();
    let mut out = vec![metric("training time (s)", seconds(wall))];
    let cpu = if usage.cpu_sampled { "processor time sampled (s)" } else { "processor time (s)" };
    out.extend(usage.cpu_ms.map(|ms| metric(cpu, seconds(ms))));
    let memory = match usage.peak_memory_kind {
        Some(PeakMemory::HighWaterMark) => "peak memory (bytes)",
        Some(PeakMemory::GreatestSample) | None => "greatest memory sampled (bytes)",
    };
    out.extend(usage.peak_memory_bytes.map(|bytes| metric(memory, bytes.to_string())));
    out
}

/// Milliseconds as seconds, exactly and without trailing zeros.
fn seconds(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1000, ms % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What the trainer said of the model: its last epoch, then the best of all epochs.
fn reported_metrics(reported: &Reported) -> Vec<PerformanceMetric> {
    let last = format!("final (epoch {})", reported.epochs);
    let mut out = slices(&reported.final_metrics, &last);
    out.extend(slices(&reported.best_metrics, "best"));
    out
}

fn slices(values: &BTreeMap<String, f64>, when: &str) -> Vec<PerformanceMetric> {
    let metric = |(name, value): (&String, &f64)| {
        let (split, kind) = match name.strip_prefix("val_") {
            Some(kind) => ("validation", kind),
            None => ("train", name.as_str()),
        };
        PerformanceMetric {
            kind: kind.to_owned(),
            value: text::number(*value),
            slice: format!("{split}, {when}; reported by the trainer"),
        }
    };
    values.iter().map(metric).collect()
}

/// Everything else that the trainer reported, and what the submitter says of compliance.
fn properties(reported: &Reported, info: &ModelInfo) -> Vec<Property> {
    let mut out = vec![property("reported:epochs", reported.epochs)];
    if !reported.trainer.is_empty() {
        out.push(property("reported:trainer", &reported.trainer));
    }
    out.extend(
        reported
            .frameworks
            .iter()
            .map(|(name, version)| property(&format!("reported:framework:{name}"), version)),
    );
    out.extend(
        reported
            .data
            .iter()
            .map(|(name, value)| property(&format!("reported:data:{name}"), text::json(value).0)),
    );
    out.extend(reported.series.iter().map(|(name, points)| {
        // The points came out of a JSON text, so they can be written as one.
        let json = canonical::rewrite(points).unwrap_or_default();
        property(&format!("reported:series:{name}"), String::from_utf8_lossy(&json))
    }));
    out.extend(info.compliance.iter().enumerate().map(|(index, said)| {
        property(
            &format!("compliance:{index}"),
            format_args!("{}: {}", said.standard, said.statement),
        )
    }));
    out
}
