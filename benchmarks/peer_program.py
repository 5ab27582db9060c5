"""The integer program in searches of peers: one choice per variable, cost on one side, harm on the other.

Costs are this project's prices, modelled around an anchor: what each variable changes alone, and what pairs
that interact (a layer's weights and its input) change beyond that. The peers themselves add up one figure per
layer; with the pairs they get the more exact model.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from hpq_hls.search.space import Combination, Space
from hpq_hls.search.strategies import Evaluator

Floats = npt.NDArray[np.float64]
Levels = Sequence[Sequence[int]]
"""The positions that each variable may take, ascending."""
Table = Sequence[Floats]
"""A figure for each of a variable's levels, variable by variable."""

ANCHORED_AT = 4
"""Bits around which costs are modelled: where the searches end, and multipliers are no DSP blocks."""
NEGLIGIBLE = 1e-3
"""Interactions below this share of the anchor's cost are left out."""
GAP, NODES = 2e-3, 400
"""Of the branch and bound; a limit of time would make results depend on the machine."""
MOST_BUDGETS, LEAST_BUDGETS = 2.0, 1e-7
"""A coefficient of more budgets than this is out whatever it is; less than that is none."""


@dataclass(frozen=True, eq=False)
class Costs:
    """anchor: cost of the anchor. alone: what each level changes. pairs: (levels of i, levels of j), what
    both change beyond their sum."""

    anchor: float
    alone: Table
    pairs: Mapping[tuple[int, int], Floats]


def changed(combination: Combination, changes: Mapping[int, int]) -> Combination:
    """With some variables at other positions."""
    return tuple(changes.get(index, position) for index, position in enumerate(combination))


def measure_costs(space: Space, evaluator: Evaluator, levels: Levels, *, pairs: bool = True) -> Costs:
    """Prices around the anchor; no evaluation of accuracy."""
    anchor = space.near(ANCHORED_AT)

    def cost(changes: Sequence[Mapping[int, int]]) -> Floats:
        return np.array([price.cost for price in evaluator.prices([changed(anchor, one) for one in changes])])

    base = float(cost([{}])[0])
    alone = [cost([{index: at} for at in own]) - base for index, own in enumerate(levels)]
    tables: dict[tuple[int, int], Floats] = {}
    for i, j in itertools.combinations(range(len(levels)), 2) if pairs else ():
        ends = [(0, 0), (len(levels[i]) - 2, len(levels[j]) - 2)]
        probes = cost([{i: levels[i][a], j: levels[j][b]} for a, b in ends])
        sums = np.array([base + alone[i][a] + alone[j][b] for a, b in ends])
        if np.abs(probes - sums).max() > NEGLIGIBLE * abs(base):
            both = cost([{i: a, j: b} for a in levels[i] for b in levels[j]])
            table = both.reshape(len(levels[i]), len(levels[j])) - base
            tables[i, j] = table - alone[i][:, None] - alone[j][None, :]
    return Costs(base, alone, tables)


class Program:
    """Variables: x_ia, variable i takes level a; z_ijab >= 0, i takes a and j takes b."""

    def __init__(self, costs: Costs, levels: Levels) -> None:
        self._levels = levels
        self._sizes = [len(own) for own in levels]
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)]).astype(int)
        self._cost = np.concatenate([*costs.alone, *(table.ravel() for table in costs.pairs.values())])
        self._anchor = costs.anchor
        self._binaries = int(self._starts[-1])
        self._pairs = list(costs.pairs)
        self._marginals = self._all_marginals()

    def cheapest(self, harm: Table, budget: float) -> Combination | None:
        """The least cost with a total harm of at most ``budget``; None where nothing was found."""
        row = np.minimum(self._padded(harm) / budget, MOST_BUDGETS)
        return self._solve(self._cost, row, 1.0)

    def least_harm(self, harm: Table, cost: float) -> Combination | None:
        """The least total harm at a cost of at most ``cost``."""
        return self._solve(self._padded(harm), self._cost / cost, 1.0 - self._anchor / cost)

    def lowest_cost(self) -> float:
        """Of everything narrowest."""
        narrowest = self._solve(self._cost, np.zeros(len(self._cost)), 1.0)
        assert narrowest is not None
        return self.cost(narrowest)

    def cost(self, combination: Combination) -> float:
        """As modelled."""
        chosen = np.zeros(self._binaries)
        for index, (own, position) in enumerate(zip(self._levels, combination, strict=True)):
            chosen[self._starts[index] + list(own).index(position)] = 1
        values = [chosen]
        for i, j in self._pairs:
            values.append(np.outer(self._part(chosen, i), self._part(chosen, j)).ravel())
        return float(self._anchor + self._cost @ np.concatenate(values))

    def _part(self, chosen: Floats, index: int) -> Floats:
        return chosen[self._starts[index] : self._starts[index + 1]]

    def _padded(self, harm: Table) -> Floats:
        return np.concatenate([*harm, np.zeros(len(self._cost) - self._binaries)])

    def _solve(self, objective: Floats, limited: Floats, most: float) -> Combination | None:
        row = np.where(np.abs(limited) < LEAST_BUDGETS, 0, limited)
        result = milp(
            objective / max(np.abs(objective).max(), 1e-12),
            integrality=np.arange(len(objective)) < self._binaries,
            bounds=Bounds(0, 1),
            constraints=[self._marginals, LinearConstraint(row[None], -np.inf, most)],
            options={"mip_rel_gap": GAP, "node_limit": NODES},
        )
        if result.x is None:
            return None
        return tuple(
            own[int(np.argmax(result.x[start : start + len(own)]))]
            for own, start in zip(self._levels, self._starts, strict=False)
        )

    def _all_marginals(self) -> LinearConstraint:
        """One level per variable; the z of a pair add up to the x of each of its two."""
        one = sparse.block_diag([np.ones((1, size)) for size in self._sizes])
        right = [np.ones(len(self._sizes))]
        blocks: list[list[sparse.spmatrix | None]] = [[one, *([None] * len(self._pairs))]]
        for at, (i, j) in enumerate(self._pairs):
            height, width = self._sizes[i], self._sizes[j]
            sums = [
                sparse.kron(sparse.eye(height), np.ones((1, width))),
                sparse.kron(np.ones((1, height)), sparse.eye(width)),
            ]
            row: list[sparse.spmatrix | None] = [None] * (1 + len(self._pairs))
            row[0] = -sparse.eye(self._binaries, format="csr")[
                [*range(self._starts[i], self._starts[i + 1]), *range(self._starts[j], self._starts[j + 1])]
            ]
            row[1 + at] = sparse.vstack(sums)
            blocks.append(row)
            right.append(np.zeros(height + width))
        whole = np.concatenate(right)
        return LinearConstraint(sparse.bmat(blocks, format="csr"), whole, whole)
