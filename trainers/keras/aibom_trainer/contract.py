"""The trainer contract: the job's specification on the way in, JSON lines and exit codes on the way out.

Pure Python, no framework: everything here is decided before TensorFlow is imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

TRAINER = "keras"
VERSION = "1.0.0"

SPEC_SCHEMA = "aibom.trainer.spec.v1"
SPEC_PATH = Path("/aibom/in/spec.json")
INPUTS = {
    "model": "/aibom/in/model.keras",
    "dataset": "/aibom/in/dataset.csv",
    "definition": "/aibom/in/definition.yaml",
}
OUTPUT_DIR = "/aibom/out"
OUTPUTS = ("model.keras", "metrics.json", "preprocessing.json", "split.json")
TASKS = ("classification", "regression")

MAX_SPEC_BYTES = 64 * 1024
MAX_EPOCHS = 100_000
MAX_BATCH_SIZE = 1_000_000
MAX_STEPS = 1_000_000_000
MAX_SEED = 2**32 - 1

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_SPEC = 2
EXIT_DATA = 3
EXIT_MODEL = 4
EXIT_TRAINING = 5


class TrainerError(Exception):
    """A failure with a reason code for machines, a message for people and an exit code."""

    exit_code = EXIT_UNEXPECTED

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SpecError(TrainerError):
    """The specification cannot be used."""

    exit_code = EXIT_SPEC


class DataError(TrainerError):
    """The dataset or its definition cannot be used."""

    exit_code = EXIT_DATA


class ModelError(TrainerError):
    """The model is refused."""

    exit_code = EXIT_MODEL


class TrainingError(TrainerError):
    """Training raised or diverged."""

    exit_code = EXIT_TRAINING


@dataclass(frozen=True)
class Parameters:
    """What the user asked for; `None` leaves the choice to the trainer, which reports it."""

    epochs: int
    batch_size: int | None
    validation_split: float
    initial_epoch: int
    steps_per_epoch: int | None
    validation_steps: int | None
    validation_freq: int
    seed: int


@dataclass(frozen=True)
class Spec:
    """A checked `spec.json`."""

    task: str
    parameters: Parameters


# === Specification ===


def load_spec(path: Path) -> Spec:
    """Reads and checks the specification at `path`."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_SPEC_BYTES + 1)
    except OSError as error:
        raise SpecError("spec_unreadable", f"cannot read {path}: {error.strerror}") from error
    if len(text) > MAX_SPEC_BYTES:
        raise SpecError("spec_too_large", f"{path} is larger than {MAX_SPEC_BYTES} bytes")
    return parse_spec(text)


def parse_spec(text: bytes) -> Spec:
    """Checks every key and value; unknown, missing and repeated keys are refused."""
    try:
        document = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise SpecError("spec_malformed", f"spec.json is not valid JSON: {error}") from error
    _require_keys(document, "spec", ("schema", "task", "inputs", "output_dir", "parameters"))
    if document["schema"] != SPEC_SCHEMA:
        raise SpecError("spec_schema", f"schema must be {SPEC_SCHEMA!r}, not {document['schema']!r}")
    if document["task"] not in TASKS:
        raise SpecError("spec_task", f"task must be one of {', '.join(TASKS)}")
    _require_keys(document["inputs"], "inputs", tuple(INPUTS))
    if document["inputs"] != INPUTS:
        raise SpecError("spec_paths", f"inputs must be exactly {json.dumps(INPUTS)}")
    if document["output_dir"] != OUTPUT_DIR:
        raise SpecError("spec_paths", f"output_dir must be {OUTPUT_DIR!r}")
    return Spec(task=document["task"], parameters=_parse_parameters(document["parameters"]))


def _parse_parameters(value: Any) -> Parameters:
    names = tuple(Parameters.__dataclass_fields__)
    _require_keys(value, "parameters", names)
    parameters = Parameters(
        epochs=_integer(value, "epochs", 1, MAX_EPOCHS),
        batch_size=_integer_or_none(value, "batch_size", 1, MAX_BATCH_SIZE),
        validation_split=_fraction(value, "validation_split"),
        initial_epoch=_integer(value, "initial_epoch", 0, MAX_EPOCHS),
        steps_per_epoch=_integer_or_none(value, "steps_per_epoch", 1, MAX_STEPS),
        validation_steps=_integer_or_none(value, "validation_steps", 1, MAX_STEPS),
        validation_freq=_integer(value, "validation_freq", 1, MAX_EPOCHS),
        seed=_integer(value, "seed", 0, MAX_SEED),
    )
    if parameters.initial_epoch >= parameters.epochs:
        raise SpecError("spec_parameter", "initial_epoch must be below epochs: nothing is left to train")
    return parameters


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _require_keys(value: Any, where: str, names: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise SpecError("spec_malformed", f"{where} must be an object")
    unknown = sorted(set(value) - set(names))
    missing = sorted(set(names) - set(value))
    if unknown:
        raise SpecError("spec_unknown_key", f"{where} has unknown keys: {', '.join(unknown)}")
    if missing:
        raise SpecError("spec_missing_key", f"{where} lacks the keys: {', '.join(missing)}")


def _integer(values: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError("spec_parameter", f"{name} must be an integer from {low} to {high}")
    return value


def _integer_or_none(values: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    return None if values[name] is None else _integer(values, name, low, high)


def _fraction(values: Mapping[str, Any], name: str) -> float:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise SpecError("spec_parameter", f"{name} must be a number from 0 to below 1")
    return float(value)


# === Events and output files ===


def to_json(value: Any) -> str:
    """One line of JSON; NaN and infinities are refused, for they are not JSON."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def write_json(path: Path, value: Any) -> None:
    """Writes a file whose bytes depend on `value` alone."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


class Events:
    """Writes events as JSON lines, one object per line, each flushed at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def emit(self, event: str, **fields: Any) -> None:
        """Writes one event."""
        self._stream.write(to_json({"event": event, **fields}) + "\n")
        self._stream.flush()

    def error(self, reason: str, message: str) -> None:
        """Writes the last event of a failed run."""
        self.emit("error", reason=reason, message=message[:4000])


def claim_stdout() -> Events:
    """Keeps stdout for events alone: whatever else writes to it now reaches stderr instead."""
    sys.stdout.flush()
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Events(os.fdopen(own, "w", encoding="utf-8", errors="backslashreplace", newline="\n"))
