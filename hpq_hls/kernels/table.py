"""Table look-up: each element is the word at its code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill
from hpq_hls.billing.memories import block_rom, logic_rom
from hpq_hls.billing.memory import memory_style
from hpq_hls.fixed import FixedType, Interval, bits_for
from hpq_hls.kernels.base import Frame, IntArray, Kernel, Streams, Table
from hpq_hls.kernels.nature import Nature

LUT_INPUTS = 8
"""Bits of an address that a LUT and the multiplexers behind it take."""
MAX_STEPS = 16
"""A table that changes its value so many times at most, going up through its codes, is built as logic, a few
comparisons with constants, whatever its depth."""


@dataclass(frozen=True, eq=False)
class Lookup(Kernel):
    """``y = values[code of x]`` for each of the elements of a beat, one beat per cycle, one register.

    values: (2**index,) raw values of ``type``; the lowest ``index`` bits of an element are its place, so that
    negative codes are in the upper half. Each lane has a memory of its own.
    type: of the output. content: what the table holds, for people.
    """

    kind: ClassVar[str] = "table"
    header: ClassVar[str] = "table"
    by_types: ClassVar[bool] = False
    per_beat: ClassVar[bool] = True

    values: IntArray
    type: FixedType
    content: str = ""

    @property
    def nature(self) -> Nature:
        return Nature.ELEMENTWISE

    @property
    def index(self) -> int:
        """Bits of an element that choose the word."""
        return (len(self.values) - 1).bit_length()

    @property
    def style(self) -> str:
        """Memory of a lane: "block", or "distributed" where it is small or mere logic."""
        codes = np.roll(self.values, len(self.values) // 2)  # signed codes in order; of unsigned ones, too
        steps = min(np.count_nonzero(np.diff(order)) for order in (self.values, codes))
        if steps <= MAX_STEPS:
            return "distributed"
        return memory_style(len(self.values), self.type.width)

    @property
    def in_step(self) -> bool:
        return True

    @property
    def read_register(self) -> bool:
        """Whether there is a register behind that of its memory."""
        return self.style == "block" and self.pace.delays.read(0) > self.pace.budget

    @property
    def registers(self) -> int:
        return 2 if self.read_register else 1

    def critical(self, streams: Streams) -> int:
        delays = self.pace.delays
        if self.style == "block":
            return max(delays.control, delays.read(0, registered=self.read_register))
        return max(delays.control, delays.logic(max(self.index - LUT_INPUTS, 0) // 2 + 1))

    @property
    def constant_bits(self) -> int:
        return len(self.values) * self.type.width

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        return [streams[self.outputs[0]].unread] * len(self.inputs)

    def bill(self, bill: Bill, streams: Streams) -> None:
        lanes = len(streams[self.outputs[0]].read)
        if self.style == "block":
            block_rom(bill, self.values, self.type.width, lanes)
            return
        logic_rom(bill, self.values, self.type.width, lanes)

    def tables(self) -> Mapping[str, Table]:
        return {"values": Table(self.values.reshape(-1, 1), self.type, self.content)}

    def summary(self, streams: Streams) -> str:
        lanes = streams[self.outputs[0]].lanes
        return f"table of {len(self.values)} words, {self.content}, {lanes} elements at a time"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        (x,) = frames
        return [self.values[x & (len(self.values) - 1)]]


def addressed(values: IntArray, codes: Interval) -> IntArray:
    """A table over ``codes``, lowest first, as ``Lookup.values``: a power of two of words in the order of the
    codes' lowest bits. Codes that cannot occur have the word of the nearest that can."""
    width, signed = bits_for(codes)
    places = np.arange(1 << width, dtype=np.int64)
    if signed:
        places[1 << (width - 1) :] -= 1 << width
    return np.asarray(values[np.clip(places, codes.lo, codes.hi) - codes.lo])
