"""Which memory a FIFO, ROM or buffer becomes; backends and estimates must agree on it."""

from __future__ import annotations

import functools
import math

BRAM18_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Depth and width of a simple dual-port RAMB18 (UG473, table 1-12)."""

SRL_DEPTH = 32
"""Stages of a shift register that one LUT holds (UG474)."""

_BRAM18_BITS = 18 * 1024
_WORTH = 4  # a block RAM must be filled to at least one part in this many


@functools.lru_cache(maxsize=4096)
def bram18_count(depth: int, width: int) -> int:
    """RAMB18 blocks that a memory of ``depth`` words of ``width`` bits takes."""
    return min(math.ceil(depth / rows) * math.ceil(width / columns) for rows, columns in BRAM18_SHAPES)


def memory_style(depth: int, width: int) -> str:
    """Say "block" where a memory fills its block RAMs to at least a quarter, else "distributed"."""
    if depth < 1 or width < 1:
        return "distributed"
    filled = depth * width * _WORTH >= bram18_count(depth, width) * _BRAM18_BITS
    return "block" if filled else "distributed"


def fifo_style(depth: int, width: int) -> str:
    """Memory of a FIFO: "shift" (SRLs) up to the words that a LUT holds, else as any memory."""
    return "shift" if depth <= SRL_DEPTH else memory_style(depth, width)
