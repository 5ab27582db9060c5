"""How constants and buffers lie in the memories of HLS C++.

A row of a table is one word: its elements side by side, each in exactly its width, element 0 lowest. In C++
a word is a few unsigned integers of a builtin size, its parts, because every compiler sees constants in an
array of these. The vendor's tool takes words up to ``MAX_WORD_BITS``; a wider one lies in several memories,
which are read at one address.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

MAX_WORD_BITS = 4096
"""Widest word of a memory, a stream or a port: the widest integer of the tool's types (UG1399)."""

_PARTS = {64: "unsigned long long", 32: "unsigned", 16: "unsigned short", 8: "unsigned char"}
_PADDING = 1 / 16
"""Share of a word that may be padding where that makes its parts larger; constant bits take no memory."""


@dataclass(frozen=True)
class Packing:
    """The array of a table: ``memories`` of words of ``parts`` integers of ``part_bits`` bits."""

    memories: int
    parts: int
    part_bits: int

    @property
    def type(self) -> str:
        """The C++ type of a part."""
        return _PARTS[self.part_bits]

    @classmethod
    def of(cls, bits: int) -> Packing:
        """The packing of words of ``bits`` bits: parts as large as they can be with little padding."""
        padded = {size: -bits % size for size in _PARTS}
        least = min(padded.values())
        size = next(size for size in _PARTS if padded[size] <= max(least, bits * _PADDING))
        memories = math.ceil(bits / MAX_WORD_BITS)
        return cls(memories, math.ceil(math.ceil(bits / size) / memories), size)

    def words(self, rows: IntArray, width: int) -> npt.NDArray[np.unsignedinteger]:
        """Rows of a table, (depth, columns) integers of ``width`` bits, as (memories, depth, parts)."""
        shifts = np.minimum(np.arange(width), 63)  # an arithmetic shift: sign bits above bit 63
        bits = ((rows[:, :, None] >> shifts) & 1).astype(np.uint8).reshape(len(rows), -1)
        whole = self.memories * self.parts * self.part_bits
        padded = np.pad(bits, ((0, 0), (0, whole - bits.shape[1])))
        parts = np.packbits(padded, axis=1, bitorder="little").view(f"<u{self.part_bits // 8}")
        return parts.reshape(len(rows), self.memories, self.parts).swapaxes(0, 1)

    def digits(self, part: int) -> str:
        """A part as C++ prints it."""
        return f"0x{part:x}{ {64: 'ULL', 32: 'U'}.get(self.part_bits, '') }"


@dataclass(frozen=True)
class Split:
    """A buffer of words of ``columns`` elements: ``memories`` of words of ``word`` elements."""

    memories: int
    word: int

    @classmethod
    def of(cls, columns: int, width: int) -> Split:
        """The split of words of ``columns`` elements of ``width`` bits."""
        memories = math.ceil(columns / max(MAX_WORD_BITS // width, 1))
        return cls(memories, math.ceil(columns / memories))
