"""
The cast of exact numbers into a fixed-point type: round to a multiple of the scale, then bring into range.

The meaning is that of an assignment to `ap_fixed` / `ap_ufixed` in the open Xilinx headers. Every formula is
written so that it holds for int64 arrays, for object arrays of Python ints and for plain Python ints alike;
int64 is used wherever the known bounds prove that no step leaves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import DataError
from hpq_hls.fixed.arrays import IntArray, as_doubles, as_integers, bounds, narrowed
from hpq_hls.fixed.modes import Overflow, Rounding

if TYPE_CHECKING:
    from hpq_hls.fixed.types import FixedType

_SAFE_BITS = 62  # magnitudes below 2**62 plus a rounding bias of at most 2**61 stay inside int64
_BIG = 2.0**_SAFE_BITS


def cast_integers(raw: npt.ArrayLike, fraction: int, target: FixedType) -> IntArray:
    """The raw values of `raw * 2**-fraction` assigned to `target`, in a new array of the shape of `raw`."""
    values = as_integers(raw)
    return _cast_flat(values.reshape(-1), fraction - target.fraction, target).reshape(values.shape)


def cast_doubles(x: npt.ArrayLike, target: FixedType) -> IntArray:
    """The raw values of the doubles `x` assigned to `target`, in a new array of the shape of `x`."""
    doubles = as_doubles(x)
    if doubles is None:  # integers stay exact, also those a double cannot hold
        return cast_integers(x, 0, target)
    scaled = _scaled(doubles.reshape(-1), target.fraction)
    big = np.abs(scaled) >= _BIG
    if not big.any():
        return _cast_scaled(scaled, target).reshape(doubles.shape)
    result = _cast_scaled(np.where(big, 0.0, scaled), target)
    exact = np.array([int(value) for value in scaled[big]], dtype=object)  # doubles this large are integers
    exact = _cast_flat(exact, 0, target)
    if exact.dtype == object:
        result = result.astype(object)
    result[big] = exact
    return result.reshape(doubles.shape)


def align(raw: npt.ArrayLike, from_fraction: int, to_fraction: int) -> IntArray:
    """
    The same values `raw * 2**-from_fraction` with `to_fraction` fraction bits, in a new array.

    Returns int64, or object (Python ints) where a result does not fit. Raises DataError if `to_fraction` is
    smaller and a set bit would be lost.
    """
    values = as_integers(raw)
    shift = to_fraction - from_fraction
    lo, hi = bounds(values)
    if lo == hi == 0:
        return values.copy()
    if shift < 0:
        boxed = values if -shift < 63 else values.astype(object)
        if np.any(boxed & ((1 << -shift) - 1)):
            raise DataError(
                f"aligning {from_fraction} to {to_fraction} fraction bits would lose set bits; use from_raw."
            )
        return narrowed(np.asarray(boxed >> -shift))
    wide = max(hi.bit_length(), (~lo).bit_length()) + shift > 63
    return narrowed(np.asarray((values.astype(object) if wide else values) << shift))


def round_shift(values: Any, shift: int, rounding: Rounding, size: int) -> Any:
    """
    `values * 2**-shift` rounded to integers, as a new object; a negative shift is exact.

    `values` is an array or a Python int below 2**size in magnitude; int64 needs size and shift <= 62.
    """
    if shift <= 0:
        return values << -shift
    if rounding is Rounding.TRN:
        return values >> shift
    half = 1 << (shift - 1)
    if rounding is Rounding.RND:
        out = values + half
    elif rounding is Rounding.RND_MIN_INF:
        out = values + (half - 1)
    elif rounding is Rounding.RND_CONV:
        out = values >> shift
        out &= 1
        out += values
        out += half - 1
    else:
        out = values >> max(size, 63)  # -1 where negative, else 0
        if rounding is Rounding.TRN_ZERO:
            out &= 2 * half - 1
            out += values
        elif rounding is Rounding.RND_INF:
            out += values
            out += half
        else:  # RND_ZERO
            out = values - out
            out += half - 1
    out >>= shift
    return out


def effective_shift(shift: int, size: int, width: int) -> int:
    """
    A shift of bounded size that acts like `shift` on magnitudes below 2**size and a target of `width` bits.

    Past size + 2 dropped bits only the sign matters; past width + 1 appended zeros only "not zero" does.
    """
    return min(shift, size + 2) if shift > 0 else max(shift, -(width + 1))


def _cast_flat(values: IntArray, shift: int, target: FixedType) -> IntArray:
    lo, hi = bounds(values)
    size = max(abs(lo), abs(hi)).bit_length()
    shift = effective_shift(shift, size, target.width)
    if (shift > 0 and max(size, shift) > _SAFE_BITS) or size - shift > 63:
        values = values.astype(object)
    low = round_shift(lo, shift, target.rounding, size)
    high = round_shift(hi, shift, target.rounding, size)
    rounded = round_shift(values, shift, target.rounding, size)
    if target.min_raw <= low and high <= target.max_raw:
        return narrowed(rounded)
    floor = round_shift(values, shift, Rounding.TRN, size) if target.overflow is Overflow.WRAP_SM else rounded
    return _into_range(rounded, floor, target)


def _scaled(x: npt.NDArray[np.float64], fraction: int) -> npt.NDArray[np.float64]:
    """`x * 2**fraction`: exact, or a stand-in with the same cast where the product leaves the doubles."""
    with np.errstate(over="ignore", under="ignore"):
        scaled = x * 2.0**fraction
    if fraction > 0:  # the mantissa's bits all lie above bit 64: any such power of two acts the same
        np.copyto(scaled, np.copysign(2.0**1000, x), where=np.isinf(scaled))
    elif fraction < 0:  # underflow to zero would forget the sign, which AP_TRN needs
        np.copyto(scaled, np.copysign(0.125, x), where=(scaled == 0.0) & (x != 0.0))
    return scaled


def _cast_scaled(scaled: npt.NDArray[np.float64], target: FixedType) -> IntArray:
    rounded = _round_doubles(scaled, target.rounding).astype(np.int64)
    lo, hi = bounds(rounded)
    if target.min_raw <= lo and hi <= target.max_raw:
        return rounded
    sign_wrap = target.overflow is Overflow.WRAP_SM
    return _into_range(rounded, np.floor(scaled).astype(np.int64) if sign_wrap else rounded, target)


def _round_doubles(scaled: npt.NDArray[np.float64], rounding: Rounding) -> npt.NDArray[np.float64]:
    """Rounded to integral doubles, by the magnitude, whose fraction is exact; adding 0.5 would not be."""
    if rounding is Rounding.TRN:
        return np.floor(scaled)
    if rounding is Rounding.TRN_ZERO:
        return np.trunc(scaled)
    if rounding is Rounding.RND_CONV:
        return np.rint(scaled)
    whole = np.trunc(scaled)
    rest = np.abs(scaled - whole)
    up = rest > 0.5
    tie = rest == 0.5
    if rounding is Rounding.RND:
        tie &= scaled > 0
    elif rounding is Rounding.RND_MIN_INF:
        tie &= scaled < 0
    if rounding is not Rounding.RND_ZERO:
        up |= tie
    whole += np.copysign(up, scaled)
    return whole


def _into_range(rounded: IntArray, floor: IntArray, target: FixedType) -> IntArray:
    """
    Applies the overflow mode to values of which some lie outside; `rounded` may be overwritten.

    `floor` holds the values before anything was added to round them; only AP_WRAP_SM looks at it.
    """
    if target.width == 64 and not target.signed:  # the range exceeds int64
        rounded = rounded.astype(object)
    lo, hi = target.min_raw, target.max_raw
    if target.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        return narrowed(np.clip(rounded, lo, hi, out=rounded))
    outside = (rounded < lo) | (rounded > hi)
    if target.overflow is Overflow.SAT_ZERO:
        rounded[outside] = 0
        return narrowed(rounded)
    wrapped = _low_bits(rounded, target)
    if target.overflow is Overflow.WRAP_SM:
        # The header compares the new sign with the lowest deleted bit of the value before rounding.
        position = target.width if floor.dtype == object else min(target.width, 63)
        deleted = ((floor >> position) & 1).astype(bool)
        flip = outside & (deleted != (wrapped < 0))
        wrapped = np.where(flip, ~wrapped, wrapped)
    return narrowed(wrapped)


def _low_bits(values: IntArray, target: FixedType) -> IntArray:
    """The low `width` bits as a number of the target's signedness."""
    width = target.width
    if not target.signed:
        return values & ((1 << width) - 1)
    if values.dtype == np.int64:
        return (values << (64 - width)) >> (64 - width)
    half = 1 << (width - 1)
    return ((values + half) & (2 * half - 1)) - half
