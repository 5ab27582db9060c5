"""Halving a noise budget closes in on where scores cross the limit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.approach import CLOSE, MOST_WIDENED, WIDEN, approach
from hpq_hls.search.strategies.noise import Floats
from hpq_hls.search.strategies.program import Program
from hpq_hls.search.strategies.terms import measure_terms
from tests.search.synthetic import Synthetic

MOST = 14
"""Evaluations: six to find both sides, and log2(log(WIDEN) / log(CLOSE)) halvings."""


class Steps:
    """A program with one solution for each ``fineness`` of the budget; none below ``least``."""

    def __init__(self, fineness: float = 1e-3, least: float = 0.0) -> None:
        self.fineness, self.least = fineness, least
        self.budgets: list[float] = []

    def solve(self, noise: Floats, budget: float) -> Combination | None:
        self.budgets.append(budget)
        return None if budget < self.least else (round(np.log(budget) / self.fineness),)


class Threshold:
    """Solutions of ``Steps`` are accurate up to a budget."""

    def __init__(self, program: Steps, crossing: float) -> None:
        self.program, self.crossing = program, crossing
        self.asked: list[Combination] = []

    def evaluate(self, combinations: list[Combination]) -> list[float]:
        self.asked += combinations
        return [np.exp(at * self.program.fineness) for (at,) in combinations]

    def accurate(self, budget: float) -> bool:
        return budget <= self.crossing


def run(crossing: float, budget: float = 1.0, **program: float) -> tuple[list[float], list[Combination]]:
    """The budgets that were tried and the combinations that were evaluated."""
    steps = Steps(**program)
    evaluator: Any = Threshold(steps, crossing)
    approach(np.zeros((1, 1)), budget, steps, evaluator)  # type: ignore[arg-type]
    return steps.budgets, evaluator.asked


@pytest.mark.parametrize("crossing", [0.03, 0.4, 0.97, 1.04, 1.9, 7.3, 50.0])
@pytest.mark.parametrize("budget", [1.0, 0.2])
def test_the_crossing_is_closed_in_from_both_sides(crossing: float, budget: float) -> None:
    budgets, asked = run(crossing * budget, budget)
    low = max(each for each in budgets if each <= crossing * budget)
    high = min(each for each in budgets if each > crossing * budget)
    assert 1 < high / low <= CLOSE
    assert len(asked) == len(budgets) <= MOST


@pytest.mark.parametrize("crossing", [1e-9, 1e9])
def test_it_gives_up_where_all_or_none_are_accurate(crossing: float) -> None:
    budgets, asked = run(crossing)
    assert len(asked) <= MOST
    furthest = WIDEN**MOST_WIDENED
    assert (max(budgets) if crossing > 1 else min(budgets)) == pytest.approx(
        furthest if crossing > 1 else 1 / furthest
    )


def test_it_ends_where_both_sides_have_one_solution() -> None:
    budgets, _ = run(1e9, fineness=100.0)  # every budget has the same solution, which is accurate
    assert len(budgets) == 1 + MOST_WIDENED


def test_a_budget_too_small_for_all_is_no_reason_to_stop() -> None:
    """Nothing is evaluated for it, and the search goes on to larger ones."""
    budgets, asked = run(1.5, budget=4.0, least=1.2)
    assert len(asked) == sum(each >= 1.2 for each in budgets)
    assert max(each for each in budgets if each <= 1.5) > 1.5 / CLOSE


def test_the_best_of_a_real_program_is_near_the_optimum_of_its_noise_model() -> None:
    """Where accuracy follows noise without luck, the cheapest accurate solution is found to within a step of
    the budget."""
    evaluator = Synthetic((6, 6, 6, 6), luck=0.0)
    ranges = [(0, 5)] * 4
    table = evaluator._harm[:, None] * 0.25 ** np.arange(6)
    terms = measure_terms((5, 5, 5, 5), ranges, evaluator)
    program = Program(terms.cost, terms.limits, ranges)
    for budget in (1e-4, 1e-3, 1e-1):
        evaluator.points.clear()
        evaluator.aim(evaluator.least_score)
        approach(table, budget, program, evaluator)
        assert evaluator.best is not None
        assert evaluator.points[evaluator.best].cost <= 1.05 * evaluator.optimum()
        counted = [evaluator.accurate(point) for point in evaluator.points.values()]
        assert any(counted) and not all(counted)
        assert all(len(batch) <= 1 for batch in evaluator.batches)
