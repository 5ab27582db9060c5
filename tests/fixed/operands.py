"""Numbers to compute with, and their words, for the comparisons with the Xilinx headers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

MASK = (1 << 64) - 1
EXHAUSTIVE = 13
"""Of a type with so many bits or fewer every code is an operand."""


def words_of(values: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """The low 64 bits of each integer, two's complement."""
    if values.dtype == np.int64:
        return values.view(np.uint64)
    return np.array([int(value) & MASK for value in values], np.uint64)


def fixed_operands(width: int, signed: bool, count: int, seed: int) -> npt.NDArray[Any]:
    """Raw operands: every code of a narrow source; of a wide one, codes of all sizes, ties, neighbours."""
    lo = -(1 << (width - 1)) if signed else 0
    if width <= EXHAUSTIVE:
        return np.arange(lo, lo + (1 << width))
    rng = np.random.default_rng(seed)
    kind = np.int64 if width < 62 else object  # the sums below need a bit more
    raw = rng.integers(0, 1 << 64, count, np.uint64).astype(object)
    raw = ((raw << 64) | rng.integers(0, 1 << 64, count, np.uint64).astype(object)) >> (128 - width)
    raw = raw.astype(kind) + lo >> rng.integers(0, width, count).astype(kind)  # all magnitudes
    cleared = rng.integers(0, width, count).astype(kind)
    raw = np.where(rng.random(count) < 0.6, (raw >> cleared) << cleared, raw)  # ties and exact values
    raw = raw + rng.integers(-1, 2, count).astype(kind)
    return np.clip(raw, lo, lo + (1 << width) - 1)


def words_of_operands(raw: npt.NDArray[Any], width: int) -> npt.NDArray[np.uint64]:
    """The words of raw values, a row of two each where the type has more than 64 bits."""
    if width <= 64:
        return words_of(raw)
    return np.stack([words_of(raw), words_of(raw >> 64)], axis=1)


def shape_of(source: str) -> tuple[int, int, bool]:
    """Width, fraction and signedness of a source, which may be wider than FixedType allows."""
    name, _, parameters = source.rstrip(">").partition("<")
    width, integer = map(int, parameters.split(","))
    return width, width - integer, name == "ap_fixed"
