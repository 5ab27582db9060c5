"""Fixed-point types, casting and exact integer arithmetic. Knows nothing of networks."""

from hpq_hls.fixed.casting import align
from hpq_hls.fixed.epilogue import Epilogue
from hpq_hls.fixed.interval import Interval, bits_for, cast_interval, overflows
from hpq_hls.fixed.modes import Overflow, Rounding
from hpq_hls.fixed.types import FixedType

__all__ = [
    "Epilogue",
    "FixedType",
    "Interval",
    "Overflow",
    "Rounding",
    "align",
    "bits_for",
    "cast_interval",
    "overflows",
]
