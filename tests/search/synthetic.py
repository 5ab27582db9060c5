"""An evaluator whose truth is known: additive noise, costs with interactions, enumerable."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from hpq_hls.quantize import Precision
from hpq_hls.search.measurement import Price
from hpq_hls.search.point import Point
from hpq_hls.search.space import Combination, Part, Site, Space, Variable
from hpq_hls.search.strategies import BudgetSpent


def space(*choices: int) -> Space:
    """One variable for each number of choices."""
    return Space(
        tuple(
            Variable((Site(f"layer{index}", Part.WEIGHT),), tuple(range(2, 2 + count)))
            for index, count in enumerate(choices)
        )
    )


class Synthetic:
    """Noise falls 4x per position; accuracy falls with its square root, with luck of each combination.

    Cost is a sum of products of neighbours' widths; ``flat``: all cost the same. most: costs above this
    exceed a limit. luck: standard deviation of the accuracy among combinations of equal noise.
    """

    def __init__(
        self,
        choices: tuple[int, ...],
        *,
        seed: int = 0,
        limit: int | None = None,
        least_accuracy: float = 0.94,
        levels: tuple[float, ...] = (),
        luck: float = 0.002,
        most: float = np.inf,
        flat: bool = False,
    ) -> None:
        draw = np.random.default_rng(seed)
        self.space = space(*choices)
        self._harm = np.exp(draw.normal(-3, 1, len(choices)))
        self._sizes = draw.integers(1, 40, len(choices))
        self._luck, self._key, self._most, self._flat = luck, seed, most, flat
        self.seed, self.limit, self.least_score = seed, limit, least_accuracy
        self.levels = levels or (least_accuracy,)
        self.points: dict[Combination, Point] = {}
        self.best: Combination | None = None
        self.batches: list[list[Combination]] = []
        self.priced: set[Combination] = set()

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None else self.limit - len(self.points)

    def truth(self, combination: Combination) -> Point:
        """Nothing is counted here."""
        noise = float((self._harm * 0.25 ** np.array(combination)).sum())
        draw = np.random.default_rng((self._key, *combination))
        accuracy = 0.95 - 0.2 * noise**0.5 + self._luck * draw.normal()
        price = self.price(combination)
        return Point(round(accuracy, 4), price.cost, Precision(), 0, noise, price.excess, noise)

    def price(self, combination: Combination) -> Price:
        if self._flat:
            return Price(1.0, 0)
        widths = np.array(combination) + 2
        around = np.concatenate([[4], widths[:-1]])
        cost = float((self._sizes * widths * around).sum())
        return Price(cost, 0, () if self._most == np.inf else (cost / self._most - 1,))

    def optimum(self) -> float:
        """Least cost of all feasible combinations."""
        ranges = (range(len(variable.choices)) for variable in self.space.variables)
        everything = (self.truth(combination) for combination in itertools.product(*ranges))
        return min((point.cost for point in everything if self.feasible(point)), default=np.inf)

    def evaluate(self, combinations: Iterable[Combination], expected: int | None = None) -> list[Point]:
        wanted = list(combinations)
        fresh = [key for key in dict.fromkeys(wanted) if key not in self.points]
        spent = self.remaining is not None and len(fresh) > self.remaining
        fresh = fresh[: self.remaining]
        self.batches.append(fresh)
        for key in fresh:
            assert len(key) == len(self.space.variables)
            assert all(0 <= at <= top for at, top in zip(key, self.space.widest, strict=True))
            self.points[key] = self.truth(key)
            self._consider(key)
        if spent:
            raise BudgetSpent
        return [self.points[key] for key in wanted]

    def _consider(self, key: Combination) -> None:
        if self.feasible(self.points[key]) and (self.best is None or self.order(key) < self.order(self.best)):
            self.best = key

    def aim(self, least: float) -> None:
        self.least_score, self.best = least, None
        for key in self.points:
            self._consider(key)

    def score(self, point: Point) -> float:
        return point.accuracy

    def prices(self, combinations: Iterable[Combination]) -> list[Price]:
        wanted = list(combinations)
        self.priced.update(wanted)
        return [self.price(key) for key in wanted]

    @property
    def bounds(self) -> int:
        return int(self._most < np.inf)

    def interactions(self) -> tuple[tuple[int, int], ...]:
        return tuple(itertools.pairwise(range(len(self.space.variables))))

    def accurate(self, point: Point) -> bool:
        return point.accuracy >= self.least_score - 1e-9

    def within(self, found: Point | Price) -> bool:
        return found.excess == 0

    def feasible(self, point: Point) -> bool:
        return self.accurate(point) and self.within(point)

    def order(self, combination: Combination) -> tuple[float, ...]:
        point = self.points[combination]
        return point.cost, sum(combination), -point.accuracy, point.error, *combination
