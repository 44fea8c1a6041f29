"""The JSON files beside the model: metrics.json, preprocessing.json and split.json."""

from __future__ import annotations

from typing import Any

from .contract import Parameters
from .data import Classes, ColumnFit
from .definition import Definition
from .split import ALGORITHM, Split


def preprocessing(
    definition: Definition, fits: list[ColumnFit], classes: Classes | None, train_rows: int
) -> dict[str, Any]:
    """Everything that is needed to feed the trained model and to read its answers."""
    steps = definition.preprocessing
    return {
        "schema": "aibom.trainer.preprocessing.v1",
        "kind": steps.kind,
        "normalize": steps.normalize,
        "scale": steps.scale,
        "clip": None if steps.clip is None else list(steps.clip),
        "fitted_on": "train",
        "fitted_rows": train_rows,
        "columns": [{"name": fit.column, "mean": fit.mean, "std": fit.std} for fit in fits],
        "label": definition.label,
        "classes": None if classes is None else list(classes.names),
    }


def split(asked: Parameters, division: Split) -> dict[str, Any]:
    """The rows of each split; row 0 is the first line after the header."""
    return {
        "schema": "aibom.trainer.split.v1",
        "algorithm": ALGORITHM,
        "seed": asked.seed,
        "validation_split": asked.validation_split,
        "rows": len(division.train) + len(division.validation),
        "train": division.train,
        "validation": division.validation,
    }


class History:
    """Collects the epochs, for metrics.json."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, Any]] = []

    def add(self, epoch: int, metrics: dict[str, float]) -> None:
        """Notes one epoch (1-based)."""
        self.epochs.append({"epoch": epoch, "metrics": metrics})

    def best(self) -> dict[str, Any] | None:
        """The epoch with the lowest validation loss; without validation, the lowest loss."""
        monitor = "val_loss" if any("val_loss" in entry["metrics"] for entry in self.epochs) else "loss"
        candidates = [entry for entry in self.epochs if monitor in entry["metrics"]]
        if not candidates:
            return None
        entry = min(candidates, key=lambda candidate: candidate["metrics"][monitor])
        return {"monitor": monitor, **entry}


def metrics(
    task: str,
    history: History,
    final: dict[str, dict[str, float] | None],
    effective: dict[str, Any],
    frameworks: dict[str, str],
) -> dict[str, Any]:
    """The whole course of the training. `final` is measured on the weights that are in model.keras."""
    return {
        "schema": "aibom.trainer.metrics.v1",
        "task": task,
        "epochs": history.epochs,
        "final": final,
        "best": history.best(),
        "effective": effective,
        "frameworks": frameworks,
    }
