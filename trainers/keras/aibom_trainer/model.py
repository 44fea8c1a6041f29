"""The Keras side of a model: determinism, loading, compiling, encoding of targets.

TensorFlow is imported late, by `import_frameworks`, and quietly; fit.py trains what is loaded here.
"""

from __future__ import annotations

import math
import os
import platform
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import keras_file
from .contract import ModelError
from .data import FLOAT32_MAX

# Fixed, not the host's: the order of sums in a matrix product may depend on the number of threads.
INTRA_OP_THREADS = 2
INTER_OP_THREADS = 1
DEFAULT_OPTIMIZER = "adam"


def import_frameworks(seed: int) -> dict[str, str]:
    """Imports TensorFlow and Keras, makes them deterministic, and names their versions."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow as tf  # noqa: PLC0415

    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(INTRA_OP_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(INTER_OP_THREADS)
    tf.config.experimental.enable_op_determinism()
    import keras  # noqa: PLC0415
    import numpy  # noqa: PLC0415

    keras.config.disable_traceback_filtering()
    keras.utils.set_random_seed(seed)
    return {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
    }


# === Model ===


@dataclass(frozen=True)
class Prepared:
    """A loaded, compiled model and what is known about it."""

    model: Any
    compiled_by: str
    loss: str
    units: int


def load_model(path: Path, task: str, features: int, output_shape: tuple[int, ...] | None) -> Prepared:
    """Loads the model in safe mode, checks that it fits the data, and compiles it if it is not."""
    import keras  # noqa: PLC0415

    keras_file.inspect(path)
    # An untrained model has no optimizer state to restore, and Keras warns about that.
    warnings.filterwarnings("ignore", message="Skipping variable loading for optimizer")
    try:
        model = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # Keras raises many kinds; all mean that the file is no usable model.
        raise ModelError("model_refused", f"Keras refuses the model: {first_line(error)}") from error
    units = _check_shapes(model, features, output_shape)
    compiled_by = "model"
    if not getattr(model, "compiled", False) or getattr(model, "optimizer", None) is None:
        _compile_with_defaults(model, task, units)
        compiled_by = "trainer"
    loss = loss_name(model)
    if task == "regression" and "crossentropy" in loss:
        raise ModelError("loss_does_not_fit", f"the model's loss {loss} cannot train a regression")
    return Prepared(model, compiled_by, loss, units)


def _check_shapes(model: Any, features: int, output_shape: tuple[int, ...] | None) -> int:
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs or len(inputs) != 1 or len(outputs) != 1:
        raise ModelError("model_shape", "the model must have one input and one output")
    have_in, have_out = tuple(inputs[0].shape)[1:], tuple(outputs[0].shape)[1:]
    if have_in != (features,):
        raise ModelError(
            "model_shape", f"the model takes inputs of shape {list(have_in)}, the data has [{features}]"
        )
    if output_shape is not None and have_out != output_shape:
        raise ModelError(
            "model_shape",
            f"the model gives outputs of shape {list(have_out)}, the definition says {list(output_shape)}",
        )
    if len(have_out) != 1 or have_out[0] is None:
        raise ModelError(
            "model_shape", f"the model's output must be one vector, not of shape {list(have_out)}"
        )
    return int(have_out[0])


def _compile_with_defaults(model: Any, task: str, units: int) -> None:
    import keras  # noqa: PLC0415

    if task == "regression":
        model.compile(optimizer=DEFAULT_OPTIMIZER, loss="mean_squared_error", metrics=["mean_absolute_error"])
        return
    activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", "linear")
    from_logits = activation not in ("softmax", "sigmoid")
    if units == 1:
        loss = keras.losses.BinaryCrossentropy(from_logits=from_logits)
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    model.compile(optimizer=DEFAULT_OPTIMIZER, loss=loss, metrics=["accuracy"])


def loss_name(model: Any) -> str:
    """The loss as a snake_case name, however it was given."""
    loss = model.loss
    if isinstance(loss, str):
        return loss
    return str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or type(loss).__name__)


def compile_config(prepared: Prepared) -> dict[str, Any]:
    """Optimizer, loss and metrics as they are in effect, for the record."""
    import keras  # noqa: PLC0415

    optimizer = prepared.model.optimizer
    config = {key: value for key, value in optimizer.get_config().items() if key != "is_legacy_optimizer"}
    metrics = (prepared.model.get_compile_config() or {}).get("metrics") or []
    return {
        "compiled_by": prepared.compiled_by,
        "optimizer": type(optimizer).__name__.lower(),
        "optimizer_config": plain(config),
        "learning_rate": plain(config.get("learning_rate")),
        "loss": prepared.loss,
        "loss_config": plain(keras.saving.serialize_keras_object(prepared.model.loss)),
        "metrics": plain(metrics),
    }


def plain(value: Any) -> Any:
    """`value` as JSON types; numbers of the frameworks become Python's, what JSON lacks becomes text."""
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        # 0.0010000000474974513 is a 32-bit 0.001: write the shortest number with that 32-bit value.
        return shortest_float32(value) if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): plain(child) for key, child in value.items() if key != "shared_object_id"}
    if isinstance(value, (list, tuple)):
        return [plain(child) for child in value]
    return plain(value.item()) if hasattr(value, "item") else str(value)


def shortest_float32(value: float) -> float:
    """The shortest decimal with the same 32-bit value, when `value` is a 32-bit float; else `value`."""
    import numpy  # noqa: PLC0415

    if not abs(value) <= FLOAT32_MAX:  # NaN and infinities as well
        return value
    narrow = numpy.float32(value)
    return float(str(narrow)) if float(narrow) == value else value


# === Targets ===


def target_encoding(prepared: Prepared, task: str, classes: int | None) -> str:
    """How targets are given to the loss: "value", "index", "binary" or "one_hot"."""
    if task == "regression" or classes is None:
        if prepared.units != 1:
            raise ModelError(
                "model_shape", f"regression needs a model with 1 output, this one has {prepared.units}"
            )
        return "value"
    if prepared.loss.startswith("sparse_"):
        encoding, room = "index", prepared.units
    elif prepared.units == 1:
        encoding, room = "binary", 2
    else:
        encoding, room = "one_hot", prepared.units
    if classes > room:
        raise ModelError(
            "model_shape",
            f"the data has {classes} classes, the model with loss {prepared.loss} has room for {room}",
        )
    return encoding


def first_line(error: BaseException) -> str:
    """The first line of an error's text; frameworks add pages."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]
