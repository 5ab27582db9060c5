"""Where the binary point goes: the power-of-two scale of a tensor at a given width."""

from __future__ import annotations

import math

import numpy as np

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.ops.base import FloatArray

CLIPPED_BITS = 4
"""How many integer bits below the full range are tried."""
MAX_SAMPLES = 1 << 16
"""Values of a tensor that the choice looks at; more are thinned out evenly."""
FINEST = 60
"""Most fraction bits that are chosen; sums of products with coarser numbers stay narrow enough."""
COARSEST = -240
"""Fewest fraction bits that are chosen, so that products of two stay within what a FixedType takes."""


def candidate_types(
    values: FloatArray, width: int, signed: bool, rounding: Rounding, overflow: Overflow
) -> list[FixedType]:
    """The types of ``width`` bits that are worth a try: the finest that holds all values, and, where what is
    out of range saturates, some that are finer. A tensor of zeros gets ``integer = 1``.

    values: any shape, finite.
    """
    overflow = overflow.of(signed)
    widest = range_integer_bits(values, width, signed)
    widest = max(min(widest, width - COARSEST), width - FINEST)
    fewest = widest
    if overflow in (Overflow.SAT, Overflow.SAT_SYM) and values.size:
        fewest = max(widest - CLIPPED_BITS, width - FINEST)
    return [
        FixedType(width, integer, signed, rounding, overflow) for integer in range(widest, fewest - 1, -1)
    ]


def thinning(step: int, period: int) -> int:
    """The least step from ``step`` on that has no factor in common with ``period``.

    Every so manieth of values that come in repeating patterns of ``period``, such as the elements of one
    sample after those of another, then shows every place of the pattern, and each as often as the others.
    """
    step = max(1, step)
    while math.gcd(step, period) > 1:
        step += 1
    return step


def cast_error(candidate: FixedType, values: FloatArray) -> FloatArray:
    """The difference that a cast makes to each value."""
    if candidate.rounding is Rounding.RND and candidate.overflow is Overflow.SAT:  # the usual, faster
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = values * 2.0**candidate.fraction
            rounded = scaled + 0.5
            np.floor(rounded, out=rounded)
            np.maximum(rounded, float(candidate.min_raw), out=rounded)
            np.minimum(rounded, float(candidate.max_raw), out=rounded)
            rounded -= scaled
            rounded *= candidate.scale
        if np.isfinite(rounded).all():
            return np.asarray(rounded)
    return np.asarray(candidate.to_float(candidate.from_float(values)) - values)


def squared_error(candidate: FixedType, values: FloatArray) -> float:
    """Mean squared difference that a cast makes."""
    return float(np.square(cast_error(candidate, values)).mean())


def range_integer_bits(values: FloatArray, width: int, signed: bool) -> int:
    """The fewest integer bits at which no value, rounded to nearest, is out of range."""
    return integer_bits_between(*ends(values), width, signed)


def ends(values: FloatArray) -> tuple[float, float]:
    """The least and the largest of values and zero."""
    return float(values.min(initial=0.0)), float(values.max(initial=0.0))


def integer_bits_between(low: float, high: float, width: int, signed: bool) -> int:
    """The same for all values between two ends."""
    peak = max(high, -low if signed else 0.0)
    if peak == 0.0:
        return 1
    sign = 1 if signed else 0
    integer = math.frexp(peak)[1] + sign - 1
    while not _holds(high, low, width, integer, sign):
        integer += 1
    return integer


def _holds(high: float, low: float, width: int, integer: int, sign: int) -> bool:
    fraction = width - integer
    largest = 2 ** (width - sign) - 1
    smallest = -(2 ** (width - 1)) if sign else 0
    fits_low = not sign or math.floor(math.ldexp(low, fraction) + 0.5) >= smallest
    return math.floor(math.ldexp(high, fraction) + 0.5) <= max(largest, 0) and fits_low
