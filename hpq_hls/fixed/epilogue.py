"""What becomes of an exact sum before it is cast: nothing, a ReLU, a clamp, a slope below zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed.arrays import INT64_MAX, INT64_MIN, IntArray, bounds
from hpq_hls.fixed.interval import Interval, bits_for
from hpq_hls.fixed.types import FixedType

MAX_SLOPE_BITS = 17
"""Significant bits of a slope at most: with its sign the narrower input of a DSP48's multiplier (UG479), and
a relative error of 2**-18."""
SPARE_SLOPE_BITS = 2
"""How many bits more a slope has than the output: then what becomes of a sum, if the largest slope's product
with it fits a signed output, is off by an eighth of the output's last place at most."""


@dataclass(frozen=True, slots=True)
class Epilogue:
    """Either ``min(max(sum, low), high)`` in raw units of the sum, None where there is no bound; or ``sum *
    2**fraction`` from zero up and ``sum * slope`` below it, which has ``fraction`` fraction bits more.

    A lower bound above the upper one becomes that: everything becomes the upper one, either way.

    slopes: integers, in words of equal length, none where there is no slope. Of a layer: one word for all
    channels or one for each, a single element wide. Of a kernel: one element wide for all, or one element for
    each lane, a word for each beat and again from the first.
    """

    low: int | None = None
    high: int | None = None
    slopes: tuple[tuple[int, ...], ...] = ()
    fraction: int = 0

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            object.__setattr__(self, "low", self.high)
        if self.slopes and (self.low is not None or self.high is not None):
            raise ValueError("a sum is brought into a range or gets a slope below zero, not both")

    @classmethod
    def relu(cls, rectifies: bool = True) -> Epilogue:
        """``max(sum, 0)``, or nothing."""
        return cls(0, None) if rectifies else cls()

    @classmethod
    def leaky(cls, slopes: npt.NDArray[np.float64], width: int) -> Epilogue:
        """Of real slopes, (1,) or (channels,), in front of a cast to ``width`` bits.

        Their fraction is the shortest that holds all of them exactly or, if the largest then had more than
        ``width + SPARE_SLOPE_BITS`` significant bits, or more than ``MAX_SLOPE_BITS``, the one with so many;
        each becomes the nearest number of it.
        """
        exact = [Fraction(float(slope)) for slope in slopes]
        largest = max(abs(slope) for slope in exact)
        if not largest:
            return cls.relu()
        if all(slope == 1 for slope in exact):
            return cls()
        needed = max(slope.denominator.bit_length() - 1 for slope in exact)
        places = min(width + SPARE_SLOPE_BITS, MAX_SLOPE_BITS) - _exponent(largest)
        fraction = max(min(needed, places), 0)
        raw = [_nearest(slope * 2**fraction) for slope in exact]
        while fraction and not any(value & 1 for value in raw):
            raw, fraction = [value >> 1 for value in raw], fraction - 1
        words = raw[:1] if len(set(raw)) == 1 else raw
        return cls(slopes=tuple((value,) for value in words), fraction=fraction)

    @property
    def is_relu(self) -> bool:
        """Whether it is ``max(sum, 0)``."""
        return self == Epilogue(0, None)

    @property
    def is_same_for_all_beats(self) -> bool:
        """Of a kernel: whether no beat has slopes of its own, which would have to be counted."""
        return len(self.slopes) <= 1

    @property
    def never_negative(self) -> bool:
        """Whether nothing below 0 comes out."""
        if self.slopes:
            return max(map(max, self.slopes)) <= 0
        return self.low is not None and self.low >= 0 and (self.high is None or self.high >= 0)

    @property
    def slope_type(self) -> FixedType:
        """The least signed type of the slopes."""
        raw = [slope for word in self.slopes for slope in word]
        width, _ = bits_for(Interval(min(*raw, -1), max(*raw, 0)))
        return FixedType(width, width - self.fraction)

    def made(self, sums: FixedType) -> FixedType:
        """A type of what becomes of all numbers of the signed type ``sums``.

        Raises:
            PrecisionError: it would have more bits than a type can have.
        """
        if not self.slopes:
            return sums
        width, _ = bits_for(self.interval(sums.code_interval).hull(Interval(-1, 0)))
        return FixedType(width, width - sums.fraction - self.fraction)

    def interval(self, values: Interval) -> Interval:
        """The hull of what becomes of an interval, in whatever channel."""
        if not self.slopes:
            return Interval(self._brought(values.lo), self._brought(values.hi))
        slopes = {slope for word in self.slopes for slope in word}
        ends: list[int] = []
        if values.hi >= 0:
            ends += [max(values.lo, 0) << self.fraction, values.hi << self.fraction]
        if values.lo < 0:
            ends += [end * slope for end in (values.lo, min(values.hi, -1)) for slope in slopes]
        return Interval(min(ends), max(ends))

    def apply(self, sums: IntArray, slopes: IntArray | None = None) -> IntArray:
        """Integers, int64 where they fit.

        slopes: those of the sums, of a shape that goes with theirs; None: there is one for all.
        """
        if not self.slopes:
            return self._ranged(sums)
        own = np.asarray(self.slopes[0][0]) if slopes is None else slopes
        least, most = bounds(sums)
        largest = max(-least, most, 1) * max(
            abs(end) for end in (*bounds(own.reshape(-1)), 1 << self.fraction)
        )
        if largest > INT64_MAX or sums.dtype == object:
            sums, own = sums.astype(object), own.astype(object)
        return np.asarray(np.where(sums < 0, sums * own, sums * (1 << self.fraction)))

    def within(self, sums: Interval) -> Epilogue:
        """Without what happens to none of these sums."""
        if self.slopes:
            return self if sums.lo < 0 else Epilogue()
        low = None if self.low is None or self.low <= sums.lo else self.low
        most = sums.hi if low is None else max(sums.hi, low)
        return Epilogue(low, None if self.high is None or self.high >= most else self.high)

    def in_order(self, channels: npt.NDArray[np.int64], lanes: int) -> Epilogue:
        """Of a layer, for a kernel that gives the elements of a frame in beats of ``lanes``.

        channels: of each element of the frame, in the order in which they leave.
        """
        if len(self.slopes) < 2:
            return self
        flat = np.asarray([word[0] for word in self.slopes], dtype=np.int64)[channels]
        period = _period(flat)
        words = np.resize(flat[:period], math.lcm(period, lanes)).reshape(-1, lanes)
        return Epilogue(slopes=tuple(map(tuple, words.tolist())), fraction=self.fraction)

    def of_lanes(self, lanes: Sequence[int]) -> Epilogue:
        """Of a kernel: the same for these of its lanes alone."""
        if not self.slopes or len(self.slopes[0]) == 1:
            return self
        return replace(self, slopes=tuple(tuple(word[lane] for lane in lanes) for word in self.slopes))

    def above(self, places: int) -> Epilogue:
        """Of a kernel: what becomes of a sum without so many of its lowest bits, which are known."""
        return replace(
            self,
            low=None if self.low is None else self.low >> places,
            high=None if self.high is None else self.high >> places,
        )

    @property
    def words(self) -> npt.NDArray[np.int64]:
        """The slopes, (words, elements of a word)."""
        return np.asarray(self.slopes, dtype=np.int64)

    def _ranged(self, sums: IntArray) -> IntArray:
        for bound, pick in ((self.low, np.maximum), (self.high, np.minimum)):
            if bound is not None:
                held = sums if INT64_MIN <= bound <= INT64_MAX else sums.astype(object)
                sums = np.asarray(pick(held, bound))
        return sums

    def _brought(self, value: int) -> int:
        value = value if self.low is None else max(value, self.low)
        return value if self.high is None else min(value, self.high)

    def __str__(self) -> str:
        """Behind a summary of what is cast: ", ReLU", ", clamped to -4 .. 20", ", leaky 0.125", nothing."""
        if self.is_relu:
            return ", ReLU"
        if self.slopes:
            raw = {slope for word in self.slopes for slope in word}
            ends = sorted({f"{slope * 2.0**-self.fraction:.4g}" for slope in (min(raw), max(raw))}, key=float)
            return f", leaky {' .. '.join(ends)}"
        if self.low is None and self.high is None:
            return ""
        bounds_ = ["" if bound is None else str(bound) for bound in (self.low, self.high)]
        return f", clamped to {' .. '.join(bounds_).strip()}"


def _nearest(value: Fraction) -> int:
    """To nearest, a tie upwards."""
    return math.floor(value + Fraction(1, 2))


def _exponent(value: Fraction) -> int:
    """The least ``e`` with ``value < 2**e``, of what is positive."""
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess + 1 if value >= Fraction(2) ** guess else guess


def _period(values: npt.NDArray[np.int64]) -> int:
    """After how many elements they repeat, as often as there are any."""
    count = len(values)
    small = [period for period in range(1, math.isqrt(count) + 1) if count % period == 0]
    for period in (*small, *(count // period for period in reversed(small))):
        if period == count or np.array_equal(values[period:], values[:-period]):
            return period
    return count
