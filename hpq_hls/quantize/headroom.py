"""What lies beyond the largest value that calibration has seen, and what it costs a type to clip it.

With N calibration samples a new one exceeds the largest value of them all with probability 1 / (N + 1),
whatever the distribution. By how much is taken from a Pareto tail, P(beyond t) proportional to t^-a, whose
index a comes from the largest value of each sample (Hill, "A simple general approach to inference about the
tail of a distribution", 1975, doi 10.1214/aos/1176343247), pulled towards a usual one where samples are few.

A narrow type cannot afford room for values that rare: one more integer bit makes all rounding errors twice as
large. A wide one can, and the wider it is the more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpq_hls.fixed import FixedType, Overflow
from hpq_hls.ops.base import FloatArray

SPARE_BITS = 12
"""Most integer bits above what the values seen need."""
PREMIUM = 4.0
"""A bit of room must save so many times, in expected squared error, of what it costs."""
TAIL_SHARE = 10
"""The tail is what the largest tenth of the samples' peaks shows."""
USUAL_INDEX, TRUST = 10.0, 4.0
"""The index assumed without data, and how many peaks it counts for beside them."""
LEAST_INDEX, MOST_INDEX = 3.0, 16.0
"""Heavier tails have no squared error to speak of; lighter ones rule out what calibration did not show."""


@dataclass(frozen=True)
class Tail:
    """Values beyond the largest magnitude seen, ``peak``.

    rate: the expected share of unseen values that lie there. index: of the Pareto tail.
    """

    peak: float
    rate: float
    index: float

    @classmethod
    def of(cls, peaks: FloatArray, values: int) -> Tail:
        """peaks: the largest magnitude of each calibration sample. values: how many a sample has."""
        ordered = np.sort(peaks)[::-1]
        largest = min(-(-len(peaks) // TAIL_SHARE), len(peaks) - 1)
        excess = 0.0
        if largest and ordered[largest] > 0:
            excess = float(np.log(ordered[:largest] / ordered[largest]).sum())
        index = (largest + TRUST) / (excess + TRUST / USUAL_INDEX)
        index = min(max(index, LEAST_INDEX), MOST_INDEX)
        return cls(float(ordered[0]), 1.0 / ((len(peaks) + 1) * values), index)

    def error(self, kind: FixedType) -> float:
        """The expected squared error, per unseen value, that a type makes of what lies beyond the peak."""
        limit = float(math.ldexp(kind.max_raw, -kind.fraction))
        if not 0 < self.peak < math.inf:
            return 0.0
        above = max(limit, self.peak)
        beyond = math.pow(above / self.peak, -self.index)  # the share of the tail that lies above the limit
        mean = above / (self.index - 1)  # what it exceeds the limit by, and the same squared
        square = 2 * above**2 / ((self.index - 1) * (self.index - 2))
        if kind.overflow not in (Overflow.SAT, Overflow.SAT_SYM):
            return self.rate * beyond * 4 * above**2  # wraps round the whole range
        missing = above - limit
        return self.rate * beyond * (missing**2 + 2 * missing * mean + square)
