"""Axes of pictures that are drawn in percent of their frame, so that they fit any screen at one size of
text."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """Values from ``low`` to ``high`` along a frame. flipped: the largest at 0 %, as heights on a page
    are."""

    low: float
    high: float
    flipped: bool = False

    def place(self, value: float) -> float:
        """Where a value is, in percent, to a hundredth."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * (1 - share if self.flipped else share), 2)

    def holds(self, value: float) -> bool:
        """Whether a value is within the frame."""
        return self.low <= value <= self.high

    def ticks(self, wanted: int = 5) -> list[tuple[float, str]]:
        """Round values that the axis shows, about as many as wanted, with their text."""
        step = _round_step((self.high - self.low) / (0.7 * wanted))
        places = max(0, -math.floor(math.log10(step) + 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [
            (self.place(number * step), f"{number * step:,.{places}f}") for number in range(first, last + 1)
        ]


def padded(values: list[float], share: float = 0.04) -> tuple[float, float]:
    """The ends of an axis that shows all of some values, with room at both."""
    low, high = min(values), max(values)
    room = share * (high - low) or share * abs(high) or 1.0
    return low - room, high + room


def _round_step(step: float) -> float:
    """The 1, 2 or 5 times a power of ten that is next below."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(each * power for each in (5, 2, 1) if each * power <= step * (1 + 1e-9))
