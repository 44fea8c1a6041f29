//! Tests of the metrics' directions.

use super::{Direction, GREATER, LESS, direction};

#[test]
fn the_tables_can_be_searched_and_have_nothing_in_common() {
    assert!(LESS.is_sorted() && GREATER.is_sorted());
    assert!(LESS.iter().all(|name| !GREATER.contains(name)));
}

#[test]
fn errors_and_losses_are_better_when_they_are_less() {
    for name in ["loss", "val_loss", "head_loss", "mae", "val_mae", "MSE", "rmse", "mape", "msle"] {
        assert_eq!(direction(name), Some(Direction::Less), "{name}");
    }
    for name in ["root_mean_squared_error", "kl_divergence", "binary_crossentropy", "hinge"] {
        assert_eq!(direction(name), Some(Direction::Less), "{name}");
    }
}

#[test]
fn shares_and_scores_are_better_when_they_are_greater() {
    for name in ["accuracy", "val_acc", "auc_1", "val_precision_12", "f1_score", "r2_score"] {
        assert_eq!(direction(name), Some(Direction::Greater), "{name}");
    }
}

#[test]
fn nobody_guesses_at_an_unknown_name() {
    for name in ["", "val_", "lossy", "no_loss_at_all", "learning_rate", "auc_", "auc_x", "_1"] {
        assert_eq!(direction(name), None, "{name}");
    }
}

#[test]
fn better_is_strictly_better() {
    assert!(Direction::Less.prefers(1.0, 2.0) && !Direction::Less.prefers(2.0, 2.0));
    assert!(Direction::Greater.prefers(2.0, 1.0) && !Direction::Greater.prefers(f64::NAN, 1.0));
}
