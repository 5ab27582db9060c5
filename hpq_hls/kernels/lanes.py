"""How many elements travel in one beat."""

from __future__ import annotations

import math


def divisors(number: int) -> list[int]:
    """All divisors in ascending order."""
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


def choose_lanes(channels: int, cycles_at_one: int, target: int) -> int:
    """The fewest lanes, a divisor of ``channels``, at which ``cycles_at_one / lanes`` meets the target."""
    for lanes in divisors(channels):
        if cycles_at_one // lanes <= target:
            return lanes
    return channels
