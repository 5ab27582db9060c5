"""The search's memory: every combination is measured once, and the best so far is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Protocol

from hpq_hls.ops.base import FloatArray
from hpq_hls.search.aims import Aims
from hpq_hls.search.evaluation import Task, Worker
from hpq_hls.search.executors import Executor
from hpq_hls.search.interactions import interactions_of
from hpq_hls.search.measurement import Measurement, Price, Seen
from hpq_hls.search.point import ROUNDING_ERROR, Point
from hpq_hls.search.result import Progress, SearchProgress
from hpq_hls.search.sharing import measure_all, price_all
from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.protocol import BudgetSpent


class Journal(Protocol):
    """Keeps measurements as they are made, so that a search can be continued."""

    @property
    def held(self) -> int:
        """How many evaluations of the same search it held when it was opened."""
        ...

    def known(self) -> Mapping[Combination, Measurement]:
        """What an earlier run of the same search measured."""
        ...

    def seen(self) -> Mapping[Combination, Seen]:
        """What this search and others saw of combinations on the same samples, at whatever price."""
        ...

    def add(self, measured: Mapping[Combination, Measurement]) -> None:
        """Keep these safely before returning."""
        ...


class JournalledEvaluator:
    """Measures combinations, each once (see ``Evaluator``).

    executor: where they are measured. aims: what points are judged by. limit: most combinations to evaluate,
    None for any number. journal: where each measurement is kept as it is made, and where earlier ones come
    from. stop: asked between evaluations; raises to end the search. float_accuracy: for ``progress``.
    """

    def __init__(
        self,
        task: Task,
        *,
        executor: Executor,
        aims: Aims,
        limit: int | None = None,
        seed: int = 0,
        journal: Journal | None = None,
        progress: Progress | None = None,
        stop: Callable[[], None] = lambda: None,
        float_accuracy: float | None = None,
    ) -> None:
        self._task, self._executor, self._limit = task, executor, limit
        self._worker = Worker(task)
        self._journal, self._progress, self._stop = journal, progress, stop
        self._float_accuracy = float_accuracy
        self._known = {} if journal is None else dict(journal.known())
        self._seen = {} if journal is None else dict(journal.seen())
        self._unused = 0 if journal is None else journal.held - len(self._known)
        self._prices: dict[Combination, Price] = {}
        self.seed, self._aims, self.least_score = seed, aims, aims.levels[0]
        self.points: dict[Combination, Point] = {}
        self.best: Combination | None = None
        self.resumed = self.shared = 0

    @property
    def levels(self) -> tuple[float, ...]:
        """See Evaluator."""
        return self._aims.levels

    def aim(self, least: float) -> None:
        """See Evaluator."""
        self.least_score, self.best = least, None
        for combination in self.points:
            self._consider(combination)

    def score(self, point: Point) -> float:
        """See Evaluator."""
        return self._aims.score(point)

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
        old = {key: self._known[key] for key in fresh if key in self._known}
        self.resumed += len(old)
        taken = self._taken_over(key for key in fresh if key not in old)
        self.shared += len(taken)
        self._add(old | taken, expected)
        for portion in self._measured([key for key in fresh if key not in old and key not in taken]):
            self._add(portion, expected)
        for key in fresh:  # in the order in which they were asked for, not in that in which they came back
            self.points[key] = self.points.pop(key)
        if spent:
            raise BudgetSpent
        return [self.points[combination] for combination in wanted]

    def prices(self, combinations: Iterable[Combination]) -> list[Price]:
        """See Evaluator."""
        wanted = list(combinations)
        self._stop()
        unknown = [combination for combination in dict.fromkeys(wanted) if combination not in self._prices]
        self._prices.update(price_all(self._task, self._worker, unknown, self._executor))
        return [self._prices[combination] for combination in wanted]

    @property
    def bounds(self) -> int:
        """See Evaluator."""
        return len(getattr(self._task.pricing, "bounds", ()))

    def interactions(self) -> tuple[tuple[int, int], ...]:
        """See Evaluator."""
        return interactions_of(self._task.space, self._task.quantizer.graph)

    def accurate(self, point: Point) -> bool:
        """See Evaluator."""
        return self.score(point) >= self.least_score - ROUNDING_ERROR

    def within(self, found: Point | Price) -> bool:
        """See Evaluator."""
        return found.excess == 0

    def feasible(self, point: Point) -> bool:
        """See Evaluator."""
        return self.accurate(point) and self.within(point)

    def improves(self, point: Point) -> bool:
        """Whether the point is feasible and costs no more than the best."""
        return self.feasible(point) and (self.best is None or point.cost <= self.points[self.best].cost)

    def order(self, combination: Combination) -> tuple[float, ...]:
        """See Evaluator."""
        point = self.points[combination]
        return point.cost, sum(combination), -self.score(point), *combination

    def closest(self) -> Combination:
        """The combination that is nearest to being feasible: within limits, then by score, then cost."""
        points, score = self.points, self.score
        return min(points, key=lambda key: (points[key].excess, -score(points[key]), points[key].cost, key))

    def outputs(self, combination: Combination) -> FloatArray:
        """What the network of a combination puts out on all samples, (batch, *output_shape)."""
        return self._worker.outputs(combination)

    def aside(self, combinations: Iterable[Combination]) -> list[Point]:
        """Exact accuracy and cost of combinations that are no part of the search, in order."""
        wanted = list(combinations)
        unknown = [key for key in wanted if key not in self.points and key not in self._known]
        self._known.update(self._taken_over(unknown))
        unknown = [key for key in unknown if key not in self._known]
        for portion in self._measured(unknown):
            self._known.update(portion)
        return [
            self.points[key] if key in self.points else self._point(key, self._known[key]) for key in wanted
        ]

    def _taken_over(self, combinations: Iterable[Combination]) -> dict[Combination, Measurement]:
        """Measurements of combinations that other searches have seen; only their prices are new."""
        known = [key for key in combinations if key in self._seen]
        if not known:
            return {}
        seen_before = [self._seen[key] for key in known]
        found = {
            key: Measurement(seen.accuracy, seen.error, seen.noise, seen.risk, price)
            for key, seen, price in zip(known, seen_before, self.prices(known), strict=True)
        }
        if self._journal is not None:
            self._journal.add(found)
        return found

    def _measured(self, combinations: Sequence[Combination]) -> Iterator[dict[Combination, Measurement]]:
        """Measure, and keep what is measured."""
        self._stop()
        with closing(measure_all(self._task, self._worker, combinations, self._executor)) as portions:
            for portion in portions:
                if self._journal is not None and portion:
                    self._journal.add(portion)
                yield portion
                self._stop()

    def _consider(self, combination: Combination) -> None:
        """Take it as the best so far, if it is."""
        if self.feasible(self.points[combination]) and (
            self.best is None or self.order(combination) < self.order(self.best)
        ):
            self.best = combination

    def _point(self, combination: Combination, found: Measurement) -> Point:
        price, precision = found.price, self._task.space.precision(combination)
        return Point(
            found.accuracy,
            price.cost,
            precision,
            price.weight_bits,
            found.error,
            price.excess,
            found.noise,
            found.risk,
        )

    def _add(self, measured: Mapping[Combination, Measurement], expected: int | None) -> None:
        if not measured:
            return
        for combination, found in measured.items():
            self._prices[combination] = found.price
            self.points[combination] = self._point(combination, found)
            self._consider(combination)
        if self._progress is not None:
            best = None if self.best is None else self.points[self.best]
            self._progress(
                SearchProgress(
                    len(self.points),
                    self._limit if expected is None else expected,
                    best,
                    self._float_accuracy,
                    self._unused,
                    self._task.metric.name,
                )
            )
