"""Intervals of raw integers: what can occur on an edge, and how wide the hardware that carries it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import DataError
from hpq_hls.fixed.arrays import as_integers, bounds
from hpq_hls.fixed.casting import effective_shift, round_shift
from hpq_hls.fixed.modes import Overflow

if TYPE_CHECKING:
    from hpq_hls.fixed.types import FixedType


@dataclass(frozen=True, slots=True)
class Interval:
    """All integers from `lo` to `hi`, both included; Python ints of any size. Raises DataError if lo > hi."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        for name, value in (("lo", self.lo), ("hi", self.hi)):
            if type(value) is int:
                continue
            if not isinstance(value, (int, np.integer)):
                raise DataError(f"the {name} of an interval must be an integer, not {value!r}.")
            object.__setattr__(self, name, int(value))
        if self.lo > self.hi:
            raise DataError(f"an interval must not be empty, but lo {self.lo} exceeds hi {self.hi}.")

    @classmethod
    def of(cls, raw: npt.ArrayLike) -> Interval:
        """The smallest interval holding every element of a non-empty array-like of integers."""
        values = as_integers(raw)
        if values.size == 0:
            raise DataError("an empty array has no interval.")
        return cls(*bounds(values))

    def hull(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.lo, other.lo), max(self.hi, other.hi))

    def add(self, other: Interval) -> Interval:
        """Every sum of one element from each."""
        return Interval(self.lo + other.lo, self.hi + other.hi)

    def shift(self, left: int) -> Interval:
        """The hull of every element times `2**left`, `left >= 0`."""
        if left < 0:
            raise DataError(f"an interval is shifted left by 0 or more bits, not {left}; use cast_interval.")
        return Interval(self.lo << left, self.hi << left)

    def scale(self, factor: int) -> Interval:
        """The hull of every element times the integer `factor`."""
        ends = (self.lo * factor, self.hi * factor)
        return Interval(min(ends), max(ends))

    def clip(self, limits: Interval) -> Interval:
        """The hull of every element brought into `limits`."""
        return Interval(min(max(self.lo, limits.lo), limits.hi), max(min(self.hi, limits.hi), limits.lo))

    def contains(self, item: int | Interval) -> bool:
        """Whether the integer, or every integer of the other interval, lies inside."""
        lo, hi = (item.lo, item.hi) if isinstance(item, Interval) else (item, item)
        return self.lo <= lo and hi <= self.hi

    def __contains__(self, item: int | Interval) -> bool:
        return self.contains(item)


def bits_for(interval: Interval) -> tuple[int, bool]:
    """The least (width, signed) that holds every value: signed iff `lo < 0`, at least one bit."""
    if interval.lo >= 0:
        return max(1, interval.hi.bit_length()), False
    return max(interval.hi, ~interval.lo).bit_length() + 1, True


def cast_interval(interval: Interval, fraction: int, target: FixedType) -> Interval:
    """
    An interval that holds `target.from_raw(raw, fraction)` for every integer `raw` of `interval`.

    Tight wherever nothing overflows, for one-element intervals, and always for AP_SAT and AP_SAT_SYM.
    Otherwise sound, and for AP_SAT_ZERO tight too unless zeros are appended below.
    """
    rounded, limits = _rounded(interval, fraction, target), target.interval
    if rounded in limits:
        return rounded
    if target.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        return rounded.clip(limits)
    if interval.lo == interval.hi:
        return Interval.of(target.from_raw([interval.lo], fraction))
    if target.overflow is Overflow.SAT_ZERO:
        return _zeroed(rounded, target)
    if (
        target.overflow is Overflow.WRAP
        and (rounded.lo - target.min_raw) >> target.width == (rounded.hi - target.min_raw) >> target.width
    ):
        return Interval.of(target.from_raw([rounded.lo, rounded.hi], target.fraction))  # both in one period
    return limits


def overflows(interval: Interval, fraction: int, target: FixedType) -> bool:
    """Whether `target.from_raw(raw, fraction)` rounds any integer `raw` of `interval` to what is not in the
    range of `target`."""
    return _rounded(interval, fraction, target) not in target.interval


def _rounded(interval: Interval, fraction: int, target: FixedType) -> Interval:
    size = max(abs(interval.lo), abs(interval.hi)).bit_length()
    shift = effective_shift(fraction - target.fraction, size, target.width)
    return Interval(
        round_shift(interval.lo, shift, target.rounding, size),
        round_shift(interval.hi, shift, target.rounding, size),
    )


def _zeroed(rounded: Interval, target: FixedType) -> Interval:
    """AP_SAT_ZERO of values of which at least one lies outside the range: the part inside, and zero."""
    lo, hi = max(rounded.lo, target.min_raw), min(rounded.hi, target.max_raw)
    return Interval(min(lo, 0), max(hi, 0)) if lo <= hi else Interval(0, 0)
