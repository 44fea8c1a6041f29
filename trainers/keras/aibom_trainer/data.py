"""The dataset: a CSV file read cell by cell, the label mapping, and preprocessing fitted on train rows.

Pure Python, so that every error can name the row and the column, and so that nothing is guessed:
a missing, non-numeric or non-finite cell is an error, never a silent 0, NaN or truncated number.
"""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .contract import DataError
from .definition import Definition

# What float() accepts and no data file should hold is left out: nan, inf, 1_000, ٣.
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z", re.ASCII)
FLOAT32_MAX = 3.4028234663852886e38
MAX_LINE_CELLS = 200_000


@dataclass(frozen=True)
class Table:
    """The columns that the definition names. Features are numbers; labels stay the text of the cell."""

    features: list[array[float]]
    labels: list[str]
    ignored_columns: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Number of data rows; the header is not one."""
        return len(self.labels)


@dataclass(frozen=True)
class ColumnFit:
    """What was learnt about one feature from the train rows."""

    column: str
    mean: float
    std: float


def load_table(path: Path, definition: Definition) -> Table:
    """Reads the CSV file at `path`."""
    try:
        with path.open("r", encoding="utf-8-sig", newline="") as file:
            return read_table(file, definition)
    except OSError as error:
        raise DataError("dataset_unreadable", f"cannot read {path.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError("dataset_not_utf8", f"{path.name} is not UTF-8 text") from error


def read_table(lines: Iterable[str], definition: Definition) -> Table:
    """Reads CSV lines; columns that the definition does not name are ignored and listed."""
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, None)
        if not header:
            raise DataError("dataset_empty", "dataset.csv has no header line")
        positions = _positions(header, definition)
        features = [array("d") for _ in definition.features]
        labels: list[str] = []
        label_position = positions[definition.label]
        plan = [
            (positions[name], name, definition.kinds[name], features[i].append)
            for i, name in enumerate(definition.features)
        ]
        for row, cells in _rows(reader, len(header)):
            for position, name, kind, append in plan:
                append(parse_number(cells[position], kind, row, name))
            labels.append(_present(cells[label_position], row, definition.label))
    except csv.Error as error:
        raise DataError("dataset_malformed", f"dataset.csv, line {reader.line_num}: {error}") from error
    if not labels:
        raise DataError("dataset_empty", "dataset.csv has a header and no rows")
    ignored = tuple(name for name in header if name not in definition.kinds)
    return Table(features, labels, ignored)


def _rows(reader: Iterator[list[str]], width: int) -> Iterator[tuple[int, list[str]]]:
    for row, cells in enumerate(reader, start=1):
        if not cells and width > 1:
            raise DataError("row_width", f"dataset.csv, row {row}: the line is empty")
        if len(cells) != width:
            raise DataError(
                "row_width", f"dataset.csv, row {row}: {len(cells)} cells where the header has {width}"
            )
        yield row, cells


def _positions(header: list[str], definition: Definition) -> dict[str, int]:
    if len(header) > MAX_LINE_CELLS:
        raise DataError("dataset_malformed", f"dataset.csv has more than {MAX_LINE_CELLS} columns")
    repeated = (
        sorted({name for name in header if header.count(name) > 1}) if len(set(header)) != len(header) else []
    )
    if repeated:
        raise DataError("column_repeated", f"dataset.csv names columns twice: {', '.join(repeated)}")
    positions = {name: position for position, name in enumerate(header)}
    missing = [name for name in definition.kinds if name not in positions]
    if missing:
        raise DataError("column_missing", f"dataset.csv lacks the columns: {', '.join(missing)}")
    return positions


def _present(cell: str, row: int, column: str) -> str:
    text = cell.strip()
    if not text:
        raise DataError("cell_missing", f"dataset.csv, row {row}, column {column!r}: the cell is empty")
    return text


def parse_number(cell: str, kind: str, row: int, column: str) -> float:
    """The number in a cell of type `kind` ("float" or "int"); the error names row and column."""
    text = _present(cell, row, column)
    if not NUMBER.match(text):
        raise DataError(
            "cell_not_a_number", f"dataset.csv, row {row}, column {column!r}: {text[:40]!r} is not a number"
        )
    value = float(text)
    if not math.isfinite(value) or abs(value) > FLOAT32_MAX:
        raise DataError(
            "cell_out_of_range",
            f"dataset.csv, row {row}, column {column!r}: {text[:40]!r} does not fit a 32-bit float",
        )
    if kind == "int" and value != math.floor(value):
        raise DataError(
            "cell_not_an_integer",
            f"dataset.csv, row {row}, column {column!r}: {text[:40]!r} is not an integer",
        )
    return value


# === Labels ===


@dataclass(frozen=True)
class Classes:
    """The classes in the order of their indexes, as text, and each row's index."""

    names: tuple[str, ...]
    indexes: list[int]


