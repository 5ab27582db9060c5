"""Bits of the RTL backend: packing of constants into words, contents of memory files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Packed:
    """A constant of ``width`` bits as hexadecimal digits."""

    width: int
    digits: str


@dataclass(frozen=True)
class SideBySide:
    """A constant made of small unsigned numbers of ``width`` bits each, number 0 lowest."""

    width: int
    numbers: tuple[int, ...]


def packed(values: npt.ArrayLike, element_width: int) -> Packed:
    """One word with the integers ``values`` side by side, element 0 lowest, two's complement."""
    row = np.asarray(values, dtype=np.int64).reshape(1, -1)
    return Packed(row.size * element_width, word_digits(row, element_width)[0])


def side_by_side(values: IntArray, width: int) -> SideBySide:
    """Integers of ``width`` bits, two's complement."""
    return SideBySide(width, tuple(int(value) & ((1 << width) - 1) for value in values))


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
