"""FixedType: the Vitis types `ap_[u]fixed<W,I,Q,O>` as small immutable values."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed.arrays import IntArray, as_integers
from hpq_hls.fixed.casting import cast_doubles, cast_integers
from hpq_hls.fixed.interval import Interval
from hpq_hls.fixed.modes import Overflow, Rounding

MAX_WIDTH = 64
"""Widest type of a value that can be cast to and held in an int64 array."""
MAX_ACCUMULATOR_WIDTH = 128
"""Widest type that can be described: exact sums of products of 32-bit values need more than 64 bits."""
MAX_INTEGER = 512
"""Largest magnitude of `integer`; it keeps every scale, and all that is computed with it, a normal double."""

_TEXT = re.compile(r"\s*(ap_u?(?:fixed|int))\s*<([^<>]*)>\s*", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_Mode = TypeVar("_Mode", bound=Enum)


@dataclass(frozen=True, slots=True)
class FixedType:
    """
    A fixed-point type: a raw integer of `width` bits stands for `raw * 2**-fraction`.

    Parameters
    ----------
    width : bits, 1..64; up to 128 for the type of an exact sum, into which nothing can be cast.
    integer : bits left of the binary point, the sign bit included; may be negative or exceed `width`.
    signed : two's complement if true.
    rounding, overflow : what a cast into this type does; the defaults are those of `ap_fixed`.

    Raises PrecisionError if a parameter is out of range or of the wrong kind. AP_WRAP_SM exists for signed
    types only. Casts follow the open Xilinx headers (`ap_fixed.h`) bit for bit; see docs/numerics.md.
    """

    width: int
    integer: int
    signed: bool = True
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("width", self.width, 1, MAX_ACCUMULATOR_WIDTH),
            ("integer", self.integer, -MAX_INTEGER, MAX_INTEGER),
        ):
            plain = type(value) is int
            if not plain and (isinstance(value, bool) or not isinstance(value, (int, np.integer))):
                raise PrecisionError(f"the {name} of a fixed-point type must be an integer, not {value!r}.")
            if not low <= value <= high:
                raise PrecisionError(
                    f"the {name} of a fixed-point type must be in {low}..{high}, not {value}."
                )
            if not plain:
                object.__setattr__(self, name, int(value))
        if not isinstance(self.signed, (bool, np.bool_)):
            raise PrecisionError(f"signed must be True or False, not {self.signed!r}.")
        object.__setattr__(self, "signed", bool(self.signed))
        if not isinstance(self.rounding, Rounding):
            raise PrecisionError(f"rounding must be a member of Rounding, not {self.rounding!r}.")
        if not isinstance(self.overflow, Overflow):
            raise PrecisionError(f"overflow must be a member of Overflow, not {self.overflow!r}.")
        if self.overflow is Overflow.WRAP_SM and not self.signed:
            raise PrecisionError("AP_WRAP_SM needs a signed type; use ap_fixed, or AP_WRAP for ap_ufixed.")

    @classmethod
    def parse(cls, text: str) -> FixedType:
        """
        The type written as Vitis text: `ap_[u]fixed<W,I[,Q[,O[,0]]]>` or `ap_[u]int<W>`; spaces are free.

        `ap_int<W>` is `ap_fixed<W,W,AP_TRN_ZERO>`: like every C integer it drops the fraction towards zero.
        Raises PrecisionError if the text is anything else.
        """
        match = _TEXT.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise PrecisionError(
                f"{text!r} is no fixed-point type; write it like 'ap_fixed<8,2,AP_RND,AP_SAT>'."
            )
        name, fields = match[1], [field.strip() for field in match[2].split(",")]
        signed = not name.startswith("ap_u")
        if name.endswith("int"):
            if len(fields) != 1:
                raise PrecisionError(f"{text!r} must have one parameter, the width, like 'ap_int<8>'.")
            width = _number(fields[0], text)
            return cls(width, width, signed, Rounding.TRN_ZERO)
        if not 2 <= len(fields) <= 5:
            raise PrecisionError(
                f"{text!r} must have two to four parameters, like 'ap_fixed<8,2,AP_RND,AP_SAT>'."
            )
        if len(fields) == 5 and _number(fields[4], text) != 0:
            raise PrecisionError(
                f"{text!r} asks for saturation bits; only 0 of them are supported, leave them out."
            )
        width, integer = _number(fields[0], text), _number(fields[1], text)
        rounding = _mode(Rounding, fields[2], text) if len(fields) > 2 else Rounding.TRN
        overflow = _mode(Overflow, fields[3], text) if len(fields) > 3 else Overflow.WRAP
        return cls(width, integer, signed, rounding, overflow)

    def __str__(self) -> str:
        """Canonical Vitis text: no spaces, trailing default modes left out; `parse` gives the type back."""
        modes = ""
        if self.overflow is not Overflow.WRAP:
            modes = f",{self.rounding},{self.overflow}"
        elif self.rounding is not Rounding.TRN:
            modes = f",{self.rounding}"
        return f"ap_{'' if self.signed else 'u'}fixed<{self.width},{self.integer}{modes}>"

    def replace(self, **changes: Any) -> FixedType:
        """The same type with some fields changed; raises PrecisionError if the result is no valid type."""
        unknown = sorted(set(changes) - {field.name for field in dataclasses.fields(self)})
        if unknown:
            raise PrecisionError(f"a fixed-point type has no field {unknown[0]!r}.")
        return dataclasses.replace(self, **changes)

    @property
    def fraction(self) -> int:
        """Bits right of the binary point: `width - integer`; may be negative or exceed `width`."""
        return self.width - self.integer

    @property
    def scale(self) -> float:
        """The value of one raw unit, `2**-fraction`."""
        return 2.0**-self.fraction

    @property
    def max_raw(self) -> int:
        """The largest raw value."""
        return (1 << (self.width - self.signed)) - 1

    @property
    def min_raw(self) -> int:
        """
        The smallest raw value a cast returns: `-max_raw` if signed AP_SAT_SYM, else the smallest code.

        A signed AP_SAT_SYM type of one bit returns -1, as the header does: it has no other negative code.
        """
        if self.overflow is Overflow.SAT_SYM and self.signed and self.width > 1:
            return -self.max_raw
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def interval(self) -> Interval:
        """The raw values that a cast into this type returns: `min_raw..max_raw`."""
        return Interval(self.min_raw, self.max_raw)

    @property
    def code_interval(self) -> Interval:
        """The raw values that the bits can hold; one more than `interval` for a signed AP_SAT_SYM type."""
        return Interval(-(1 << (self.width - 1)) if self.signed else 0, self.max_raw)

    def from_float(self, x: npt.ArrayLike) -> IntArray:
        """
        Raw values of real numbers assigned to this type, exactly as the C++ double assignment does.

        Takes a scalar or array-like of floats or integers; returns a new array of its shape, int64 unless a
        value of a 64-bit unsigned type exceeds int64 (then object, Python ints). Raises DataError for NaN,
        infinity or what is no real number.
        """
        self._require_castable()
        return cast_doubles(x, self)

    def from_raw(self, raw: npt.ArrayLike, fraction: int) -> IntArray:
        """
        Raw values of the exact numbers `raw * 2**-fraction` assigned to this type; `fraction` is any integer.

        Takes a scalar or array-like of integers of any size; returns a new array of its shape, int64 unless a
        value of a 64-bit unsigned type exceeds int64 (then object, Python ints). Raises DataError for
        non-integers.
        """
        self._require_castable()
        return cast_integers(raw, fraction, self)

    def _require_castable(self) -> None:
        if self.width > MAX_WIDTH:
            raise PrecisionError(
                f"{self} describes an exact sum; values are cast to types of at most {MAX_WIDTH} bits."
            )

    def to_float(self, raw: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """
        The values `raw * scale` as float64, shape of `raw`; exact up to 53 bits, beyond that rounded to even.

        `raw` is not checked against the range. Raises DataError for non-integers.
        """
        return np.asarray(np.ldexp(as_integers(raw).astype(np.float64), -self.fraction))


def _number(field: str, text: str) -> int:
    if not _NUMBER.fullmatch(field):
        raise PrecisionError(f"{field!r} in {text!r} must be an integer.")
    return int(field)


def _mode(kind: type[_Mode], field: str, text: str) -> _Mode:
    try:
        return kind(field)
    except ValueError:
        names = ", ".join(str(mode) for mode in kind)
        raise PrecisionError(f"{field!r} in {text!r} is not one of {names}.") from None
