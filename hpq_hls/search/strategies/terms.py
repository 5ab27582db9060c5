"""A model of what combinations cost, from few prices: one term per variable and per pair that interacts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.noise import Combinations, Floats
from hpq_hls.search.strategies.protocol import Evaluator

Range = tuple[int, int]
"""First and last position of a variable that are worth choosing."""

NEGLIGIBLE = 2e-4
"""Interactions below this share of the anchor's cost, or of a bound, are left out."""
LIMIT_ERROR = 0.01
"""By which share of a bound modelled figures may be off."""


@dataclass(frozen=True, eq=False)
class Terms:
    """A figure of a combination: the anchor's, plus what each variable changes alone, plus what each
    interacting pair changes beyond that. Exact where no three variables interact.

    alone: (variables, most choices). pairs: for variables i < j, (choices of i, choices of j).
    """

    anchor: float
    alone: Floats
    pairs: dict[tuple[int, int], Floats]

    def total(self, combinations: Combinations) -> Floats:
        """The modelled figure of each combination, (rows,)."""
        rows = self.anchor + self.alone[np.arange(len(self.alone)), combinations].sum(axis=1)
        for (i, j), table in self.pairs.items():
            rows = rows + table[combinations[:, i], combinations[:, j]]
        return np.asarray(rows)


@dataclass(frozen=True, eq=False)
class PriceTerms:
    """What combinations of some ranges cost and how they stand to the bounds, as modelled.

    limits: slacks of those bounds that a combination of the ranges may exceed; the others bind nowhere.
    """

    cost: Terms
    limits: tuple[Terms, ...]

    def excess(self, combinations: Combinations) -> Floats:
        """By which share the worst bound is exceeded, at least 0, (rows,)."""
        slacks = [limit.total(combinations) for limit in self.limits]
        return np.asarray(np.max([np.zeros(len(combinations)), *slacks], axis=0))


def measure_terms(
    anchor: Combination, ranges: list[Range], evaluator: Evaluator, *, pairs: bool = True
) -> PriceTerms:
    """Price the anchor's surroundings, once for all figures: no evaluation of accuracy.

    Each variable alone; then for each pair that the network lets interact both at the ends of their ranges,
    which shows whether they do; then all choices of those that do. pairs: False leaves the latter two out.
    """
    levels = [range(low, high + 1) for low, high in ranges]
    places = [(i, at) for i, own in enumerate(levels) for at in own]
    base, *singles = _figures(evaluator, [anchor, *(_set(anchor, {i: at}) for i, at in places)])
    alone = np.zeros((len(anchor), 1 + max(high for _, high in ranges), len(base)))
    for (i, at), figures in zip(places, singles, strict=True):
        alone[i, at] = figures - base

    def beyond(keys: list[dict[int, int]]) -> Floats:
        """What pairs of settings change beyond their sum, (settings, figures)."""
        found = _figures(evaluator, [_set(anchor, key) for key in keys])
        sums = [sum(alone[i, at] for i, at in key.items()) for key in keys]
        return np.array([figures - base - own for figures, own in zip(found, sums, strict=True)])

    tables: dict[tuple[int, int], Floats] = {}
    for i, j in _interacting(anchor, ranges, evaluator, beyond, _least(base)) if pairs else []:
        table = np.zeros((ranges[i][1] + 1, ranges[j][1] + 1, len(base)))
        values = beyond([{i: a, j: b} for a in levels[i] for b in levels[j]])
        table[ranges[i][0] :, ranges[j][0] :] = values.reshape(len(levels[i]), len(levels[j]), -1)
        tables[i, j] = table
    cost, *slacks = (_figure(at, base, alone, tables) for at in range(len(base)))
    return PriceTerms(cost, tuple(slack for slack in slacks if _most(slack, ranges) > -LIMIT_ERROR))


def _figures(evaluator: Evaluator, combinations: list[Combination]) -> list[Floats]:
    """Cost and slacks of each combination, (1 + bounds,)."""
    return [np.array([price.cost, *price.slacks]) for price in evaluator.prices(combinations)]


def _least(base: Floats) -> Floats:
    """The smallest interaction that counts, of each figure; slacks are shares already."""
    return NEGLIGIBLE * np.array([abs(base[0]), *([1.0] * (len(base) - 1))])


def _interacting(
    anchor: Combination,
    ranges: list[Range],
    evaluator: Evaluator,
    beyond: Callable[[list[dict[int, int]]], Floats],
    least: Floats,
) -> list[tuple[int, int]]:
    """The pairs whose sum is off by more than ``least`` in a figure at some ends of their ranges."""
    free = [(low, high) != (at, at) for (low, high), at in zip(ranges, anchor, strict=True)]
    couples = [(i, j) for i, j in evaluator.interactions() if free[i] and free[j]]
    probes = [{i: a, j: b} for i, j in couples for a in ranges[i] for b in ranges[j]]
    if not probes:
        return []
    extra = np.abs(beyond(probes)).reshape(len(couples), 4, -1).max(axis=1)
    return [couple for couple, size in zip(couples, extra, strict=True) if (size > least).any()]


def _figure(at: int, base: Floats, alone: Floats, tables: dict[tuple[int, int], Floats]) -> Terms:
    """The terms of one figure; a pair may interact in another one only."""
    pairs = {pair: table[..., at] for pair, table in tables.items() if table[..., at].any()}
    return Terms(float(base[at]), alone[..., at], pairs)


def _most(terms: Terms, ranges: list[Range]) -> float:
    """What the figure is at most, as modelled: every pair at its largest, with equal shares of what its
    variables do alone."""
    partners = Counter(index for pair in terms.pairs for index in pair)
    own = [terms.alone[i, low : high + 1] / max(partners[i], 1) for i, (low, high) in enumerate(ranges)]
    couples = [
        (table[ranges[i][0] :, ranges[j][0] :] + own[i][:, None] + own[j]).max()
        for (i, j), table in terms.pairs.items()
    ]
    return terms.anchor + float(sum(couples) + sum(own[i].max() for i in range(len(own)) if not partners[i]))


def _set(combination: Combination, changes: dict[int, int]) -> Combination:
    return tuple(changes.get(index, position) for index, position in enumerate(combination))
