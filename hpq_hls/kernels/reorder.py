"""Reorder: any element of the input anywhere in the output, through memory of two frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.counters import count_bits
from hpq_hls.billing.memories import dual_port_ram, rom
from hpq_hls.fixed import FixedType
from hpq_hls.kernels.base import Frame, IntArray, Kernel, Streams, Table
from hpq_hls.kernels.contract import Contract, StageKind
from hpq_hls.kernels.lanes import divisors
from hpq_hls.kernels.nature import Nature

ZERO = -1
"""In an index: no element, but zero."""


def aligned(index: IntArray, size: int) -> bool:
    """Whether every ``size`` elements of the output are as many neighbours of the input, which begin at a
    multiple of that, or all zeros."""
    rows = index.reshape(-1, size)
    first = rows[:, :1]
    together = ((rows == first + np.arange(size)) & (first % size == 0)).all(axis=1)
    return bool((together | (rows == ZERO).all(axis=1)).all())


def largest_atom(index: IntArray, *sizes: int) -> int:
    """The most elements that stay together: a divisor of ``sizes`` and of the elements of the output."""
    return max(size for size in divisors(math.gcd(index.size, *sizes)) if aligned(index, size))


def taken(index: IntArray, frame: Frame, lanes: int) -> Frame:
    """A frame of ``index``'s elements of a frame, in beats of ``lanes``."""
    padded = np.append(frame.reshape(-1), 0)
    return np.asarray(padded[index].reshape(-1, lanes))


@dataclass(frozen=True, eq=False)
class Reorder(Kernel):
    """Element i of a frame of the output is element ``index[i]`` of a frame of the input, both counted in the
    order in which they travel, or zero where that is -1; elements may be used often, or not at all.

    A frame is written to one of two memories while the frame before it is read from the other: no rate is
    lost, and a frame of latency added. ``atom`` elements stay together; an output beat has ``reads`` atoms,
    each read from a copy of the memories of its own. words: beats of a frame of the input; split: atoms of
    one.
    """

    kind: ClassVar[str] = "reorder"
    header: ClassVar[str] = "reorder"

    index: IntArray
    atom: int
    reads: int
    words: int
    split: int

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    @staticmethod
    def structure(index: IntArray, lanes_in: int, lanes_out: int, beats_in: int) -> dict[str, int]:
        """Its fields, but for the index, between streams of these lanes."""
        atom = largest_atom(index, lanes_in, lanes_out)
        return {"atom": atom, "reads": lanes_out // atom, "words": beats_in, "split": lanes_in // atom}

    @property
    def beats(self) -> int:
        """Beats of a frame of the output."""
        return self.index.size // (self.atom * self.reads)

    @property
    def registers(self) -> int:
        return 2

    def contract(self, streams: Streams) -> Contract:
        return Contract(StageKind.REORDER, (self.words, self.beats))

    @cached_property
    def zeros(self) -> bool:
        """Whether there are zeros among the elements."""
        return bool((self.index == ZERO).any())

    @property
    def word_bits(self) -> int:
        """Bits of the number of a word."""
        return max(count_bits(self.words), 1)

    @property
    def place_bits(self) -> int:
        """Bits of the place of an atom in a word."""
        return count_bits(self.split)

    @property
    def entry_bits(self) -> int:
        """Bits of what the table says of one atom."""
        return int(self.zeros) + self.word_bits + self.place_bits

    def tables(self) -> Mapping[str, Table]:
        """index: of each read of each beat whether it is zero, the word, and the place of the atom in it,
        from the highest bits to the lowest."""
        atoms = self.index.reshape(-1, self.atom)[:, 0] // self.atom
        words, places = np.divmod(np.maximum(atoms, 0), self.split)
        entries = (words << self.place_bits) | places
        entries |= np.where(atoms < 0, 1 << (self.word_bits + self.place_bits), 0)
        kind = FixedType(self.entry_bits, self.entry_bits, signed=False)
        return {"index": Table(entries.reshape(-1, self.reads), kind, "words and places in them")}

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = streams[self.inputs[0]], streams[self.outputs[0]]
        table = self.tables()["index"]
        rom(bill, table.values, self.entry_bits)
        for _ in range(self.reads):
            dual_port_ram(bill, 2 * self.words, given.bits)
        counters = count_bits(self.words) + count_bits(2 * self.words) + count_bits(self.beats)
        bill.add(Term.COUNTER, counters + self.reads * self.word_bits)
        bill.add(Term.SELECT, made.bits * math.ceil((self.split - 1) / 3))
        bill.ff += counters + 4 + made.bits + self.reads * (self.place_bits + int(self.zeros))

    def summary(self, streams: Streams) -> str:
        text = f"{self.index.size} elements in another order, {self.atom * self.reads} at a time"
        return text + (f", {self.atom} together" if self.atom > 1 else "")

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        return [taken(self.index, frames[0], streams[self.outputs[0]].lanes)]
