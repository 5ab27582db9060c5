"""Casting exact sums that are held in floats: round, then bring into range, without leaving the floats.

The sums come scaled to units of the target, ``u = sum * 2**-shift``; floats hold every ``u`` exactly,
and ``u + 1/2`` too, because the plan of the layer has proved it. Same result as ``FixedType.from_raw``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hpq_hls.fixed import Epilogue, FixedType, Interval, Overflow, Rounding, cast_interval
from hpq_hls.ops.layout import Array, by_channel

FLOAT32_BOUND = 2**24
FLOAT64_BOUND = 2**53
"""Up to these magnitudes floats hold every integer."""
MAX_SHIFT = 64
"""Largest shift either way; scaled sums stay far from the ends of a float's exponent."""

_ROUND = {
    Rounding.TRN: (0.0, np.floor),
    Rounding.TRN_ZERO: (0.0, np.trunc),
    Rounding.RND: (0.5, np.floor),
    Rounding.RND_MIN_INF: (-0.5, np.ceil),
    Rounding.RND_CONV: (0.0, np.rint),
}
_ROUND_POSITIVE = {Rounding.RND_INF: Rounding.RND, Rounding.RND_ZERO: Rounding.RND_MIN_INF}
"""What ties away from zero and towards zero are where there is nothing negative."""


_NOTHING = Epilogue()


@dataclass(frozen=True)
class FloatCast:
    """How to round and bring into range.

    target: the type; None of the overflow mode AP_WRAP_SM.
    drops: whether any bit is dropped, so that there is something to round.
    low, high: where the sum is brought into a range first, that range, rounded as the sum is: rounding keeps
        the order of values, so that it makes no difference which comes first. None: no bound.
    rounded: the values that could occur between rounding and overflow, were there no such range.
    slopes: what negative sums are multiplied by before, one for all or one for each channel; none: nothing.
    wide: whether float32 cannot hold these products, and half a unit of the target more; float64 can.
    """

    target: FixedType
    drops: bool
    low: int | None
    high: int | None
    rounded: Interval
    slopes: tuple[float, ...] = ()
    wide: bool = False

    @property
    def _below(self) -> bool:
        return self.rounded.lo < self.target.min_raw

    @property
    def _above(self) -> bool:
        return self.rounded.hi > self.target.max_raw

    @property
    def _rounding(self) -> Rounding:
        rounding = self.target.rounding
        positive = self.low is not None and self.low >= 0  # what is below comes to the bound in any mode
        return _ROUND_POSITIVE.get(rounding, rounding) if positive else rounding

    @property
    def _offset(self) -> float:
        """What must be added to what is rounded."""
        return _ROUND[self._rounding][0] if self.drops and self._rounding in _ROUND else 0.0

    @property
    def offset(self) -> float:
        """What must be added to ``u`` before ``apply``; the layer adds it with its bias."""
        return 0.0 if self.slopes else self._offset

    @property
    def largest(self) -> int:
        """The largest magnitude that the floats must hold exactly besides the sums; slopes have floats of
        their own."""
        return 0 if self.slopes else self._largest

    @property
    def _largest(self) -> int:
        if self.rounded in self.target.interval:
            return 0
        if self.target.overflow is Overflow.WRAP:  # distances from the lower end of the range
            return int(2**self.target.width) + max(abs(self.rounded.lo), abs(self.rounded.hi))
        return max(abs(self.target.min_raw), abs(self.target.max_raw))

    def byte_range(self) -> Interval | None:
        """What ``apply`` does in all, if that is to round to nearest and saturate: the range it saturates
        to, or the rounded values where none lies outside. ``nearest_offset`` says how to round."""
        if self.nearest_offset(1) is None:
            return None
        seen = self._clipped(self.rounded)
        if seen in self.target.interval:
            return seen
        if self.target.overflow not in (Overflow.SAT, Overflow.SAT_SYM):
            return None
        return self._clipped(self.target.interval).clip(self.target.interval)

    def _clipped(self, values: Interval) -> Interval:
        return Epilogue(self.low, self.high).interval(values)

    def nearest_offset(self, unit: int, between: bool = False) -> float | None:
        """What must be added to the sum, in its own units of which ``unit`` make one of the target, so that
        rounding to nearest even gives the rounded value; None for a mode in which that depends on the sign.

        between: the sum has been rounded down to whole units and was none before.
        """
        if self.slopes:
            return None
        if not self.drops:
            return 0.0
        # A sum is a whole number of its units: half of one moves it off every tie, and to no other side.
        # One that was none lies half a unit higher as far as rounding is concerned.
        return {
            Rounding.TRN: 0.5 - unit / 2,
            Rounding.RND: 0.5,
            Rounding.RND_MIN_INF: 0.5 if between else -0.5,
            Rounding.RND_CONV: 0.5 if between else 0.0,
        }.get(self._rounding)

    def apply(self, u: Array) -> Array:
        """Raw values of ``u + offset``, in place where there are no slopes."""
        if self.slopes:
            u = self._leaked(u)
        saturates = self.target.overflow in (Overflow.SAT, Overflow.SAT_SYM)
        self._round(u)
        low, high = self.target.min_raw, self.target.max_raw
        if saturates:
            kept = self._clipped(self.target.interval).clip(self.target.interval)
            below = self._below or self.low is not None
            return _clip(u, kept.lo, kept.hi, below, self._above or self.high is not None)
        if self.low is not None:
            np.maximum(u, self.low, out=u)
        if self.high is not None:
            np.minimum(u, self.high, out=u)
        if self._clipped(self.rounded) not in self.target.interval:
            if self.target.overflow is Overflow.SAT_ZERO:
                np.copyto(u, 0, where=(u < low) | (u > high))
            else:
                periods = np.floor((u - low) * math.ldexp(1.0, -self.target.width))
                u -= periods * math.ldexp(1.0, self.target.width)
        return u

    def _leaked(self, u: Array) -> Array:
        """Times the slopes where it is negative, and what is to be added for rounding."""
        dtype = np.dtype(np.float64) if self.wide else u.dtype
        slopes = np.array(self.slopes, dtype)
        times = np.multiply(u, slopes[0] if len(slopes) == 1 else by_channel(slopes, u.ndim), dtype=dtype)
        if slopes.max() <= 1:  # then the product is the larger of the two where u is negative, and only there
            np.maximum(u, times, out=times)
        elif slopes.min() >= 1:
            np.minimum(u, times, out=times)
        else:
            np.copyto(times, u, where=u >= 0)
        if self._offset:
            times += dtype.type(self._offset)
        return times

    def _round(self, u: Array) -> None:
        if not self.drops:
            return
        if self._rounding in _ROUND:
            _ROUND[self._rounding][1](u, out=u)
        elif self._rounding is Rounding.RND_INF:
            u += np.copysign(0.5, u, dtype=u.dtype)
            np.trunc(u, out=u)
        else:
            magnitude = np.ceil(np.abs(u) - 0.5)
            np.copysign(magnitude, u, out=u)


