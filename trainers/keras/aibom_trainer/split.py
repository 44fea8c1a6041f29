"""The split into train and validation rows: by row index, from the seed alone.

The rule is so plain that any language can repeat it, and it depends on no library's random numbers:
each row's rank is SHA-256 of `aibom.split.v1:<seed>:<row>`; rows are sorted by rank; the first
`floor(rows * validation_split)` validate, the others train. The order of the ranks is also the one
fixed shuffle: rows are trained on in that order in every epoch.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from fractions import Fraction

from .contract import DataError

ALGORITHM = "sha256-rank.v1"


@dataclass(frozen=True)
class Split:
    """0-based row indexes, each in the order in which its rows are used."""

    train: list[int]
    validation: list[int]


def validation_rows(rows: int, validation_split: float) -> int:
    """Exact in decimal: 0.29 of 100 rows is 29, although 0.29 * 100 in binary is a little less."""
    return math.floor(Fraction(repr(validation_split)) * rows)


def split_rows(rows: int, validation_split: float, seed: int) -> Split:
    """Every row lands in exactly one of the two lists."""
    count = validation_rows(rows, validation_split)
    if validation_split > 0 and count == 0:
        raise DataError(
            "too_few_rows", f"{rows} rows leave none to validate on at validation_split {validation_split}"
        )
    ranked = sorted(
        range(rows), key=lambda row: hashlib.sha256(f"aibom.split.v1:{seed}:{row}".encode()).digest()
    )
    return Split(train=ranked[count:], validation=ranked[:count])
