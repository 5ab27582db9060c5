"""Each strategy on problems whose optimum is known."""

from __future__ import annotations

import contextlib
import sys

import numpy as np
import pytest

from hpq_hls.errors import ConfigError
from hpq_hls.search.space import Combination
from hpq_hls.search.strategies import STRATEGIES, BudgetSpent
from hpq_hls.search.strategies.noise import LEAST_NOISE, boundary, measure_noise
from hpq_hls.search.strategies.program import Program
from hpq_hls.search.strategies.sensitivity import MOST, worthwhile
from hpq_hls.search.strategies.terms import Terms, measure_terms
from tests.search.synthetic import Synthetic, space

SMALL = (7, 5, 6, 7, 8)  # 11,760 combinations
LARGE = (15,) * 11


def run(problem: Synthetic, strategy: str = "sensitivity") -> Synthetic:
    with contextlib.suppress(BudgetSpent):
        STRATEGIES[strategy].run(problem.space, problem)
    return problem


def cost(problem: Synthetic) -> float:
    assert problem.best is not None
    return problem.points[problem.best].cost


def assert_minimal(problem: Synthetic) -> None:
    """No single step down from the best is feasible at its cost or less; each of them was evaluated."""
    assert problem.best is not None
    for step in problem.space.steps_down(problem.best):
        point = problem.points[step]
        assert not (problem.feasible(point) and point.cost <= cost(problem))


# The default


@pytest.mark.parametrize("luck", [0.0, 0.002])
@pytest.mark.parametrize("seed", range(3))
def test_sensitivity_comes_within_two_percent(seed: int, luck: float) -> None:
    problem = Synthetic(SMALL, seed=seed, luck=luck, limit=int(0.05 * 11_760))
    run(problem)
    assert cost(problem) <= 1.02 * problem.optimum()
    assert len(problem.points) <= 0.05 * problem.space.size
    assert_minimal(problem)


def test_sensitivity_beats_the_others_at_equal_evaluations() -> None:
    """In spaces where the others get to their own ends, so that there is something to beat."""
    shares = []
    for seed in range(4):
        costs = {}
        for name in ("sensitivity", "greedy", "evolutionary"):
            problem = run(Synthetic((8,) * 8, seed=seed, limit=250), name)
            costs[name] = cost(problem)
            if name == "sensitivity":
                assert_minimal(problem)
        assert len(run(Synthetic((8,) * 8, seed=seed), "greedy").points) <= 250
        own = costs.pop("sensitivity")
        assert own < min(costs.values())
        shares.append(own / min(costs.values()))
    assert np.exp(np.log(shares).mean()) <= 0.9  # measured: 0.86; without refinement greedy wins once


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20, 60, 111])
def test_any_budget_is_kept_and_leaves_a_sane_state(limit: int) -> None:
    for name in STRATEGIES:
        problem = run(Synthetic(LARGE, limit=limit), name)
        assert 0 < len(problem.points) <= limit
        assert problem.space.widest in problem.points
        if problem.best is not None:
            assert problem.feasible(problem.points[problem.best])


def test_a_budget_of_a_hundred_leaves_room_for_the_certificate() -> None:
    problem = run(Synthetic((8, 8, 8, 8), limit=100))
    assert_minimal(problem)


def test_own_budget() -> None:
    default = STRATEGIES["sensitivity"]
    assert default.evaluations(space(2, 3)) == 6
    assert default.evaluations(space(10, 10, 10, 10)) == 500
    assert default.evaluations(space(*LARGE)) == 1_100
    assert default.evaluations(space(*[15] * 40)) == MOST
    for name in ("exhaustive", "greedy"):
        assert STRATEGIES[name].evaluations(space(*LARGE)) is None


@pytest.mark.parametrize("name", STRATEGIES)
def test_nothing_feasible_is_no_error(name: str) -> None:
    problem = run(Synthetic((4, 4, 4), least_accuracy=0.999, limit=60), name)
    assert problem.best is None
    assert problem.space.widest in problem.points


@pytest.mark.parametrize("name", STRATEGIES)
def test_everything_feasible(name: str) -> None:
    problem = run(Synthetic((3, 4, 2), least_accuracy=-5.0, limit=24), name)
    assert problem.best == (0, 0, 0)


@pytest.mark.parametrize("choices", [(), (1,), (1, 1), (9,), (1, 6, 1), (2, 2)])
@pytest.mark.parametrize("name", STRATEGIES)
def test_small_spaces(name: str, choices: tuple[int, ...]) -> None:
    problem = run(Synthetic(choices, limit=int(np.prod(choices)), luck=0.0, least_accuracy=0.8), name)
    assert problem.optimum() <= cost(problem) <= 1.5 * problem.optimum()  # greedy may end early
    assert_minimal(problem)
    if name in ("exhaustive", "sensitivity"):
        assert cost(problem) == problem.optimum()


@pytest.mark.parametrize("choices", [SMALL, LARGE])
def test_steps_of_equal_cost_are_taken_too(choices: tuple[int, ...]) -> None:
    problem = run(Synthetic(choices, flat=True, limit=500))
    assert_minimal(problem)
    assert problem.best is not None
    assert sum(problem.best) < 0.7 * sum(problem.space.widest)


