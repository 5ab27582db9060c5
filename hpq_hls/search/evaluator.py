"""The search's memory: every combination is measured once, and the best so far is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from hpq_hls.search.evaluation import Task, Worker, measure_all, price_all
from hpq_hls.search.measurement import Measurement, Price
from hpq_hls.search.result import Point, Progress, SearchProgress
from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.protocol import BudgetSpent

ROUNDING_ERROR = 1e-9
"""An accuracy this far below the least counts as equal: differences of decimal fractions are not exact."""


class Journal(Protocol):
    """Keeps measurements as they are made, so that a search can be continued."""

    def known(self) -> Mapping[Combination, Measurement]:
        """What an earlier run of the same search measured."""
        ...

    def add(self, measured: Mapping[Combination, Measurement]) -> None:
        """Keep these safely before returning."""
        ...


class JournalledEvaluator:
    """Measures combinations, each once (see ``Evaluator``).

    least_accuracy: of feasible points. limit: most combinations to evaluate, None for any number.
    """

    def __init__(
        self,
        task: Task,
        *,
        n_jobs: int | None,
        least_accuracy: float,
        limit: int | None = None,
        seed: int = 0,
        journal: Journal | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._task, self._n_jobs, self._least, self._limit = task, n_jobs, least_accuracy, limit
        self._worker = Worker(task)
        self._journal, self._progress = journal, progress
        self._known = {} if journal is None else dict(journal.known())
        self._prices: dict[Combination, Price] = {}
        self.seed = seed
        self.points: dict[Combination, Point] = {}
        self.best: Combination | None = None

    @property
    def remaining(self) -> int | None:
        """See Evaluator."""
        return None if self._limit is None else self._limit - len(self.points)

    def evaluate(self, combinations: Iterable[Combination], expected: int | None = None) -> list[Point]:
        """See Evaluator."""
        wanted = list(combinations)
        fresh = [combination for combination in dict.fromkeys(wanted) if combination not in self.points]
        spent = self.remaining is not None and len(fresh) > self.remaining
        fresh = fresh[: self.remaining]
        self._add({key: self._known[key] for key in fresh if key in self._known}, expected)
        unknown = [key for key in fresh if key not in self._known]
        for portion in measure_all(self._task, self._worker, unknown, self._n_jobs):
            if self._journal is not None:
                self._journal.add(portion)
            self._add(portion, expected)
        if spent:
            raise BudgetSpent
        return [self.points[combination] for combination in wanted]

    def prices(self, combinations: Iterable[Combination]) -> list[Price]:
        """See Evaluator."""
        wanted = list(combinations)
        unknown = [combination for combination in dict.fromkeys(wanted) if combination not in self._prices]
        self._prices.update(price_all(self._task, self._worker, unknown, self._n_jobs))
        return [self._prices[combination] for combination in wanted]

    def feasible(self, point: Point) -> bool:
        """See Evaluator."""
        return point.accuracy >= self._least - ROUNDING_ERROR and point.excess == 0

    def order(self, combination: Combination) -> tuple[float, ...]:
        """See Evaluator."""
        point = self.points[combination]
        return point.cost, sum(combination), -point.accuracy, point.error, *combination

    def closest(self) -> Combination:
        """The combination that is nearest to being feasible: within limits, then by accuracy, then cost."""
        return min(
            self.points,
            key=lambda key: (self.points[key].excess, -self.points[key].accuracy, self.points[key].cost, key),
        )

    def _add(self, measured: Mapping[Combination, Measurement], expected: int | None) -> None:
        if not measured:
            return
        for combination, found in measured.items():
            price = found.price
            self._prices[combination] = price
            precision = self._task.space.precision(combination)
            point = Point(found.accuracy, price.cost, precision, price.weight_bits, found.error, price.excess)
            self.points[combination] = point
            if self.feasible(point) and (
                self.best is None or self.order(combination) < self.order(self.best)
            ):
                self.best = combination
        if self._progress is not None:
            best = None if self.best is None else self.points[self.best]
            self._progress(SearchProgress(len(self.points), expected, best))
