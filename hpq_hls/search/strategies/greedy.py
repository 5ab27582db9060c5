"""Bit descent."""

from __future__ import annotations

from hpq_hls.search.point import Point
from hpq_hls.search.space import Space
from hpq_hls.search.strategies.protocol import Evaluator


class Greedy:
    """Bit descent: from the widest combination, always the feasible single step down with the most
    cost saved per accuracy lost, until every step down is infeasible."""

    name = "greedy"

    def evaluations(self, space: Space) -> int | None:
        """None: until every step down is infeasible."""
        return None

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        current = space.widest
        (here,) = evaluator.evaluate([current])
        while True:
            steps = list(space.steps_down(current))
            points = evaluator.evaluate(steps)
            options = [
                (_gain(here, point, evaluator.score(here) - evaluator.score(point)), index)
                for index, point in enumerate(points)
                if evaluator.feasible(point)
            ]
            if not options:
                return
            _, index = max(options, key=lambda option: (option[0], -option[1]))
            current, here = steps[index], points[index]


def _gain(before: Point, after: Point, lost: float) -> float:
    """Relative cost saved per score lost; a loss below one in ten thousand counts as that much."""
    saved = (before.cost - after.cost) / max(before.cost, 1.0)
    lost = max(lost, 0.0) + 1e-4
    return saved / lost if saved > 0 else saved * lost
