"""Training: effective steps, the epochs, evaluation and saving, with the real framework."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import keras_file
from .contract import MAX_STEPS, Parameters, TrainingError
from .model import first_line, shortest_float32

DEFAULT_BATCH_SIZE = 32

Logs = dict[str, float]


@dataclass(frozen=True)
class Steps:
    """Batches per epoch, as they are in effect."""

    batch_size: int
    steps_per_epoch: int
    validation_steps: int | None


def effective_steps(asked: Parameters, train_rows: int, validation_rows: int) -> Steps:
    """Resolves what the user left open. More steps than batches: the data is repeated."""
    batch_size = asked.batch_size or DEFAULT_BATCH_SIZE
    steps = asked.steps_per_epoch or math.ceil(train_rows / batch_size)
    available = math.ceil(validation_rows / batch_size)
    validation = min(asked.validation_steps or MAX_STEPS, available) if validation_rows else None
    return Steps(batch_size, steps, validation)


def _batches(data: tuple[Any, Any], batch_size: int) -> Any:
    import tensorflow as tf  # noqa: PLC0415

    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = 1
    return tf.data.Dataset.from_tensor_slices(data).batch(batch_size).with_options(options)


def train(
    model: Any,
    data: tuple[Any, Any],
    validation: tuple[Any, Any] | None,
    asked: Parameters,
    steps: Steps,
    on_epoch: Callable[[int, Logs], None],
) -> None:
    """Trains; rows come in the order given, in every epoch. A number that is not finite ends it."""
    import keras  # noqa: PLC0415

    class Report(keras.callbacks.Callback):
        """Hands each epoch's metrics on, and stops a run that diverged."""

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            values = numbers(logs or {})
            broken = sorted(name for name, value in values.items() if not math.isfinite(value))
            if broken:
                raise TrainingError(
                    "diverged", f"epoch {epoch + 1}: {', '.join(broken)} is no longer a finite number"
                )
            on_epoch(epoch + 1, values)

    batches = _batches(data, steps.batch_size)
    if asked.steps_per_epoch is not None:
        batches = batches.repeat()
    checks = (
        None if validation is None else _batches(validation, steps.batch_size).take(steps.validation_steps)
    )
    try:
        model.fit(
            batches,
            epochs=asked.epochs,
            initial_epoch=asked.initial_epoch,
            steps_per_epoch=asked.steps_per_epoch,
            validation_data=checks,
            validation_freq=asked.validation_freq,
            shuffle=False,
            verbose=0,
            callbacks=[Report()],
        )
    except TrainingError:
        raise
    except Exception as error:  # whatever the framework raises here is a failed training
        raise TrainingError("training_raised", f"{type(error).__name__}: {first_line(error)}") from error
    _check_weights(model)


def _check_weights(model: Any) -> None:
    import numpy  # noqa: PLC0415

    for weight in model.weights:
        values = numpy.asarray(weight)
        if numpy.issubdtype(values.dtype, numpy.floating) and not numpy.isfinite(values).all():
            raise TrainingError("diverged", f"the trained weight {weight.path} is not finite")


def evaluate(model: Any, data: tuple[Any, Any], batch_size: int) -> Logs:
    """Loss and metrics of the final weights over all the rows of one split."""
    values = model.evaluate(_batches(data, batch_size), verbose=0, return_dict=True)
    return numbers(values)


def numbers(logs: Logs) -> Logs:
    """Keras's metrics, which are 32-bit, as the shortest numbers with the same value."""
    return {name: shortest_float32(float(value)) for name, value in logs.items()}


def save(model: Any, path: Path) -> None:
    """Saves the model so that equal weights give equal bytes."""
    partial = path.with_name("partial.keras")
    model.save(partial)
    keras_file.normalise(partial, path)
    partial.unlink()
