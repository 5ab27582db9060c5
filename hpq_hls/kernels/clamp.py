"""Bringing every element of a stream into a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.kernels.base import Frame, Kernel, Streams


@dataclass(frozen=True, eq=False)
class Clip(Kernel):
    """``y = min(max(x, low), high)``, element by element, one register; the two streams have one fraction.

    low, high: raw values, None where there is no bound. What comes out fits the output's type.
    """

    kind: ClassVar[str] = "clamp"
    header: ClassVar[str] = "clamp"
    per_beat: ClassVar[bool] = True

    low: int | None
    high: int | None

    @property
    def registers(self) -> int:
        return 1

    def bounds(self, streams: Streams) -> tuple[int | None, int | None]:
        """Those that some element can be beyond."""
        codes = streams[self.inputs[0]].type.code_interval
        low = None if self.low is None or self.low <= codes.lo else self.low
        high = None if self.high is None or self.high >= codes.hi else self.high
        return low, high

    def bill(self, bill: Bill, streams: Streams) -> None:
        x, y = streams[self.inputs[0]].type, streams[self.outputs[0]]
        bill.add(Term.PIPELINE, 1)
        bill.ff += 1 + y.bits
        low, high = self.bounds(streams)
        bounds = [bound for bound in (low, high) if bound is not None]
        comparisons = sum(0 if bound == 0 else -(-x.width // 4) for bound in bounds)
        bill.add(Term.RANGE, 5 * comparisons * y.lanes)
        bill.add(Term.SATURATE, y.bits if bounds else 0)

    def summary(self, streams: Streams) -> str:
        return f"clamp to {self.low} .. {self.high}, {streams[self.outputs[0]].lanes} elements at a time"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        (x,) = frames
        given = x.astype(object)
        if self.low is not None:
            given = np.maximum(given, self.low)
        if self.high is not None:
            given = np.minimum(given, self.high)
        return [given.astype(np.int64)]