@pytest.mark.parametrize("seed", range(3))
def test_limits_that_bind(seed: int) -> None:
    """Costs above the limit are no use, however accurate: most of the space is out."""
    best = Synthetic(SMALL, seed=seed, luck=0.0).optimum()
    problem = run(Synthetic(SMALL, seed=seed, luck=0.0, most=1.02 * best, limit=500))
    assert cost(problem) == pytest.approx(best, rel=0.02)  # the bar
    assert_minimal(problem)
    nothing = run(Synthetic(SMALL, seed=seed, luck=0.0, most=0.9 * best, limit=500))
    assert nothing.best is None


def test_same_seed_same_search() -> None:
    first, second = (run(Synthetic((15,) * 6, limit=150)) for _ in range(2))
    assert first.batches == second.batches


def test_the_order_in_which_a_batch_is_measured_does_not_matter() -> None:
    class Backwards(Synthetic):
        """As if other workers were faster."""

        def evaluate(self, combinations, expected=None):
            wanted = list(combinations)
            super().evaluate(wanted[: self.remaining][::-1])
            return super().evaluate(wanted)

    first, second = run(Synthetic((15,) * 6, limit=150)), run(Backwards((15,) * 6, limit=150))
    assert first.points.keys() == second.points.keys()
    assert first.best == second.best


def test_accuracy_may_do_as_it_likes() -> None:
    """More bits need not be more accurate; the certificate is about what was measured."""
    for seed in range(2):
        assert_minimal(run(Synthetic(SMALL, seed=seed, luck=0.02, limit=500)))


def test_few_prices_are_asked_for() -> None:
    problem = run(Synthetic(LARGE, limit=250))
    assert len(problem.priced) < 2_500


# Its parts


def test_noise_is_exact_where_it_was_measured() -> None:
    problem = Synthetic((6, 7, 8), luck=0.0)
    noise = measure_noise(problem.space, problem)
    rows = np.array(list(problem.points))
    measured = np.array([point.error for point in problem.points.values()])
    alone = (rows < problem.space.widest).sum(axis=1) <= 1
    np.testing.assert_allclose(noise.total(rows[alone]), measured[alone], rtol=1e-6)  # sums in another order
    assert noise.budget > 0
    assert (noise.table[np.isfinite(noise.table)] >= LEAST_NOISE).all()


def test_boundary_parts_feasible_from_infeasible() -> None:
    problem = Synthetic((9,), luck=0.0)
    points = problem.evaluate([(at,) for at in range(9)])
    feasible = [problem.feasible(point) for point in points]
    crossing = feasible.index(True)
    assert points[crossing].error < boundary(points, feasible) < points[crossing - 1].error
    assert boundary(points, [True] * 9) == 4 * points[0].error
    assert boundary(points, [False] * 9) == points[-1].error / 4


def test_terms_are_exact_for_products_of_two() -> None:
    problem = Synthetic((4, 3, 5), luck=0.0)
    terms = measure_terms((1, 1, 1), [(0, 3), (0, 2), (0, 4)], problem).cost
    everything = np.array(list(np.ndindex(4, 3, 5)))
    prices = [problem.price(tuple(row)).cost for row in everything.tolist()]
    np.testing.assert_array_equal(terms.total(everything), prices)  # whole numbers
    assert set(terms.pairs) == {(0, 1), (1, 2)}


@pytest.mark.parametrize("limited", [False, True])
def test_the_program_finds_the_optimum_of_its_model(limited: bool) -> None:
    problem = Synthetic((5, 4, 6), seed=2, luck=0.0)
    ranges = [(0, 4), (1, 3), (0, 5)]
    costs = measure_terms((2, 2, 2), ranges, problem).cost
    noise = measure_noise(problem.space, problem)
    rows = np.array([row for row in np.ndindex(5, 4, 6) if row[1] >= 1])
    total = costs.total(rows)
    cap = np.quantile(total, 0.8)
    excess = Terms(
        (costs.anchor - cap) / 100, costs.alone / 100, {k: v / 100 for k, v in costs.pairs.items()}
    )
    program = Program(costs, [excess] if limited else [], ranges)
    for scale in (0.3, 1.0, 3.0):
        budget = noise.budget * scale
        inside = (noise.total(rows) <= budget) & ((total <= cap) | (not limited))
        found = program.solve(noise.table, budget)
        if not inside.any():
            assert found is None
            continue
        assert found is not None
        assert noise.total(np.array([found]))[0] <= budget * (1 + 1e-6)  # the solver's tolerance
        assert problem.price(found).cost <= 1.002 * total[inside].min()  # its gap
    assert program.solve(noise.table, LEAST_NOISE) is None


def test_choices_that_can_be_nothing_are_left_out() -> None:
    problem = Synthetic((15, 15), luck=0.0)
    noise = measure_noise(problem.space, problem)
    for low, high in worthwhile(problem.space, noise, problem):
        assert 0 <= low < high < 14


# The others


def test_exhaustive_measures_everything_in_the_order_of_the_network() -> None:
    problem = run(Synthetic((2, 3, 2)), "exhaustive")
    keys: list[Combination] = problem.batches[0]
    assert keys == sorted(keys, reverse=True)
    assert len(keys) == 12


def test_evolutionary_is_deterministic_for_its_seed() -> None:
    first, second, other = (run(Synthetic(LARGE, seed=seed, limit=200), "evolutionary") for seed in (0, 0, 1))
    assert first.batches == second.batches
    assert first.batches[:3] != other.batches[:3]
    assert first.best is not None


def test_evolutionary_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(
        ConfigError, match=r"needs the library optuna; install it with pip install 'hpq_hls\["
    ):
        run(Synthetic((3, 3)), "evolutionary")
