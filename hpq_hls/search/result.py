"""What a search returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hpq_hls.quantize import Precision
from hpq_hls.simulate import QuantizedGraph


@dataclass(frozen=True, eq=False)
class Point:
    """One precision combination: accuracy measured bit-exactly on the validation data, and its cost.

    accuracy: by the metric; larger is better. cost: by the objective. weight_bits: memory of weights and
    biases. error: mean squared difference of the outputs to the float network's, as a share of the variance
    of those. excess: by which share the worst limit (see ``Limits``) is exceeded; 0 within all.
    """

    accuracy: float
    cost: float
    precision: Precision
    weight_bits: int
    error: float = 0.0
    excess: float = 0.0


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

    best: the cheapest network within the accuracy drop and all limits; where none is, the closest to that
        and ``feasible`` is False. pareto: no other evaluated point within all limits is both more accurate
        and cheaper; by ascending cost. points: everything that was evaluated. evaluations: how many that
        are. float_accuracy: of the float network on the same validation data. steps_down: the
        evaluated ones of those that differ from the best one by one width, one step narrower. minimal: all
        of these were evaluated, and none is feasible at the same cost or less. interrupted: the user ended
        the search early.
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
    steps_down: tuple[Point, ...]
    minimal: bool
    interrupted: bool


def pareto_front(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points that no other one beats in both accuracy and cost, by ascending cost."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return tuple(front)
