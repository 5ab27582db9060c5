"""Close in on the cheapest combination of a noise model that is accurate, by halving its noise budget."""

from __future__ import annotations

from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.noise import Floats
from hpq_hls.search.strategies.program import Program
from hpq_hls.search.strategies.protocol import Evaluator

WIDEN = 2.0
"""By which factor the budget grows or shrinks while both sides of the limit are not known."""
MOST_WIDENED = 6
CLOSE = 1.08
"""Ratio of the two budgets at which halving ends."""


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
