"""A model of what combinations cost, from few prices: one term per variable and per pair that interacts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hpq_hls.search.measurement import Price
from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.noise import Combinations, Floats
from hpq_hls.search.strategies.protocol import Evaluator

Range = tuple[int, int]
"""First and last position of a variable that are worth choosing."""

NEGLIGIBLE = 2e-4
"""Interactions below this share of the anchor's figure are left out."""


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


def cost_of(price: Price) -> float:
    """The figure that is minimized."""
    return price.cost


def excess_of(price: Price) -> float:
    """The figure that limits are about."""
    return price.excess


def measure_terms(
    anchor: Combination,
    ranges: list[Range],
    evaluator: Evaluator,
    figure: Callable[[Price], float] = cost_of,
    *,
    pairs: bool = True,
) -> Terms:
    """Price the anchor's surroundings: no evaluation of accuracy.

    Each variable alone; then for each pair both at the ends of their ranges, which shows whether they
    interact; then all choices of those pairs. pairs: False leaves the latter two out.
    """
    levels = [range(low, high + 1) for low, high in ranges]
    singles = [_set(anchor, {i: at}) for i, own in enumerate(levels) for at in own]
    base, *values = (figure(price) for price in evaluator.prices([anchor, *singles]))
    alone = np.zeros((len(anchor), 1 + max(high for _, high in ranges)))
    for (i, at), value in zip(((i, at) for i, own in enumerate(levels) for at in own), values, strict=True):
        alone[i, at] = value - base

    def beyond(keys: list[dict[int, int]]) -> Floats:
        """What pairs of settings change beyond their sum."""
        found = evaluator.prices([_set(anchor, key) for key in keys])
        sums = [sum(alone[i, at] for i, at in key.items()) for key in keys]
        return np.array([figure(price) - base - own for price, own in zip(found, sums, strict=True)])

    tables = {}
    for i, j in _interacting(ranges, beyond, NEGLIGIBLE * abs(base)) if pairs else []:
        values_ij = beyond([{i: a, j: b} for a in levels[i] for b in levels[j]])
        table = np.zeros((ranges[i][1] + 1, ranges[j][1] + 1))
        table[ranges[i][0] :, ranges[j][0] :] = values_ij.reshape(len(levels[i]), len(levels[j]))
        tables[i, j] = table
    return Terms(base, alone, tables)


def _interacting(
    ranges: list[Range], beyond: Callable[[list[dict[int, int]]], Floats], least: float
) -> list[tuple[int, int]]:
    """The pairs whose sum is off by more than ``least`` at some ends of their ranges."""
    couples = list(itertools.combinations(range(len(ranges)), 2))
    probes = [{i: a, j: b} for i, j in couples for a in ranges[i] for b in ranges[j]]
    if not probes:
        return []
    extra = np.abs(beyond(probes)).reshape(-1, 4).max(axis=1)
    return [couple for couple, size in zip(couples, extra, strict=True) if size > least]


def _set(combination: Combination, changes: dict[int, int]) -> Combination:
    return tuple(changes.get(index, position) for index, position in enumerate(combination))
