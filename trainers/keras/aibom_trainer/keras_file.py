"""`.keras` files as bytes: what is refused before Keras sees it, and how ours are made reproducible.

A `.keras` file is a zip of `config.json`, `metadata.json` and `model.weights.h5`. No framework here
except h5py, which opens the weights as a tree of arrays.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from .contract import ModelError

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
ENTRIES = (CONFIG, METADATA, WEIGHTS)

MAX_JSON_BYTES = 16 * 1024 * 1024
MAX_WEIGHTS_BYTES = 8 * 1024**3
MAX_COMPRESSION_RATIO = 200
MODULES = ("keras", "builtins")
# Layers that carry code, or wrap what does.
CODE_CLASSES = frozenset({"Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer"})
FIXED_DATE = "1980-01-01@00:00:00"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


# === Inspection ===


def inspect(path: Path) -> None:
    """Refuses anything but a plain `.keras` archive of Keras's own classes and plain arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            _inspect_entries(archive)
            config = _read_json(archive, CONFIG)
            _read_json(archive, METADATA)
            _inspect_config(config)
            with archive.open(WEIGHTS) as weights:
                _inspect_weights(weights)
    except OSError as error:
        raise ModelError("model_unreadable", f"cannot read model.keras: {error}") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ModelError("model_malformed", f"model.keras is not a usable .keras archive: {error}") from error


def _inspect_entries(archive: zipfile.ZipFile) -> None:
    names = sorted(entry.filename for entry in archive.infolist())
    if names != sorted(ENTRIES):
        raise ModelError(
            "model_malformed",
            f"model.keras must hold exactly {', '.join(ENTRIES)}, and holds {', '.join(names)[:200]}",
        )
    for entry in archive.infolist():
        limit = MAX_WEIGHTS_BYTES if entry.filename == WEIGHTS else MAX_JSON_BYTES
        ratio = entry.file_size / max(entry.compress_size, 1)
        if entry.file_size > limit or (entry.file_size > 2**20 and ratio > MAX_COMPRESSION_RATIO):
            raise ModelError(
                "model_too_large", f"model.keras: {entry.filename} is too large ({entry.file_size} bytes)"
            )


def _read_json(archive: zipfile.ZipFile, name: str) -> Any:
    try:
        return json.loads(archive.read(name))
    except (ValueError, RecursionError) as error:
        raise ModelError("model_malformed", f"model.keras: {name} is not valid JSON") from error


def _inspect_config(config: Any) -> None:
    for node in _objects(config):
        name = node.get("class_name")
        if name == "__lambda__" or name in CODE_CLASSES:
            raise ModelError("model_unsafe", f"model.keras holds a {name} layer, which carries code")
        module = node.get("module")
        if isinstance(name, str) and isinstance(module, str) and module.split(".")[0] not in MODULES:
            raise ModelError("model_unsafe", f"model.keras needs {module}.{name}, which is not part of Keras")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside `value`, itself included."""
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            yield current
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)


def _inspect_weights(stream: BinaryIO) -> None:
    """Weights may not point outside of their own file: no external or soft links, no virtual data."""
    try:
        with h5py.File(io.BytesIO(stream.read()), "r") as file:
            _inspect_group(file)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise ModelError("model_malformed", f"model.keras: {WEIGHTS} is not usable HDF5: {error}") from error


def _inspect_group(group: h5py.Group) -> None:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ModelError("model_unsafe", f"model.keras: {WEIGHTS} holds a link at {name!r}")
        item = group[name]
        if isinstance(item, h5py.Group):
            _inspect_group(item)
        elif not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
            raise ModelError(
                "model_unsafe", f"model.keras: {WEIGHTS} refers to data outside of the file at {name!r}"
            )


# === Reproducible bytes ===


def normalise(source: Path, target: Path) -> None:
    """Rewrites a `.keras` file so that equal models give equal bytes: fixed times, order, ids; stored."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as output:
        for name in sorted(archive.namelist()):
            content = archive.read(name)
            if name == METADATA:
                content = _fixed_metadata(content)
            elif name == CONFIG:
                content = _fixed_config(content)
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            output.writestr(entry, content)


def _fixed_metadata(content: bytes) -> bytes:
    metadata = json.loads(content)
    metadata["date_saved"] = FIXED_DATE
    return json.dumps(metadata, sort_keys=True).encode()


def _fixed_config(content: bytes) -> bytes:
    """Keras numbers shared objects by memory address; here they are numbered as they appear."""
    config = json.loads(content)
    numbers: dict[int, int] = {}
    _renumber(config, numbers)
    return json.dumps(config).encode()


def _renumber(value: Any, numbers: dict[int, int]) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("shared_object_id"), int):
            value["shared_object_id"] = numbers.setdefault(value["shared_object_id"], len(numbers) + 1)
        for child in value.values():
            _renumber(child, numbers)
    elif isinstance(value, list):
        for child in value:
            _renumber(child, numbers)
