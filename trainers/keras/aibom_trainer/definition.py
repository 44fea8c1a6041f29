"""The dataset definition: AIBoMGen's `dataset_definition.yaml`, read strictly.

What AIBoMGen accepts for CSV data is accepted here as it is; what it would ignore in silence
(an unknown preprocessing step, a repeated key) is an error, so that what is recorded is what happened.
`definition.schema.json` states the same rules for other programs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .contract import DataError

MAX_DEFINITION_BYTES = 1024 * 1024
MAX_COLUMNS = 100_000
KINDS = {
    "float": "float",
    "float16": "float",
    "float32": "float",
    "float64": "float",
    "double": "float",
    "int": "int",
    "int8": "int",
    "int16": "int",
    "int32": "int",
    "int64": "int",
    "integer": "int",
    "str": "string",
    "string": "string",
}
KEYS = ("type", "columns", "label", "labels", "input_shape", "output_shape", "preprocessing")
STEPS = ("normalize", "scale", "clip")


@dataclass(frozen=True)
class Preprocessing:
    """Steps applied to the features, in this order: normalise, scale, clip."""

    normalize: bool = False
    scale: float | None = None
    clip: tuple[float, float] | None = None

    @property
    def kind(self) -> str:
        """A short name of what is applied, for the record."""
        steps = []
        if self.normalize:
            steps.append("standardize")
        if self.scale is not None:
            steps.append("scale")
        if self.clip is not None:
            steps.append("clip")
        return "+".join(steps) or "none"


@dataclass(frozen=True)
class Definition:
    """A checked definition. `features` keep the order of the definition, which is the model's order."""

    features: tuple[str, ...]
    kinds: dict[str, str]
    label: str
    labels: tuple[str, ...] | None = None
    input_shape: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)


class _StrictLoader(yaml.SafeLoader):
    """Plain data only: repeated keys, anchors and merges are refused."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.events.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.YAMLError("anchors and aliases are not supported")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            # `on`, `1` or `null` as a column's name: take the text as it was written.
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise yaml.YAMLError("keys must be plain names")
            key.tag = "tag:yaml.org,2002:str"
            if key.value in seen:
                raise yaml.YAMLError(f"the key {key.value!r} appears twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_definition(path: Path) -> Definition:
    """Reads and checks the definition at `path`."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_DEFINITION_BYTES + 1)
    except OSError as error:
        raise DataError("definition_unreadable", f"cannot read {path.name}: {error.strerror}") from error
    if len(text) > MAX_DEFINITION_BYTES:
        raise DataError("definition_too_large", f"{path.name} is larger than {MAX_DEFINITION_BYTES} bytes")
    return parse_definition(text)


def parse_definition(text: bytes) -> Definition:
    """Checks a definition; the error names the key."""
    try:
        document = yaml.load(text.decode("utf-8"), Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _malformed(f"not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise _malformed("must be a mapping")
    _refuse_other_types(document)
    unknown = sorted(str(key) for key in set(document) - set(KEYS))
    if unknown:
        raise DataError("definition_unknown_key", f"definition.yaml has unknown keys: {', '.join(unknown)}")
    kinds = _columns(document.get("columns"))
    label = document.get("label")
    if not isinstance(label, str) or label not in kinds:
        raise _malformed("label must name one of the columns")
    features = tuple(name for name in kinds if name != label)
    if not features:
        raise _malformed("columns must name at least one feature beside the label")
    texts = [name for name in features if kinds[name] == "string"]
    if texts:
        raise DataError("unsupported_column", f"text features are unsupported: {', '.join(texts)}")
    definition = Definition(
        features=features,
        kinds=kinds,
        label=label,
        labels=_labels(document.get("labels")),
        input_shape=_shape(document, "input_shape"),
        output_shape=_shape(document, "output_shape"),
        preprocessing=_preprocessing(document.get("preprocessing")),
    )
    if definition.input_shape not in (None, (len(features),)):
        raise _malformed(f"input_shape must be [{len(features)}], the number of feature columns")
    return definition


def _malformed(message: str) -> DataError:
    return DataError("definition_malformed", f"definition.yaml: {message}")


def _refuse_other_types(document: dict[str, Any]) -> None:
    """AIBoMGen also knows images and TFRecords; this trainer says so instead of guessing."""
    kind = document.get("type", "csv")
    if kind != "csv":
        raise DataError(
            "unsupported_dataset_type", f"dataset type {kind!r} is unsupported: this trainer reads csv"
        )
    if "image_size" in document:
        raise DataError(
            "unsupported_dataset_type", "image datasets (image_size) are unsupported: this trainer reads csv"
        )
    if "features" in document and "columns" not in document:
        raise DataError(
            "unsupported_dataset_type", "TFRecord datasets (features) are unsupported: this trainer reads csv"
        )


def _columns(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise _malformed("columns must map each column's name to its type")
    if len(value) > MAX_COLUMNS:
        raise _malformed(f"more than {MAX_COLUMNS} columns")
    kinds = {}
    for name, kind in value.items():
        if not isinstance(kind, str) or kind not in KINDS:
            raise _malformed(f"column {name!r} has the unknown type {kind!r} (known: float, int, string)")
        kinds[name] = KINDS[kind]
    return kinds


def _labels(value: Any) -> tuple[str, ...] | None:
    """Labels are kept as text: a number is not rounded, and a name needs no number."""
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise _malformed("labels must be a list of the classes")
    for label in value:
        if isinstance(label, bool) or not isinstance(label, (str, int, float)):
            raise _malformed(f"labels may be names or numbers, not {label!r}")
    labels = tuple(str(label) for label in value)
    if len(set(labels)) != len(labels):
        raise _malformed("labels must differ from each other")
    return labels


def _shape(document: dict[str, Any], name: str) -> tuple[int, ...] | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or any(
        isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in value
    ):
        raise _malformed(f"{name} must be a list of positive integers")
    return tuple(value)


def _preprocessing(value: Any) -> Preprocessing:
    if value is None:
        return Preprocessing()
    if not isinstance(value, dict):
        raise _malformed("preprocessing must be a mapping")
    unknown = sorted(str(step) for step in set(value) - set(STEPS))
    if unknown:
        raise DataError("unsupported_preprocessing", f"unsupported preprocessing: {', '.join(unknown)}")
    normalize = value.get("normalize", False)
    if not isinstance(normalize, bool):
        raise _malformed("preprocessing.normalize must be true or false")
    scale = value.get("scale")
    clip = value.get("clip")
    if clip is not None:
        if not isinstance(clip, list) or len(clip) != 2:
            raise _malformed("preprocessing.clip must be [lowest, highest]")
        clip = (_number(clip[0], "clip"), _number(clip[1], "clip"))
        if clip[0] > clip[1]:
            raise _malformed("preprocessing.clip must be [lowest, highest]")
    return Preprocessing(normalize, None if scale is None else _number(scale, "scale"), clip)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _malformed(f"preprocessing.{name} must be a finite number")
    return float(value)
