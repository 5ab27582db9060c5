"""Quantization and overflow modes of the Vitis fixed-point types (UG1399, arbitrary precision types)."""

from __future__ import annotations

from enum import Enum


class Rounding(Enum):
    """What happens to the bits below the least significant one; the value is the Vitis name."""

    TRN = "AP_TRN"  # towards minus infinity
    TRN_ZERO = "AP_TRN_ZERO"  # towards zero
    RND = "AP_RND"  # nearest, ties towards plus infinity
    RND_ZERO = "AP_RND_ZERO"  # nearest, ties towards zero
    RND_INF = "AP_RND_INF"  # nearest, ties away from zero
    RND_MIN_INF = "AP_RND_MIN_INF"  # nearest, ties towards minus infinity
    RND_CONV = "AP_RND_CONV"  # nearest, ties to even

    __hash__ = object.__hash__  # types are looked up often, and Enum's own hash is that of the name

    def __str__(self) -> str:
        return self.value


class Overflow(Enum):
    """What happens to a rounded value outside the range; the value is the Vitis name."""

    SAT = "AP_SAT"  # nearest end of the range
    SAT_ZERO = "AP_SAT_ZERO"  # zero
    SAT_SYM = "AP_SAT_SYM"  # nearest end of the range without the most negative code
    WRAP = "AP_WRAP"  # low bits
    WRAP_SM = "AP_WRAP_SM"  # sign-magnitude wrap; signed types only

    __hash__ = object.__hash__  # types are looked up often, and Enum's own hash is that of the name

    def __str__(self) -> str:
        return self.value

    def of(self, signed: bool) -> Overflow:
        """The mode for a type with or without a sign: where there is none, AP_WRAP in place of AP_WRAP_SM,
        which the vendor's headers do not have there."""
        return Overflow.WRAP if self is Overflow.WRAP_SM and not signed else self
