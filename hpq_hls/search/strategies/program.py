"""The cheapest combination within a noise budget, as a mixed-integer program."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.milp import solve_milp
from hpq_hls.search.strategies.noise import Floats
from hpq_hls.search.strategies.terms import Range, Terms

GAP = 2e-3
"""Relative cost by which a solution may miss the program's optimum; the truth is measured anyway."""
NODES = 400
"""Most nodes of the branch and bound. A limit of time would make results depend on the machine."""
NARROWER = 1e-6
"""Share of the cost that a position is worth where costs are equal, so that narrower choices win."""
MOST_BUDGETS, LEAST_BUDGETS = 2.0, 1e-7
"""A choice with more noise than a budget is out, whatever it is; less than this is none. The solver wants
coefficients of similar size."""


class Program:
    """Chooses one position per variable.

    Minimize  sum_i sum_a cost_i(a) x_ia + sum_(i,j) sum_a,b cost_ij(a, b) z_ijab
    subject to  sum_a x_ia = 1,  sum_b z_ijab = x_ia,  sum_a z_ijab = x_jb,
                sum_i sum_a noise_i(a) x_ia <= budget,
                slack + sum_i sum_a slack_i(a) x_ia + sum_(i,j) sum_a,b slack_ij(a, b) z_ijab <= 0
                for each limit,
                x binary, z >= 0,

    where z_ijab is 1 exactly where i is at a and j at b: the marginal constraints leave it no other value
    when x is integer, and describe the convex hull when the pairs form a tree.

    costs, limits: as modelled (see ``PriceTerms``).
    """

    def __init__(self, costs: Terms, limits: Sequence[Terms], ranges: list[Range]) -> None:
        self._ranges = ranges
        self._sizes = [high - low + 1 for low, high in ranges]
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)]).astype(int)
        self._pairs = sorted({pair for terms in (costs, *limits) for pair in terms.pairs})
        objective = self._row(costs)
        narrower = np.concatenate([np.arange(low, high + 1) for low, high in ranges])
        objective[: len(narrower)] += NARROWER * max(abs(costs.anchor), abs(objective).max()) * narrower
        self._objective = objective / max(abs(objective).max(), 1e-12)
        self._constraints = [self._marginals()]
        if limits:
            rows = np.array([self._row(limit) for limit in limits])
            self._constraints.append(
                scipy.optimize.LinearConstraint(rows, -np.inf, [-limit.anchor for limit in limits])
            )

    def solve(self, noise: Floats, budget: float) -> Combination | None:
        """The cheapest combination whose noise is within the budget; None where there is none.

        noise: (variables, choices).
        """
        parts = [noise[i, low : high + 1] / budget for i, (low, high) in enumerate(self._ranges)]
        binaries = self._starts[-1]
        row = np.zeros(len(self._objective))
        row[:binaries] = np.minimum(np.concatenate(parts), MOST_BUDGETS)
        row[row < LEAST_BUDGETS] = 0
        values = solve_milp(
            self._objective,
            integrality=np.arange(len(self._objective)) < binaries,
            bounds=scipy.optimize.Bounds(0, 1),
            constraints=[*self._constraints, scipy.optimize.LinearConstraint(row[None], -np.inf, 1.0)],
            options={"mip_rel_gap": GAP, "node_limit": NODES},
        )
        if values is None:
            return None
        return tuple(
            low + int(np.argmax(values[start : start + size]))
            for (low, _), start, size in zip(self._ranges, self._starts, self._sizes, strict=False)
        )

    def _row(self, terms: Terms) -> Floats:
        """Coefficients of all x, then of all z."""
        singles = [terms.alone[i, low : high + 1] for i, (low, high) in enumerate(self._ranges)]
        couples = [
            terms.pairs[i, j][self._ranges[i][0] :, self._ranges[j][0] :].reshape(-1)
            if (i, j) in terms.pairs
            else np.zeros(self._sizes[i] * self._sizes[j])
            for i, j in self._pairs
        ]
        return np.concatenate([*singles, *couples])

    def _marginals(self) -> scipy.optimize.LinearConstraint:
        """Exactly one choice per variable, and the sums of each pair's z."""
        count = len(self._sizes)
        one = scipy.sparse.block_diag([np.ones((1, size)) for size in self._sizes])
        blocks: list[list[scipy.sparse.spmatrix | None]] = [[one, *([None] * len(self._pairs))]]
        for at, (i, j) in enumerate(self._pairs):
            height, width = self._sizes[i], self._sizes[j]
            by_i = scipy.sparse.kron(scipy.sparse.eye(height), np.ones((1, width)))
            by_j = scipy.sparse.kron(np.ones((1, height)), scipy.sparse.eye(width))
            chosen = scipy.sparse.vstack([self._picked(i), self._picked(j)])
            row: list[scipy.sparse.spmatrix | None] = [None] * (1 + len(self._pairs))
            row[0], row[1 + at] = -chosen, scipy.sparse.vstack([by_i, by_j])
            blocks.append(row)
        matrix = scipy.sparse.bmat(blocks, format="csr")
        right = np.zeros(matrix.shape[0])
        right[:count] = 1
        return scipy.optimize.LinearConstraint(matrix, right, right)

    def _picked(self, index: int) -> scipy.sparse.spmatrix:
        """The x of one variable out of all x."""
        size = self._sizes[index]
        columns = self._starts[index] + np.arange(size)
        shape = (size, int(self._starts[-1]))
        return scipy.sparse.csr_matrix((np.ones(size), (np.arange(size), columns)), shape=shape)
