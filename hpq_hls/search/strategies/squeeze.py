"""One variable after the other as narrow as the accuracy allows, those that save most first."""

from __future__ import annotations

from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.protocol import Evaluator
from hpq_hls.search.strategies.terms import Range

SCHEDULES = ((0.0,), (0.5, 0.0), (0.75, 0.5, 0.25, 0.0))
"""Shares of the allowed drop that are still to be left after each pass over the variables. The first schedule
gives everything to what saves most, the last one shares it out."""
ROUNDING_ERROR = 1e-9
"""Differences of accuracies below this are none."""
AHEAD = 3
"""Steps down of one variable that are measured at a time."""


def squeeze(ranges: list[Range], evaluator: Evaluator, reserve: int) -> None:
    """Approach the boundary from the wide end, along the accuracies that are measured there.

    It takes at most half of the evaluations that are left, and leaves ``reserve``.

    A model of the accuracy is an average over combinations. This finds what it cannot: narrow choices of
    costly variables that happen to lose nothing while the others are wide.
    """
    left = evaluator.remaining
    kept = 0 if left is None else max(left // 2, reserve)
    for schedule in SCHEDULES:
        if not _has_room(evaluator, kept + 1):
            return
        current = tuple(high for _, high in ranges)
        (start,) = evaluator.evaluate([current])
        for share in schedule:
            least = evaluator.least_score + share * max(evaluator.score(start) - evaluator.least_score, 0.0)
            for index in _by_saving(current, ranges, evaluator):
                low = ranges[index][0]
                if not _has_room(evaluator, kept + current[index] - low):
                    return
                current = _narrowed(current, index, low, least, evaluator)


def _has_room(evaluator: Evaluator, evaluations: int) -> bool:
    return evaluator.remaining is None or evaluator.remaining >= evaluations


def _by_saving(current: Combination, ranges: list[Range], evaluator: Evaluator) -> list[int]:
    """Variables that can be narrower, by how much that saves at most."""
    lowest = {
        index: (*current[:index], low, *current[index + 1 :])
        for index, (low, _) in enumerate(ranges)
        if current[index] > low
    }
    prices = evaluator.prices(lowest.values())
    return [
        index for _, index in sorted((price.cost, index) for price, index in zip(prices, lowest, strict=True))
    ]


def _narrowed(current: Combination, index: int, low: int, least: float, evaluator: Evaluator) -> Combination:
    """The narrowest choice of one variable down to the first that is not accurate enough."""
    position = current[index]
    while position > low:
        steps = list(range(position - 1, max(position - 1 - AHEAD, low - 1), -1))
        keys = [(*current[:index], step, *current[index + 1 :]) for step in steps]
        points = evaluator.evaluate(keys)
        for key, point in zip(keys, points, strict=True):
            if not (evaluator.within(point) and evaluator.score(point) >= least - ROUNDING_ERROR):
                return current
            current = key
        position = current[index]
    return current
