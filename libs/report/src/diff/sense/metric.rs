//! Of which metrics more is better, and of which less; of all others nothing is said.

use std::cmp::Ordering;

use super::super::Sense;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

use Better::{Less, More};

/// What metrics are called, whole words of their name each; the first that is found decides. What
/// is good of itself comes first: recall at a low error is still recall.
const KNOWN: [(&[&str], Better); 68] = [
    (&["attack", "success"], Less),
    (&["accuracy"], More),
    (&["acc"], More),
    (&["recall"], More),
    (&["precision"], More),
    (&["auc"], More),
    (&["auroc"], More),
    (&["auprc"], More),
    (&["f1"], More),
    (&["f2"], More),
    (&["fbeta"], More),
    (&["iou"], More),
    (&["io", "u"], More),
    (&["explained", "variance"], More),
    (&["correlation"], More),
    (&["matthews"], More),
    (&["dice"], More),
    (&["r2"], More),
    (&["bleu"], More),
    (&["rouge"], More),
    (&["meteor"], More),
    (&["mcc"], More),
    (&["kappa"], More),
    (&["psnr"], More),
    (&["ssim"], More),
    (&["ndcg"], More),
    (&["mrr"], More),
    (&["map"], More),
    (&["sensitivity"], More),
    (&["specificity"], More),
    (&["robustness"], More),
    (&["cosine", "similarity"], More),
    (&["true", "positive"], More),
    (&["true", "positives"], More),
    (&["true", "negative"], More),
    (&["true", "negatives"], More),
    (&["success", "rate"], More),
    (&["hit", "rate"], More),
    (&["throughput"], More),
    (&["false", "positive"], Less),
    (&["false", "positives"], Less),
    (&["false", "negative"], Less),
    (&["false", "negatives"], Less),
    (&["false", "discovery"], Less),
    (&["loss"], Less),
    (&["error"], Less),
    (&["mse"], Less),
    (&["rmse"], Less),
    (&["mae"], Less),
    (&["mape"], Less),
    (&["msle"], Less),
    (&["wer"], Less),
    (&["cer"], Less),
    (&["fid"], Less),
    (&["brier"], Less),
    (&["perplexity"], Less),
    (&["crossentropy"], Less),
    (&["entropy"], Less),
    (&["divergence"], Less),
    (&["hinge"], Less),
    (&["logcosh"], Less),
    (&["latency"], Less),
    (&["energy"], Less),
    (&["leakage"], Less),
    (&["training", "time"], Less),
    (&["processor", "time"], Less),
    (&["inference", "time"], Less),
    (&["peak", "memory"], Less),
];

/// Which way a metric went by `delta`, when it is known which way is better.
pub(super) fn sense(name: &str, delta: f64) -> Option<Sense> {
    let better = better(name)?;
    let grew = delta.partial_cmp(&0.0)?;
    match (better, grew) {
        (_, Ordering::Equal) => None,
        (More, Ordering::Greater) | (Less, Ordering::Less) => Some(Sense::Better),
        (More, Ordering::Less) | (Less, Ordering::Greater) => Some(Sense::Worse),
    }
}

/// Units and slices, which stand in brackets, are no part of the name.
fn better(name: &str) -> Option<Better> {
    let name = name.split(" (").next().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = name.split(['_', ' ', '-']).filter(|word| !word.is_empty()).collect();
    let is_in = |wanted: &[&str]| words.windows(wanted.len()).any(|words| words == wanted);
    KNOWN.iter().find(|(wanted, _)| is_in(wanted)).map(|(_, better)| *better)
}
