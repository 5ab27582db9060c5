"""Ways through the space of precision combinations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from hpq_hls.search.result import Point
from hpq_hls.search.space import Combination, Space


class Evaluator(Protocol):
    """Measures combinations; asking twice costs nothing."""

    def evaluate(self, combinations: Iterable[Combination], expected: int | None = None) -> list[Point]:
        """Exact accuracy and cost of each combination, in order."""
        ...

    def feasible(self, point: Point) -> bool:
        """Whether the point is accurate enough."""
        ...


class Strategy(Protocol):
    """A search strategy; everything it evaluates is kept by the evaluator."""

    name: str

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """Evaluate combinations until there is nothing better to try."""
        ...


class Exhaustive:
    """Every combination."""

    name = "exhaustive"

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        evaluator.evaluate(space.all(), expected=space.size)


class Greedy:
    """Bit descent: from the widest combination, always the feasible single step down with the most
    cost saved per accuracy lost, until every step down is infeasible."""

    name = "greedy"

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        current = space.widest
        (here,) = evaluator.evaluate([current])
        while True:
            steps = list(space.steps_down(current))
            points = evaluator.evaluate(steps)
            options = [
                (_gain(here, point), index) for index, point in enumerate(points) if evaluator.feasible(point)
            ]
            if not options:
                return
            _, index = max(options, key=lambda option: (option[0], -option[1]))
            current, here = steps[index], points[index]


def _gain(before: Point, after: Point) -> float:
    """Relative cost saved per accuracy lost; a loss below one in ten thousand counts as that much."""
    saved = (before.cost - after.cost) / max(before.cost, 1.0)
    lost = max(before.accuracy - after.accuracy, 0.0) + 1e-4
    return saved / lost if saved > 0 else saved * lost


STRATEGIES: dict[str, Strategy] = {strategy.name: strategy for strategy in (Exhaustive(), Greedy())}
