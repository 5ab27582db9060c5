"""Multiply-accumulate channel by channel (hpq_channelmac)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import finished, result_bits, unread_bits
from hpq_hls.billing.counters import count_bits
from hpq_hls.billing.memory import memory_style
from hpq_hls.kernels.base import Frame, IntArray, Streams
from hpq_hls.kernels.nature import Sums
from hpq_hls.kernels.weighted import FromRom, by_fold


@dataclass(frozen=True, eq=False)
class ChannelMac(FromRom):
    """Per-channel multiply-accumulate: depthwise convolution and standalone batch-norm.

    Input beats carry ``taps * L`` elements, element ``t * L + l``; output beats carry L elements:
    ``y[l] = cast(epilogue(bias[c] + (sum_t weight[c, t] * x[t, l] << shift[c])))``, c = chunk * L + l.
    Chunks count 0 .. C/L - 1, then the next position follows; ``positions`` of them per frame.
    weight: (C, taps) integers; bias, shift: (C,) integers or None. ROM word of a chunk:
    weight[chunk * L + l, t] at bits ``(t * L + l) * rom_type.width``, as ``in_rom`` says.
    """

    kind: ClassVar[str] = "channelmac"
    header: ClassVar[str] = "channel_mac"

    positions: int
    lanes: int

    @property
    def channels(self) -> int:
        """Number of channels, C."""
        return int(self.weight.shape[0])

    @property
    def taps(self) -> int:
        """Taps per channel."""
        return int(self.weight.shape[1])

    @property
    def chunks(self) -> int:
        """Beats per position."""
        return self.channels // self.lanes

    @property
    def multipliers(self) -> int:
        return self.lanes * self.taps

    def weight_words(self) -> IntArray:
        """The ROM in order: (C/L, taps, L) integers."""
        return self.in_rom(self.weight.reshape(self.chunks, self.lanes, self.taps).transpose(0, 2, 1))

    def bias_words(self) -> IntArray | None:
        """The bias ROM in order: (C/L, L) integers."""
        return None if self.bias is None else self.bias.reshape(self.chunks, self.lanes)

    def shift_words(self) -> IntArray | None:
        """The shifts in order: (C/L, L), or (1, L) where each lane has one shift."""
        return by_fold(self.shift, self.lanes)

    @property
    def terms(self) -> int:
        return self.taps

    @property
    def first_read(self) -> tuple[bool, int]:
        return memory_style(self.chunks, self.taps * self.lanes * self.rom_type.width) == "block", 0

    def latency(self, streams: Streams) -> int:
        """The result is a register more."""
        given, made = self.ends(streams)
        stages = self.ending(made.type)
        return self.arrival(given.type) + stages.front + stages.inside + 1

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = self.ends(streams)
        counters = count_bits(self.chunks)
        bill.add(Term.CHANNELMAC, 1)
        stages = self.ending(made.type)
        bill.ff += self.arrival(given.type) + stages.front + 1 + given.bits * (1 + self.read_register)
        if bill.family.absorbs and self.in_single_blocks(given.type, bill.family):
            bill.ff -= given.bits  # a block has two registers for an operand
        if self.bias is not None:
            counters *= 2
        bill.ff += counters
        product = self._product_width(given.type)
        shift_counter, shifted = self._bill_shifts(bill, self.taps, product)
        bill.add(Term.COUNTER, counters + shift_counter)
        accumulator = self.accumulator_type
        inside = self._bill_dot(bill, given.type, self.taps, self.lanes, shared=False)
        lanes = shifted if inside and self.taps == 1 else self.lanes
        unread = unread_bits(accumulator, made.type, self.epilogue)
        bill.ff += lanes * (
            (accumulator.width - unread) * stages.front + accumulator.width * self.shift_register
        )
        if self.bias is not None:
            bill.add(Term.BIAS, lanes * accumulator.width)
        bill.ff += self.lanes * result_bits(accumulator, made.type, self.epilogue)
        finished(bill, accumulator, made.type, self.epilogue, self.lanes, in_luts=self.in_luts, stages=stages)

    def summary(self, streams: Streams) -> str:
        return self._described(
            f"{self.taps} taps for each of {self.channels} channels, {self.lanes} at a time"
        )

    def exact_sums(self, streams: Streams) -> Sums:
        places = np.arange(self.channels * self.taps).reshape(self.chunks, self.taps, self.lanes)
        columns = places.transpose(0, 2, 1).reshape(self.channels, self.taps)
        each = [None if row is None else row[:, None] for row in (self.bias, self.shift)]
        return self._sums(self.ends(streams)[0].type, self.positions, columns, self.weight[:, None, :], *each)

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        made = streams[self.outputs[0]]
        beats = frames[0].astype(object).reshape(self.positions, self.chunks, self.taps, self.lanes)
        terms = (beats * self._weights_read()).transpose(0, 1, 3, 2)
        result = self._summed(terms, self.bias_words(), self.shift_words(), streams)
        return [result.reshape(made.beats, made.lanes)]
