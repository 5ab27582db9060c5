"""Where the binary point goes: the power-of-two scale of a tensor at a given width."""

from __future__ import annotations

import enum
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


class Scaling(enum.Enum):
    """How integer bits are chosen.

    RANGE: the fewest that hold the largest value.
    ERROR: the number with the least mean squared rounding and clipping error on the values seen.
    """

    RANGE = "range"
    ERROR = "error"


def choose_type(
    values: FloatArray,
    width: int,
    signed: bool,
    rounding: Rounding,
    overflow: Overflow,
    scaling: Scaling = Scaling.ERROR,
) -> FixedType:
    """The type of ``width`` bits whose binary point suits ``values`` best.

    values: any shape, finite. A tensor of zeros gets ``integer = 1``.
    """
    flat = thinned(values)
    if overflow is Overflow.WRAP_SM and not signed:
        overflow = Overflow.WRAP  # the vendor's headers have no sign-magnitude wrap for unsigned types
    widest = range_integer_bits(values, width, signed)
    widest = max(min(widest, width - COARSEST), width - FINEST)
    full = FixedType(width, widest, signed, rounding, overflow)
    saturates = overflow in (Overflow.SAT, Overflow.SAT_SYM)
    if scaling is Scaling.RANGE or not saturates or not flat.size:
        return full
    best, best_error = full, squared_error(full, flat)
    for integer in range(widest - 1, max(widest - 1 - CLIPPED_BITS, width - FINEST - 1), -1):
        candidate = FixedType(width, integer, signed, rounding, overflow)
        error = squared_error(candidate, flat)
        if error < best_error:
            best, best_error = candidate, error
    return best


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
