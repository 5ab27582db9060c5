"""Models of prices: one set of prices for all figures, pairs from the graph, limits as linear rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from hpq_hls.search.measurement import Price
from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.program import Program
from hpq_hls.search.strategies.terms import measure_terms
from tests.search.synthetic import Synthetic

HEIGHT, COUNT = 5, 6
RANGES = [(0, HEIGHT - 1)] * COUNT
ROWS = np.array(list(itertools.product(range(HEIGHT), repeat=COUNT)))
TOP = (HEIGHT - 1,) * COUNT

Figure = Callable[[np.ndarray], np.ndarray]


def products(rows: np.ndarray) -> np.ndarray:
    """What neighbours make of each other, the more the wider."""
    return ((rows[:, :-1] + 2) * (rows[:, 1:] + 2)).sum(axis=1)


class Priced:
    """Costs and figures of combinations as given; slacks to the bounds."""

    def __init__(self, cost: Figure, *bounds: tuple[Figure, float]) -> None:
        self._cost, self._bounds = cost, bounds
        self.asked: list[Combination] = []

    def prices(self, combinations: Iterable[Combination]) -> list[Price]:
        wanted = list(combinations)
        self.asked += wanted
        rows = np.array(wanted)
        slacks = [figure(rows) / most - 1 for figure, most in self._bounds]
        return [
            Price(float(cost), 0, tuple(map(float, each)))
            for cost, *each in zip(self._cost(rows), *slacks, strict=True)
        ]

    def interactions(self) -> tuple[tuple[int, int], ...]:
        return tuple(itertools.pairwise(range(COUNT)))


@pytest.mark.parametrize("most", [1e9, 200.0, 60.0])
def test_a_limit_that_the_widest_exceeds_costs_no_more_prices(most: float) -> None:
    """Clipped at 0, an excess made every pair interact as soon as the widest combination had one."""
    free = Priced(products)
    measure_terms(TOP, RANGES, free)  # type: ignore[arg-type]
    bound = Priced(products, (products, most))
    terms = measure_terms(TOP, RANGES, bound)  # type: ignore[arg-type]
    assert bound.asked == free.asked
    assert set(terms.cost.pairs) == set(bound.interactions())
    assert len(terms.limits) == (products(np.array([TOP]))[0] > most)
    for limit in terms.limits:
        assert set(limit.pairs) == set(bound.interactions())
        np.testing.assert_allclose(limit.total(ROWS), products(ROWS) / most - 1, atol=1e-9)  # sums of floats
        np.testing.assert_allclose(terms.excess(ROWS), np.maximum(products(ROWS) / most - 1, 0), atol=1e-9)
    np.testing.assert_allclose(terms.cost.total(ROWS), products(ROWS))


def test_each_figure_has_its_own_pairs() -> None:
    """A pair that interacts in one figure only is in the terms of that figure only."""
    terms = measure_terms(
        TOP,
        RANGES,
        Priced(lambda rows: rows.sum(axis=1), (products, 50.0)),  # type: ignore[arg-type]
    )
    assert terms.cost.pairs == {}
    assert len(terms.limits[0].pairs) == COUNT - 1


def test_prices_grow_with_the_pairs_that_the_graph_has() -> None:
    priced = Priced(products)
    measure_terms(TOP, RANGES, priced)  # type: ignore[arg-type]
    assert len(set(priced.asked)) <= 1 + COUNT * HEIGHT + (COUNT - 1) * HEIGHT**2
    none = Priced(lambda rows: rows.sum(axis=1))
    measure_terms(TOP, RANGES, none)  # type: ignore[arg-type]
    assert len(set(none.asked)) <= 1 + COUNT * HEIGHT + 4 * (COUNT - 1)


@pytest.mark.parametrize("most", [45.0, 65.0, 75.0])
def test_limits_that_bind_at_narrow_widths_only(most: float) -> None:
    """LUTs may grow where widths shrink, as multipliers leave the DSP blocks: two bounds, one each way."""

    def soft(rows: np.ndarray) -> np.ndarray:
        return products(HEIGHT - 1 - rows)

    def cost(rows: np.ndarray) -> np.ndarray:
        return (rows * [3, 1, 2, 5, 1, 4]).sum(axis=1) + 0.1 * products(rows)

    priced = Priced(cost, (soft, most), (products, 150.0))
    terms = measure_terms(TOP, RANGES, priced)  # type: ignore[arg-type]
    assert len(terms.limits) == 2
    noise = np.tile(0.25 ** np.arange(HEIGHT), (COUNT, 1))
    total = noise[np.arange(COUNT), ROWS].sum(axis=1)
    fits = (soft(ROWS) <= most) & (products(ROWS) <= 150)
    found = Program(terms.cost, terms.limits, RANGES).solve(noise, 2.0)
    inside = fits & (total <= 2.0)
    assert (found is None) == (not inside.any())
    if found is not None:
        row = np.array([found])
        assert soft(row)[0] <= most and products(row)[0] <= 150
        assert cost(row)[0] <= 1.002 * cost(ROWS)[inside].min() + 1e-9  # the program's gap
    free = Program(terms.cost, (), RANGES).solve(noise, 2.0)
    assert free is not None and not fits[np.flatnonzero((free == ROWS).all(axis=1))[0]]


def test_a_search_within_a_limit_that_does_not_bind_is_the_same_search() -> None:
    def run(most: float) -> Synthetic:
        from tests.search.test_strategies import SMALL
        from tests.search.test_strategies import run as searched

        return searched(Synthetic(SMALL, seed=1, luck=0.0, most=most, limit=500))

    free = run(np.inf)
    assert free.best is not None
    best = free.points[free.best].cost
    widest = free.price(free.space.widest).cost
    bound = run((best + widest) / 2)
    assert bound.best is not None
    assert bound.points[bound.best].cost == best
    assert len(bound.priced) <= 1.5 * len(free.priced)
