"""The constant that a mean multiplies its sum by."""

from __future__ import annotations

from hpq_hls.fixed import FixedType
from hpq_hls.ops.base import Constant

RECIPROCAL_BITS = 18
"""Significant bits of the reciprocal of a number that is no power of two: a DSP48's multiplier input,
unsigned (UG479), and a relative error below 2**-18."""


def reciprocal(divisor: int) -> Constant:
    """1 with a shifted fraction for a power of two, else 18 significant bits of the reciprocal, rounded to
    nearest."""
    exponent = divisor.bit_length() - 1
    if divisor == 1 << exponent:
        return Constant(1, FixedType(1, 1 - exponent, False))
    fraction = RECIPROCAL_BITS + exponent
    raw = ((1 << (fraction + 1)) + divisor) // (2 * divisor)
    shift = max(raw.bit_length() - RECIPROCAL_BITS, 0)  # rounding up may carry into a new bit
    return Constant(raw >> shift, FixedType(RECIPROCAL_BITS, RECIPROCAL_BITS - fraction + shift, False))