def regression_targets(table: Table, definition: Definition) -> list[float]:
    """The label column as numbers."""
    kind = definition.kinds[definition.label]
    if kind == "string" or definition.labels is not None:
        raise DataError("label_not_numeric", "regression needs a numeric label column and no list of labels")
    return [parse_number(cell, kind, row, definition.label) for row, cell in enumerate(table.labels, start=1)]


def class_labels(table: Table, definition: Definition) -> Classes:
    """Maps each label to a class index: in the definition's order, else sorted by value."""
    kind = definition.kinds[definition.label]
    keys = [_class_key(cell, kind, row, definition.label) for row, cell in enumerate(table.labels, start=1)]
    if definition.labels is None:
        ordered: Sequence[float | str] = sorted(set(keys))  # type: ignore[type-var]
    else:
        ordered = [_class_key(label, kind, None, definition.label) for label in definition.labels]
    index = {key: position for position, key in enumerate(ordered)}
    if len(index) != len(ordered):
        raise DataError("definition_malformed", "definition.yaml: two labels have the same value")
    for row, key in enumerate(keys, start=1):
        if key not in index:
            raise DataError(
                "label_unknown",
                f"dataset.csv, row {row}, column {definition.label!r}: {table.labels[row - 1][:40]!r} is not among the labels",
            )
    return Classes(tuple(_class_name(key) for key in ordered), [index[key] for key in keys])


def _class_key(cell: str, kind: str, row: int | None, column: str) -> float | str:
    """Numbers are compared by value ("1" is "1.0"), never rounded; text is compared as it is."""
    if kind == "string":
        return cell
    if row is None and not NUMBER.match(cell.strip()):
        raise DataError(
            "definition_malformed",
            f"definition.yaml: label {cell!r} is no number, but column {column!r} is {kind}",
        )
    return parse_number(cell, kind, row or 0, column)


def _class_name(key: float | str) -> str:
    if isinstance(key, str):
        return key
    return str(int(key)) if key == math.floor(key) else repr(key)


# === Preprocessing ===


def fit_columns(table: Table, definition: Definition, train: Sequence[int]) -> list[ColumnFit]:
    """Mean and population standard deviation of each feature over the train rows, exactly summed."""
    fits = []
    for name, column in zip(definition.features, table.features, strict=True):
        mean = math.fsum(column[row] for row in train) / len(train)
        variance = math.fsum((column[row] - mean) ** 2 for row in train) / len(train)
        fits.append(ColumnFit(name, mean, math.sqrt(variance)))
    return fits


def prepare(column: array[float], fit: ColumnFit, definition: Definition) -> array[float]:
    """Applies the definition's steps to one column: normalise, scale, clip. A constant column becomes 0."""
    steps = definition.preprocessing
    values: Iterable[float] = column
    if steps.normalize:
        divisor = fit.std if fit.std > 0 else 1.0
        values = [(value - fit.mean) / divisor for value in values]
    if steps.scale is not None:
        values = [value * steps.scale for value in values]
    if steps.clip is not None:
        low, high = steps.clip
        values = [min(max(value, low), high) for value in values]
    return array("d", values)
