"""What a search returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hpq_hls.quantize import Precision
from hpq_hls.simulate import QuantizedGraph


@dataclass(frozen=True, eq=False)
class Point:
    """One precision combination: accuracy measured bit-exactly on the validation data, and its cost."""

    accuracy: float
    cost: float
    precision: Precision
    weight_bits: int


@dataclass(frozen=True)
class SearchProgress:
    """State of a running search. expected: evaluations in all where that is known."""

    evaluations: int
    expected: int | None
    best: Point | None


Progress = Callable[[SearchProgress], None]


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The outcome of a search.

    best: the cheapest network within the accuracy drop; where none is, the most accurate one and
        ``feasible`` is False. pareto: no other evaluated point is both more accurate and cheaper;
        by ascending cost. points: everything that was evaluated. float_accuracy: of the float
        network on the same validation data.
    """

    best: QuantizedGraph
    best_point: Point
    feasible: bool
    pareto: tuple[Point, ...]
    points: tuple[Point, ...]
    evaluations: int
    float_accuracy: float
    max_drop: float
    objective: str
    metric: str
    strategy: str


def pareto_front(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points that no other one beats in both accuracy and cost, by ascending cost."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return tuple(front)
