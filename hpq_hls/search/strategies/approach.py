"""The cheapest combinations of a noise model: by halving its noise budget, or at many budgets."""

from __future__ import annotations

import numpy as np

from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.noise import Floats
from hpq_hls.search.strategies.program import Program
from hpq_hls.search.strategies.protocol import Evaluator

WIDEN = 2.0
"""By which factor the budget grows or shrinks while both sides of the limit are not known."""
MOST_WIDENED = 6
CLOSE = 1.08
"""Ratio of the two budgets at which halving ends."""


FRONT = (0.06, 3.0)
"""Budgets of the front, in units of the one where scores cross the main level: those of the other levels."""
MANY, FEW, SHARE = 18, 8, 0.06
"""How many: so many where they are at most this share of the evaluations left, or few."""


def front(table: Floats, budget: float, program: Program, evaluator: Evaluator) -> None:
    """Evaluate the program's solutions from far below to far above a budget, evenly spaced by ratio.

    Levels that are not refined find their combinations here. table, budget: as of ``approach``.
    """
    left = evaluator.remaining
    count = MANY if left is None or SHARE * left >= MANY else FEW
    solved = [program.solve(table, float(size)) for size in budget * np.geomspace(*FRONT, count)]
    evaluator.evaluate([combination for combination in solved if combination is not None])


def approach(table: Floats, budget: float, program: Program, evaluator: Evaluator) -> None:
    """Evaluate the program's solutions at budgets ever nearer to the one where scores cross the limit.

    table: noise, (variables, choices). budget: where the crossing is expected.
    """
    solved: dict[float, Combination | None] = {}

    def good(size: float) -> bool:
        """Whether the solution at a budget is accurate; a budget too small for any is on that side too."""
        solved[size] = program.solve(table, size)
        combination = solved[size]
        return combination is None or evaluator.accurate(evaluator.evaluate([combination])[0])

    accurate = good(budget)
    inner = outer = budget
    for _ in range(MOST_WIDENED):
        further = outer * WIDEN if accurate else outer / WIDEN
        inner, outer = outer, further
        if good(outer) != accurate:
            break
    low, high = min(inner, outer), max(inner, outer)
    while high / low > CLOSE and solved[low] != solved[high]:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if good(middle) else (low, middle)
