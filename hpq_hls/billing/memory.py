"""Which memory a FIFO, ROM or buffer becomes; backends and estimates must agree on it."""

from __future__ import annotations

import functools
import math

from hpq_hls.billing.families import RAMB18, Family

SRL_DEPTH = 32
"""Stages of a shift register that one LUT holds (UG474)."""

_BRAM18_BITS = 18 * 1024
_WORTH = 4  # a block RAM must be filled to at least one part in this many


def bram18_count(depth: int, width: int) -> int:
    """RAMB18 blocks that a memory of ``depth`` words of ``width`` bits takes."""
    return _fewest(depth, width, RAMB18)


def block_count(depth: int, width: int, family: Family) -> int:
    """Block RAMs of a family that such a memory takes."""
    return _fewest(depth, width, family.fabric.shapes)


@functools.lru_cache(maxsize=4096)
def _fewest(depth: int, width: int, shapes: tuple[tuple[int, int], ...]) -> int:
    return min(math.ceil(depth / rows) * math.ceil(width / columns) for rows, columns in shapes)


def memory_style(depth: int, width: int) -> str:
    """Say "block" where a memory fills its block RAMs to at least a quarter, else "distributed"."""
    if depth < 1 or width < 1:
        return "distributed"
    filled = depth * width * _WORTH >= bram18_count(depth, width) * _BRAM18_BITS
    return "block" if filled else "distributed"


def ram_style(depth: int, width: int, family: Family) -> str:
    """The same of a memory that is written: "block" too where no LUT is memory with a port to write."""
    return memory_style(depth, width) if family.fabric.lut_words else "block"


def fifo_style(depth: int, width: int, family: Family = Family.SERIES_7) -> str:
    """Memory of a FIFO: "shift" (SRLs) up to the words that a LUT holds, else as any memory."""
    return "shift" if depth <= SRL_DEPTH else ram_style(depth, width, family)
