"""Where the binary point goes: the power-of-two scale of a tensor at a given width."""

from __future__ import annotations

import math

import numpy as np

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize.options import Scaling

CLIPPED_BITS = 4
"""How many integer bits below the full range are tried."""
MAX_SAMPLES = 1 << 16
"""Values of a tensor that the choice looks at; more are thinned out evenly."""
FINEST = 60
"""Most fraction bits that are chosen; sums of products with coarser numbers stay narrow enough."""
COARSEST = -240
"""Fewest fraction bits that are chosen, so that products of two stay within what a FixedType takes."""


def choose_type(
    values: FloatArray,
    width: int,
    signed: bool,
    rounding: Rounding,
    overflow: Overflow,
    scaling: Scaling = Scaling.ERROR,
) -> FixedType:
    """The type of ``width`` bits whose binary point suits ``values`` best: RANGE, or the least ERROR.

    values: any shape, finite. A tensor of zeros gets ``integer = 1``.
    """
    full, *fewer = candidate_types(values, width, signed, rounding, overflow)
    if scaling is Scaling.RANGE or not fewer:
        return full
    flat = thinned(values)
    return min((full, *fewer), key=lambda candidate: squared_error(candidate, flat))


def candidate_types(
    values: FloatArray, width: int, signed: bool, rounding: Rounding, overflow: Overflow
) -> list[FixedType]:
    """The types of ``width`` bits that are worth a try: the finest that holds all values, and, where what is
    out of range saturates, some that are finer."""
    if overflow is Overflow.WRAP_SM and not signed:
        overflow = Overflow.WRAP  # the vendor's headers have no sign-magnitude wrap for unsigned types
    widest = range_integer_bits(values, width, signed)
    widest = max(min(widest, width - COARSEST), width - FINEST)
    fewest = widest
    if overflow in (Overflow.SAT, Overflow.SAT_SYM) and values.size:
        fewest = max(widest - CLIPPED_BITS, width - FINEST)
    return [
        FixedType(width, integer, signed, rounding, overflow) for integer in range(widest, fewest - 1, -1)
    ]


def thinned(values: FloatArray) -> FloatArray:
    """At most about MAX_SAMPLES of the values, evenly spaced in memory order."""
    flat = values.reshape(-1)
    return flat[:: thinning(flat.size)]


def thinning(size: int) -> int:
    """Of so many values every how manieth is looked at."""
    return max(1, size // MAX_SAMPLES)


def squared_error(candidate: FixedType, values: FloatArray) -> float:
    """Mean squared difference that a cast makes."""
    if candidate.rounding is Rounding.RND and candidate.overflow is Overflow.SAT:  # the usual, faster
        with np.errstate(over="ignore"):
            scaled = values * 2.0**candidate.fraction
        rounded = np.floor(scaled + 0.5)
        np.clip(rounded, candidate.min_raw, candidate.max_raw, out=rounded)
        rounded -= scaled
        error = float(np.square(rounded, out=rounded).mean()) * candidate.scale**2
        if math.isfinite(error):
            return error
    return float(np.square(candidate.to_float(candidate.from_float(values)) - values).mean())


def range_integer_bits(values: FloatArray, width: int, signed: bool) -> int:
    """The fewest integer bits at which no value, rounded to nearest, is out of range."""
    high, low = float(values.max(initial=0.0)), float(values.min(initial=0.0))
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
