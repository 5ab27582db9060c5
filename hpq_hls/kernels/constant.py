"""Constant: the same frame for each frame that comes, whatever is in it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.counters import count_bits, wrapping_counter
from hpq_hls.billing.memories import rom
from hpq_hls.fixed import FixedType
from hpq_hls.kernels.base import Frame, IntArray, Kernel, Streams, Table
from hpq_hls.kernels.contract import Contract, StageKind
from hpq_hls.kernels.nature import Nature


@dataclass(frozen=True, eq=False)
class Constant(Kernel):
    """Drops the beats of its inputs, one input after the other, and gives ``values`` meanwhile: a step a
    cycle, in each of which a beat is taken as long as there are any, and one leaves as long as there are any.

    values: (beats, lanes) raw values of ``type``, the type of the output. given: beats of a frame of each
        input.
    """

    kind: ClassVar[str] = "constant"
    header: ClassVar[str] = "routing"
    by_types: ClassVar[bool] = False

    values: IntArray
    type: FixedType
    given: tuple[int, ...]

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    @property
    def ends_of_inputs(self) -> Sequence[int]:
        """The step in which the first beat behind each input is taken."""
        return list(itertools.accumulate(self.given))

    @property
    def steps(self) -> int:
        """Cycles of a frame."""
        return max(sum(self.given), len(self.values))

    @property
    def step_bits(self) -> int:
        """Bits of the number of a step."""
        return max(count_bits(self.steps), 1)

    def cycles(self, streams: Streams) -> int:
        return self.steps

    def contract(self, streams: Streams) -> Contract:
        sources = [source for source, count in enumerate(self.given) for _ in range(count)]
        sources += [-1] * (self.steps - len(sources))
        leaves = [int(step < len(self.values)) for step in range(self.steps)]
        runs = itertools.groupby(zip(sources, leaves, strict=True))
        numbers = [(*step, len(list(alike))) for step, alike in runs]
        return Contract(StageKind.SPLICE, tuple(itertools.chain.from_iterable(numbers)))

    @cached_property
    def words(self) -> IntArray:
        """Beats that repeat, as many as a power of two, once; else all, the last one up to a power of two: a
        step's lowest bits say which one it is."""
        beats = len(self.values)
        for count in (1 << bits for bits in range(count_bits(beats))):
            if (
                beats % count == 0
                and (self.values.reshape(-1, count, self.values.shape[1]) == self.values[:count]).all()
            ):
                return self.values[:count]
        return np.pad(self.values, ((0, (1 << count_bits(beats)) - beats), (0, 0)), mode="edge")

    @property
    def constant_bits(self) -> int:
        return self.words.size * self.type.width

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        return [range(streams[name].lanes) for name in self.inputs]

    def bill(self, bill: Bill, streams: Streams) -> None:
        (made,) = (streams[name] for name in self.outputs)
        rom(bill, self.words, self.type.width)
        if (
            len(self.words) == 1 and bill.family.fabric.shifts
        ):  # then nothing is held in the FIFO, which is billed
            bill.add(Term.MEMORY, -made.different_bits)
        if self.steps == 1:
            return
        bill.ff += self.step_bits
        bill.add(Term.COUNTER, wrapping_counter(self.steps))
        if self.steps & (self.steps - 1):  # what is next is the address, and begins anew
            bill.add(Term.COUNTER, count_bits(len(self.words)))
        bill.add(Term.PIPELINE, len(self.inputs) + 1)

    def tables(self) -> Mapping[str, Table]:
        several = len(self.words) > 1
        return {
            "values": Table(self.words, self.type, "what leaves in the steps of a frame", in_memory=several)
        }

    def summary(self, streams: Streams) -> str:
        beats, lanes = self.values.shape
        return f"{beats} beats of {lanes} constants for each frame, which is dropped"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        return [np.array(self.values, dtype=np.int64)]
