//! Which way a metric is better, for the metrics that are known by name.

/// Which of two values of a metric is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The lesser one: losses and errors.
    Less,
    /// The greater one: shares, scores and similarities.
    Greater,
}

/// Errors and losses, as Keras and scikit-learn spell them; sorted.
const LESS: [&str; 40] = [
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "brier_score",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "crossentropy",
    "error",
    "error_rate",
    "false_negatives",
    "false_positives",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "kullback_leibler_divergence",
    "log_cosh",
    "logcosh",
    "loss",
    "mae",
    "mape",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "median_absolute_error",
    "mse",
    "msle",
    "nll",
    "perplexity",
    "poisson",
    "rmse",
    "rmsle",
    "root_mean_squared_error",
    "root_mean_squared_logarithmic_error",
    "smape",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "wer",
];

/// Shares, scores and similarities, in the same spelling; sorted.
const GREATER: [&str; 40] = [
    "acc",
    "accuracy",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "binary_accuracy",
    "binary_io_u",
    "bleu",
    "categorical_accuracy",
    "concordance_correlation",
    "cosine_similarity",
    "explained_variance",
    "f1",
    "f1_score",
    "fbeta_score",
    "io_u",
    "iou",
    "map",
    "matthews_corrcoef",
    "mcc",
    "mean_io_u",
    "one_hot_io_u",
    "one_hot_mean_io_u",
    "pearson_correlation",
    "precision",
    "precision_at_recall",
    "r2",
    "r2_score",
    "recall",
    "recall_at_precision",
    "roc_auc",
    "rouge",
    "sensitivity",
    "sensitivity_at_specificity",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "specificity",
    "specificity_at_sensitivity",
    "top_k_categorical_accuracy",
    "true_positives",
];

/// Which way the metric `name` is better; `None` for one that is not known.
///
/// `val_` before a name (Keras's validation metrics) and `_<number>` behind it (its second metric
/// of one kind) say nothing on the direction. Names ending in `_loss` are losses: an output's own.
#[must_use]
pub fn direction(name: &str) -> Option<Direction> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("val_").unwrap_or(&name);
    listed(name).or_else(|| listed(unnumbered(name)?))
}

fn listed(name: &str) -> Option<Direction> {
    if name.ends_with("_loss") || LESS.binary_search(&name).is_ok() {
        return Some(Direction::Less);
    }
    GREATER.binary_search(&name).is_ok().then_some(Direction::Greater)
}

/// `auc` of `auc_1`.
fn unnumbered(name: &str) -> Option<&str> {
    let (kind, number) = name.rsplit_once('_')?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(kind)
}

impl Direction {
    /// Whether `value` is better than `held`; never when one of them is no number.
    #[must_use]
    pub fn prefers(self, value: f64, held: f64) -> bool {
        match self {
            Self::Less => value < held,
            Self::Greater => value > held,
        }
    }
}

#[cfg(test)]
mod tests;
