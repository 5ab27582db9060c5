"""From a model to the truth: measure what is likely to be an improvement, learn from it, and so on."""

from __future__ import annotations

import numpy as np
from threadpoolctl import ThreadpoolController

from hpq_hls.search.space import Combination, Space
from hpq_hls.search.strategies.accuracy import AccuracyModel
from hpq_hls.search.strategies.noise import Combinations, Floats, Noise
from hpq_hls.search.strategies.pool import Pool
from hpq_hls.search.strategies.program import Program
from hpq_hls.search.strategies.protocol import Evaluator
from hpq_hls.search.strategies.terms import LIMIT_ERROR, PriceTerms, Range

BATCH = 16
"""Combinations that are evaluated at a time; the same for any number of workers."""
SHORTLIST = 3 * BATCH
"""Candidates that are priced exactly."""
TUNED_EVERY = 4
"""Batches after which the model's parameters are fitted again."""
MORE_DOUBT = 1.5
MOST_DOUBT = 5.0
CENTERS = 4
ROUNDING = 1e-9
"""Differences of costs below this share are none."""
LEAST_GAIN = 1e-5
"""The expected saving, as a share of the cost, below which a candidate is not worth its evaluation."""


class Refinement:
    """Evaluates batches of the candidates with the largest expected saving.

    That is the probability of being feasible times the cost saved against the best so far. While nothing
    is feasible, it is the probability alone.
    """

    def __init__(
        self,
        space: Space,
        evaluator: Evaluator,
        noise: Noise,
        terms: PriceTerms,
        ranges: list[Range],
    ) -> None:
        self._evaluator, self._noise, self._terms = evaluator, noise, terms
        self._pool = Pool(ranges, evaluator.seed)
        self._program = Program(terms.cost, terms.limits, ranges)
        reference = evaluator.score(evaluator.evaluate([space.widest])[0])
        least = evaluator.least_score
        scale = max(abs(reference - least), 0.002 * max(abs(least), 1e-6))
        self._model = AccuracyModel(noise, least, scale)
        self._threads = ThreadpoolController()
        self._solved: list[Combination] = []
        self._rounds, self._doubt = 0, 1.0

    def run(self, reserve: int) -> None:
        """Until no candidate promises anything, or only ``reserve`` evaluations are left.

        Where nothing promises anything any more, the model's deviations are doubted, and widened step by
        step until something does; they return to what they are with every improvement.
        """
        while self._doubt <= MOST_DOUBT:
            left = self._evaluator.remaining
            size = BATCH if left is None else min(BATCH, left - reserve)
            if size <= 0:
                return
            best = self._evaluator.best
            batch = self._batch(size)
            self._evaluator.evaluate(batch)
            self._rounds += 1
            if self._evaluator.best != best:
                self._doubt = 1.0
            elif not batch:
                self._doubt *= MORE_DOUBT

    def _batch(self, size: int) -> list[Combination]:
        with self._threads.limit(limits=1, user_api="blas"):  # sums of any number of threads are the same
            points = self._evaluator.points
            keys = sorted(points)  # whatever the order in which they were measured
            scores = np.array([self._evaluator.score(points[key]) for key in keys])
            self._model.fit(np.array(keys), scores, tune=self._rounds % TUNED_EVERY == 0)
            short = self._fresh(*self._candidates())
            if not len(short):
                return []
            prices = self._evaluator.prices([tuple(row) for row in short.tolist()])
            scores = self._saving(np.array([price.cost for price in prices])) * self._chance(short)
            scores[[price.excess > 0 for price in prices]] = 0
            chosen = _largest(scores, size)
            return [tuple(short[at].tolist()) for at in chosen if scores[at] > LEAST_GAIN]

    def _candidates(self) -> tuple[Combinations, Floats]:
        """Combinations and their expected savings as modelled."""
        rows = self._pool.around(self._centers())
        scores = self._scores(rows)
        if not self._pool.is_whole:
            best = [tuple(row) for row in rows[_largest(scores, CENTERS)].tolist()]
            more = self._pool.around(best)
            rows, scores = np.concatenate([rows, more]), np.concatenate([scores, self._scores(more)])
            rows, first = np.unique(rows, axis=0, return_index=True)
            scores = scores[first]
        return rows, scores

    def _scores(self, rows: Combinations) -> Floats:
        saving = self._saving(self._terms.cost.total(rows))
        if self._terms.limits:
            saving *= np.exp(-self._terms.excess(rows) / LIMIT_ERROR)
        some = np.flatnonzero(saving > LEAST_GAIN)
        if len(some):
            saving[some] *= self._chance(rows[some])
        return saving

    def _saving(self, costs: Floats) -> Floats:
        """Share of the best cost that is saved, at least 0; 1 while nothing is feasible."""
        best = self._evaluator.best
        if best is None:
            return np.ones(len(costs))
        cost = self._evaluator.points[best].cost
        saving = (cost - costs) / max(abs(cost), 1e-9)
        return np.where(saving > ROUNDING, saving, 0.0)

    def _chance(self, rows: Combinations) -> Floats:
        """Probability of being accurate enough, with a few digits, which are the same on all machines."""
        return np.round(self._model.probability(rows, self._doubt), 9)

    def _fresh(self, rows: Combinations, scores: Floats) -> Combinations:
        """The most promising rows that were not evaluated."""
        found: list[int] = []
        for at in np.argsort(-scores, kind="stable"):
            if scores[at] <= LEAST_GAIN or len(found) == SHORTLIST:
                break
            if tuple(rows[at].tolist()) not in self._evaluator.points:
                found.append(int(at))
        return rows[found]

    def _centers(self) -> list[Combination]:
        """The best combinations so far, and what the program makes of what was learnt."""
        if self._pool.is_whole:
            return []
        points, feasible = self._evaluator.points, self._evaluator.feasible
        good = sorted((key for key in points if feasible(points[key])), key=self._evaluator.order)[:CENTERS]
        near = sorted(points, key=lambda key: (-self._evaluator.score(points[key]), key))[:CENTERS]
        if self._rounds % TUNED_EVERY == 0:
            table = self._noise.table * self._model.scales()[:, None]
            budgets = self._noise.budget * np.exp([-0.5, 0.0, 0.5])
            solved = (self._program.solve(table, budget) for budget in budgets)
            self._solved = [key for key in solved if key is not None]
        return list(dict.fromkeys([*good, *near, *self._solved]))


def _largest(scores: Floats, count: int) -> list[int]:
    return [int(at) for at in np.argsort(-scores, kind="stable")[:count]]