def float_cast(
    values: Interval, fraction: int, target: FixedType, epilogue: Epilogue = _NOTHING
) -> FloatCast | None:
    """The cast of sums within an interval; None where floats cannot.

    values: integers with ``fraction`` fraction bits. epilogue: in the same units, applied before the cast.
    """
    if target.overflow is Overflow.WRAP_SM:
        return None
    unbounded = FixedType(64, 64 - target.fraction, True, target.rounding, Overflow.SAT)
    within = epilogue.within(values)
    after = within.interval(values) if within.slopes else values
    shift = fraction + within.fraction - target.fraction
    if max(abs(shift), abs(fraction - target.fraction)) > MAX_SHIFT:
        return None
    rounded = cast_interval(after, fraction + within.fraction, unbounded)
    if rounded.lo <= unbounded.min_raw or rounded.hi >= unbounded.max_raw:
        return None  # they may lie beyond
    low, high = (
        None if bound is None else int(unbounded.from_raw([bound], fraction)[0])
        for bound in (within.low, within.high)
    )
    cast = FloatCast(target, drops=shift > 0, low=low, high=high, rounded=rounded)
    return _leaky(cast, within, after, shift) if within.slopes else cast


def _leaky(cast: FloatCast, epilogue: Epilogue, after: Interval, shift: int) -> FloatCast | None:
    """With the slopes of an epilogue; None where float64 would not hold the products.

    after: what becomes of the sums, of which 2**shift are a unit of the target.
    """
    slopes = tuple(math.ldexp(slope, -epilogue.fraction) for (slope,) in epilogue.slopes)
    found = replace(cast, slopes=slopes)
    half = 1 << (shift - 1) if cast.drops else 0
    bound = max(max(abs(after.lo), abs(after.hi)) + half, found._largest)
    return None if bound > FLOAT64_BOUND else replace(found, wide=bound > FLOAT32_BOUND)


def _clip(u: Array, low: int, high: int, below: bool, above: bool) -> Array:
    if below and above:
        return np.clip(u, low, high, out=u)
    if below:
        return np.maximum(u, low, out=u)
    return np.minimum(u, high, out=u) if above else u
