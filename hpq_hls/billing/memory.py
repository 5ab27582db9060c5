"""Which memory a FIFO, ROM or buffer becomes; backends and estimates must agree on it."""

from __future__ import annotations

import functools
import math

from hpq_hls.billing.families import RAMB18, Family

SRL_DEPTH = 32
"""Stages of a shift register that one LUT holds (UG474)."""

SLICE = 180
"""Bits of a wide register or memory that hang on one copy of its enables and addresses: as many as leave
these at most 256 loads with those of the copy itself, and a whole number of columns of any memory
(RAMB18, RAM32M, RAM64M), so that slices take no more block RAMs than the whole."""

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


def slice_count(width: int, loads: int = 1) -> int:
    """How many slices so many bits are made in, of which each is so many loads to its control."""
    return -(-width // slice_bits(loads))


def slice_bits(loads: int = 1) -> int:
    """Bits of a slice of which each is so many loads to its control: at least a column of LUT RAM."""
    return max(SLICE // loads // 6 * 6, 6)


def fifo_loads(depth: int, width: int, family: Family = Family.SERIES_7) -> int:
    """Loads that a bit of a FIFO is to its addresses: one for each memory that it is spread over."""
    # Yosys takes memories of 32 words where they are fewer LUTs than those of 64.
    spread = fifo_style(depth, width, family) == "distributed"
    return math.ceil(depth / min(family.fabric.lut_words, 32)) if spread else 1
