"""The range that an exact sum is brought into before it is cast: a ReLU, a clamp, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from hpq_hls.fixed.interval import Interval


@dataclass(frozen=True, slots=True)
class Clip:
    """``min(max(sum, low), high)`` in raw units of the sum; None where there is no bound.

    A lower bound above the upper one becomes that: everything becomes the upper one, either way.
    """

    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            object.__setattr__(self, "low", self.high)

    @classmethod
    def relu(cls, rectifies: bool = True) -> Clip:
        """``max(sum, 0)``, or nothing."""
        return cls(0, None) if rectifies else cls()

    @property
    def is_relu(self) -> bool:
        """Whether it is ``max(sum, 0)``."""
        return self == Clip(0, None)

    @property
    def never_negative(self) -> bool:
        """Whether nothing below 0 comes out."""
        return self.low is not None and self.low >= 0 and (self.high is None or self.high >= 0)

    def apply(self, value: int) -> int:
        """One sum."""
        value = value if self.low is None else max(value, self.low)
        return value if self.high is None else min(value, self.high)

    def interval(self, values: Interval) -> Interval:
        """The hull of what becomes of an interval."""
        return Interval(self.apply(values.lo), self.apply(values.hi))

    def within(self, sums: Interval) -> Clip:
        """Without the bounds that none of these sums is beyond."""
        low = None if self.low is None or self.low <= sums.lo else self.low
        most = sums.hi if low is None else max(sums.hi, low)
        return Clip(low, None if self.high is None or self.high >= most else self.high)

    def __str__(self) -> str:
        """Behind a summary of what is cast: ", ReLU", ", clamped to -4 .. 20", or nothing."""
        if self.is_relu:
            return ", ReLU"
        if self.low is None and self.high is None:
            return ""
        ends = ["" if bound is None else str(bound) for bound in (self.low, self.high)]
        return f", clamped to {' .. '.join(ends).strip()}"
