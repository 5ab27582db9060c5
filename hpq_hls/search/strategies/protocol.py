"""What a search strategy is, and what it may ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from hpq_hls.search.measurement import Price
from hpq_hls.search.point import Point
from hpq_hls.search.space import Combination, Space


class BudgetSpent(Exception):  # noqa: N818  (not an error: the search ends here, with what it has)
    """As many combinations were evaluated as the search may evaluate."""


class Evaluator(Protocol):
    """Measures combinations; asking twice costs nothing."""

    seed: int
    """For strategies that draw."""

    @property
    def points(self) -> Mapping[Combination, Point]:
        """Everything that was evaluated, in the order in which that was done."""
        ...

    @property
    def best(self) -> Combination | None:
        """The first by ``order`` of the feasible combinations evaluated so far."""
        ...

    @property
    def levels(self) -> tuple[float, ...]:
        """Least scores at which the cheapest combination is wanted; the first one is what matters most and is
        aimed at to begin with."""
        ...

    @property
    def least_score(self) -> float:
        """Of feasible points, at the level that is aimed at."""
        ...

    def aim(self, least: float) -> None:
        """From now on, points of this score are accurate; ``best`` is the best of all so far by that."""
        ...

    def score(self, point: Point) -> float:
        """How accurate a point is; larger is better. Nothing else may be looked at to judge it."""
        ...

    @property
    def remaining(self) -> int | None:
        """How many more combinations may be evaluated; None: as many as are wanted."""
        ...

    def evaluate(self, combinations: Iterable[Combination], expected: int | None = None) -> list[Point]:
        """Exact accuracy and cost of each combination, in order.

        expected: evaluations of the whole search where that is known, for its progress bar.

        Raises:
            BudgetSpent: there are none left; those that were left have been evaluated and are kept.
        """
        ...

    def prices(self, combinations: Iterable[Combination]) -> list[Price]:
        """Cost of each combination and how far it is from each bound, in order, exactly, without its
        accuracy: no evaluation."""
        ...

    @property
    def bounds(self) -> int:
        """How many bounds there are: the length of ``Price.slacks``."""
        ...

    def interactions(self) -> tuple[tuple[int, int], ...]:
        """The pairs of variables i < j, ascending, that may change a price by more together than each alone:
        those that decide one kernel. Nothing is priced for it."""
        ...

    def accurate(self, point: Point) -> bool:
        """Whether the point is accurate enough, whatever it takes."""
        ...

    def within(self, found: Point | Price) -> bool:
        """Whether it is within all limits, whatever its accuracy."""
        ...

    def feasible(self, point: Point) -> bool:
        """Whether the point is accurate enough and within all limits."""
        ...

    def order(self, combination: Combination) -> tuple[float, ...]:
        """Smaller for the better of two evaluated feasible combinations: the cheaper one; at equal cost the
        one of fewer steps up; then the more accurate one. Never equal for two combinations."""
        ...


class Strategy(Protocol):
    """A way through the space; everything it evaluates is kept by the evaluator."""

    name: str

    def evaluations(self, space: Space) -> int | None:
        """The most combinations to evaluate where the user gives no number; None: no limit."""
        ...

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """Evaluate combinations until there is nothing better to try. The result is the evaluator's best."""
        ...
