"""Splice: beats of several streams, and zeros, one after another in one stream."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import cast
from hpq_hls.billing.counters import count_bits
from hpq_hls.billing.memories import rom
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels.base import Frame, IntArray, Kernel, Streams, Table
from hpq_hls.kernels.contract import Contract, StageKind
from hpq_hls.kernels.nature import Nature
from hpq_hls.kernels.reorder import ZERO, aligned

Run = tuple[int, bool, int]
"""The input that beats are taken from, or ZERO; whether they leave; how many."""


def runs_of(index: IntArray, sizes: Sequence[int], lanes: int) -> tuple[Run, ...] | None:
    """How element i of the output comes to be element ``index[i]`` of all inputs one after another.

    index: -1 for zero; sizes: elements of each input. None where beats of ``lanes`` elements of an input
    would not leave whole, or not in the order in which they come, each once.
    """
    if index.size % lanes or any(size % lanes for size in sizes) or not aligned(index, lanes):
        return None
    beats = index.reshape(-1, lanes)[:, 0] // lanes
    ends = np.cumsum([size // lanes for size in sizes])
    starts = [0, *ends[:-1].tolist()]
    steps: list[tuple[int, bool]] = []
    seen = list(starts)
    for beat in beats.tolist():
        if beat < 0:
            steps.append((ZERO, True))
            continue
        source = int(np.searchsorted(ends, beat, side="right"))
        if beat < seen[source]:
            return None
        steps.extend([(source, False)] * (beat - seen[source]))
        steps.append((source, True))
        seen[source] = beat + 1
    for source, end in enumerate(ends.tolist()):
        steps.extend([(source, False)] * (end - seen[source]))
    return tuple((*step, len(list(group))) for step, group in itertools.groupby(steps))


def period_of(runs: tuple[Run, ...]) -> int:
    """After how many runs they repeat."""
    count = len(runs)
    return next(p for p in range(1, count + 1) if count % p == 0 and runs[:p] * (count // p) == runs)


@dataclass(frozen=True, eq=False)
class Splice(Kernel):
    """Takes beats from its inputs as ``runs`` say, from the first to the last ``repeats`` times per frame:
    each is cast and leaves, or is dropped. A run of ZERO puts zeros. One beat per
    cycle. All streams have the same lanes.

    casts: whether beats are cast; else all types are equal.
    Zeros in front of the first beat wait until there is one.
    """

    kind: ClassVar[str] = "splice"
    header: ClassVar[str] = "splice"

    runs: tuple[Run, ...]
    repeats: int
    casts: bool = False

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    def cycles(self, streams: Streams) -> int:
        return self.repeats * sum(count for _, _, count in self.runs)

    @property
    def registers(self) -> int:
        return 1

    def contract(self, streams: Streams) -> Contract:
        numbers = [(source, int(leaves), count) for source, leaves, count in self.runs]
        return Contract(StageKind.SPLICE, tuple(itertools.chain.from_iterable(numbers)))

    @property
    def source_bits(self) -> int:
        """Bits of the number of an input, or of all of them for zeros."""
        return max(count_bits(len(self.inputs) + 1), 1)

    @property
    def count_bits(self) -> int:
        """Bits of the length of a run, less one."""
        return max(count_bits(max(count for _, _, count in self.runs)), 1)

    @property
    def entry_bits(self) -> int:
        """Bits of what the table says of a run."""
        return 1 + self.source_bits + self.count_bits

    @cached_property
    def _entries(self) -> IntArray:
        rows = [
            (int(leaves) << self.source_bits | (source if source >= 0 else len(self.inputs)))
            << self.count_bits
            | count - 1
            for source, leaves, count in self.runs
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 1)

    def tables(self) -> Mapping[str, Table]:
        """runs: whether beats leave, the input (the number of inputs for zeros), the length less one, from
        the highest bits to the lowest."""
        kind = FixedType(self.entry_bits, self.entry_bits, signed=False)
        return {"runs": Table(self._entries, kind, "whether it leaves, input, length - 1")}

    def bill(self, bill: Bill, streams: Streams) -> None:
        made = streams[self.outputs[0]]
        counters = count_bits(len(self.runs)) + self.count_bits
        rom(bill, self._entries, self.entry_bits)
        bill.add(Term.PIPELINE, 1)
        bill.add(Term.COUNTER, counters)
        bill.add(Term.SELECT, made.bits * math.ceil((len(self.inputs) - 1) / 3))
        bill.ff += counters + 1
        if self.casts:
            for name in self.inputs:
                cast(bill, streams[name].type, made.type, Epilogue(), made.lanes)

    def summary(self, streams: Streams) -> str:
        lanes = streams[self.outputs[0]].lanes
        if len(self.inputs) > 1:
            return f"beats of {len(self.inputs)} streams one after another, {lanes} elements at a time"
        return f"beats dropped, and zeros in between, {lanes} elements at a time"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        made = streams[self.outputs[0]]
        given = [frame if not self.casts else finished(frame, streams[name].type, made.type)
                 for name, frame in zip(self.inputs, frames, strict=True)]  # fmt: skip
        rows, at = [], [0] * len(frames)
        for source, leaves, count in self.runs * self.repeats:
            if source == ZERO:
                rows.extend([np.zeros(made.lanes, np.int64)] * count)
                continue
            if leaves:
                rows.extend(given[source][at[source] : at[source] + count])
            at[source] += count
        return [np.stack(rows)]


def finished(frame: Frame, given: FixedType, made: FixedType) -> Frame:
    """A frame cast."""
    return np.asarray(made.from_raw(frame, given.fraction))


@dataclass(frozen=True, eq=False)
class Weld(Kernel):
    """One beat of each input side by side in one beat: element i of the output is element ``index[i]`` of all
    of them one after another, cast. One beat per cycle."""

    kind: ClassVar[str] = "weld"
    header: ClassVar[str] = "splice"
    per_beat: ClassVar[bool] = True

    index: IntArray

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    @property
    def registers(self) -> int:
        return 1

    def tables(self) -> Mapping[str, Table]:
        """index: as it is."""
        return {"index": Table(self.index.reshape(1, -1), None, "element of all inputs", in_memory=False)}

    def bill(self, bill: Bill, streams: Streams) -> None:
        made = streams[self.outputs[0]]
        bill.ff += made.bits
        for name in self.inputs:
            cast(bill, streams[name].type, made.type, Epilogue(), streams[name].lanes)

    def summary(self, streams: Streams) -> str:
        return f"beats of {len(self.inputs)} streams side by side"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        made = streams[self.outputs[0]].type
        parts = [
            finished(frame, streams[name].type, made) for name, frame in zip(self.inputs, frames, strict=True)
        ]
        return [np.concatenate(parts, axis=1)[:, self.index]]
