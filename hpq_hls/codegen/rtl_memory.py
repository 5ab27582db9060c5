"""Bits of the RTL backend: packing of constants into words, contents and style of memories."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

BRAM18_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Depth and width of a simple dual-port RAMB18 (UG473, table 1-12)."""

_BRAM18_BITS = 18 * 1024
_WORTH = 4  # a block RAM must be filled to at least one part in this many


@dataclass(frozen=True)
class Packed:
    """A constant of ``width`` bits as hexadecimal digits."""

    width: int
    digits: str


def packed(values: npt.ArrayLike, element_width: int) -> Packed:
    """One word with the integers ``values`` side by side, element 0 lowest, two's complement."""
    row = np.asarray(values, dtype=np.int64).reshape(1, -1)
    return Packed(row.size * element_width, word_digits(row, element_width)[0])


def word_digits(words: IntArray, element_width: int) -> list[str]:
    """Hexadecimal digits of each word.

    words: (words, elements) integers; element e is at bits ``e * element_width``, two's complement.
    """
    shifts = np.minimum(np.arange(element_width), 63)  # an arithmetic shift: sign bits above bit 63
    bits = ((words[:, :, None] >> shifts) & 1).astype(np.uint8).reshape(words.shape[0], -1)
    digits = (bits.shape[1] + 3) // 4
    data = np.packbits(bits, axis=1, bitorder="little")[:, ::-1]
    return [row.tobytes().hex()[-digits:].zfill(digits) for row in data]


def memory_file(words: IntArray, element_width: int) -> str:
    """Text for $readmemh, one word a line (nothing else: Vivado accepts no comments, UG901)."""
    return "\n".join(word_digits(words.reshape(words.shape[0], -1), element_width)) + "\n"


def bram18_count(depth: int, width: int) -> int:
    """RAMB18 blocks that a memory of ``depth`` words of ``width`` bits takes."""
    return min(math.ceil(depth / rows) * math.ceil(width / columns) for rows, columns in BRAM18_SHAPES)


def memory_style(depth: int, width: int) -> str:
    """Return "block" where a memory fills its block RAMs to at least a quarter, else "distributed"."""
    if depth < 1 or width < 1:
        return "distributed"
    filled = depth * width * _WORTH >= bram18_count(depth, width) * _BRAM18_BITS
    return "block" if filled else "distributed"


def fifo_style(depth: int, width: int) -> str:
    """Memory of a FIFO: "shift" (SRLs) up to the 32 words that a LUT holds, else as any memory."""
    return "shift" if depth <= 32 else memory_style(depth, width)
