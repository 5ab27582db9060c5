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
PREMIUM = 100.0
"""A bit of room must save so many times, in expected squared error, of what it costs: rounding errors hit
every value, clipping a few, and accuracy notices the former first."""
TAIL_SHARE = 10
"""The tail is what the largest tenth of the samples' peaks shows."""
USUAL_INDEX, TRUST = 10.0, 4.0
"""The index assumed without data, and how many peaks it counts for beside them."""
LEAST_INDEX, MOST_INDEX = 3.0, 16.0
"""Heavier tails have no squared error to speak of; lighter ones rule out what calibration did not show."""


@dataclass(frozen=True, eq=False)
class Tail:
    """The largest values: those seen, and those to be expected beyond them.

    peaks: the largest magnitude of each calibration sample. values: how many a sample has. index: of the
    Pareto tail.
    """

    peaks: FloatArray
    values: int
    index: float

    @classmethod
    def of(cls, peaks: FloatArray, values: int) -> Tail:
        """The tail that the peaks suggest."""
        ordered = np.sort(peaks)[::-1]
        largest = min(-(-len(peaks) // TAIL_SHARE), len(peaks) - 1)
        excess = 0.0
        if largest and ordered[largest] > 0:
            excess = float(np.log(ordered[:largest] / ordered[largest]).sum())
        index = (largest + TRUST) / (excess + TRUST / USUAL_INDEX)
        return cls(ordered, values, min(max(index, LEAST_INDEX), MOST_INDEX))

    def error(self, kind: FixedType) -> float:
        """The expected squared error, per value, that a type makes of the largest ones: of the peaks, and of
        what lies beyond them all."""
        peak, limit = float(self.peaks[0]), math.ldexp(float(kind.max_raw), -kind.fraction)
        if peak == 0:
            return 0.0
        above = max(limit, peak)
        # The share of unseen samples with a value above both, what it exceeds them by, and the same squared.
        share = math.pow(above / peak, -self.index) / (len(self.peaks) + 1)
        mean = above / (self.index - 1)
        square = 2 * above**2 / ((self.index - 1) * (self.index - 2))
        if kind.overflow not in (
            Overflow.SAT,
            Overflow.SAT_SYM,
        ):  # wraps round the whole range, or falls to 0
            seen = float((self.peaks > limit).mean())
            return (seen * 4 * limit**2 + share * 4 * above**2) / self.values
        missing = above - limit
        seen = float(np.square(np.maximum(self.peaks - limit, 0)).mean())
        return (seen + share * (missing**2 + 2 * missing * mean + square)) / self.values
