"""The default strategy on real networks: what it claims is checked by hand, through ``hpq_hls.quantize``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.quantize import Quantizer, quantize
from hpq_hls.search import SearchResult, search
from hpq_hls.search.space import Space, space_of
from hpq_hls.search.strategies import STRATEGIES

Array = np.ndarray[Any, Any]
Problem = tuple[Graph, Array, Array]
WIDTHS = {"weight_bits": tuple(range(2, 9)), "activation_bits": tuple(range(2, 9))}
DROP = 0.03

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def problem() -> Problem:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 4)).eval()
    graph = from_torch(net, torch.zeros(2, 8))
    x = np.random.default_rng(3).normal(size=(400, 8))
    return graph, x, graph.predict(x).argmax(1)


def searched(problem: Problem, **settings: Any) -> SearchResult:
    graph, x, y = problem
    return search(graph, x[:50], (x, y), **(WIDTHS | {"max_drop": DROP, "evaluations": 250} | settings))


def space_here(problem: Problem) -> Space:
    return space_of(Quantizer(problem[0], problem[1][:50]).graph, **WIDTHS)


@pytest.mark.parametrize("objective", ["weight_bits", "bops"])
def test_the_certificate_is_true(problem: Problem, objective: str) -> None:
    found = searched(problem, objective=objective)
    graph, x, y = problem
    assert found.strategy == "sensitivity"  # the default
    assert found.feasible and found.minimal
    assert found.evaluations <= 250
    assert (quantize(graph, x[:50], found.best_point.precision).predict(x).argmax(1) == y).mean() >= 1 - DROP
    space = space_here(problem)
    best = next(key for key in space.all() if space.precision(key) == found.best_point.precision)
    steps = list(space.steps_down(best))
    assert [space.precision(key) for key in steps] == [point.precision for point in found.steps_down]
    for point in found.steps_down:
        q = quantize(graph, x[:50], point.precision)
        assert (q.predict(x).argmax(1) == y).mean() == point.accuracy
        assert point.accuracy < 1 - DROP - 1e-9 or point.cost > found.best_point.cost


def test_few_evaluations_find_what_all_find(problem: Problem) -> None:
    widths = {"weight_bits": (2, 3, 4, 6), "activation_bits": (2, 3, 4, 6)}
    every = searched(problem, objective="bops", strategy="exhaustive", evaluations=None, **widths)
    found = searched(problem, objective="bops", evaluations=100, **widths)
    assert every.evaluations == 1024
    assert found.best_point.cost <= 1.02 * every.best_point.cost


@pytest.mark.parametrize("strategy", ["sensitivity", "evolutionary"])
def test_two_jobs_find_what_one_finds(problem: Problem, strategy: str) -> None:
    one, two = (
        searched(problem, objective="lut", strategy=strategy, evaluations=120, n_jobs=n) for n in (1, 2)
    )
    assert [p.precision for p in one.points] == [p.precision for p in two.points]
    assert [p.accuracy for p in one.points] == [p.accuracy for p in two.points]
    assert one.best_point.precision == two.best_point.precision


def test_limits_are_kept(problem: Problem) -> None:
    free = searched(problem, objective="bops")
    bound = searched(problem, objective="bops", limits={"weight_bits": free.best_point.weight_bits - 1})
    assert free.feasible
    assert bound.best_point.weight_bits < free.best_point.weight_bits
    if bound.feasible:
        assert bound.best_point.cost >= free.best_point.cost
    none = searched(problem, objective="bops", limits={"weight_bits": 1}, evaluations=60)
    assert not none.feasible


def test_its_own_budget_is_a_twentieth_at_most(problem: Problem) -> None:
    space = space_here(problem)
    assert space.size == 16_807
    assert STRATEGIES["sensitivity"].evaluations(space) == 500
    found = searched(problem, objective="weight_bits", evaluations=None)
    assert found.evaluations <= 0.05 * space.size
    assert found.minimal


def test_nothing_is_accurate_enough(problem: Problem) -> None:
    found = searched(
        problem, objective="bops", max_drop=0.0, weight_bits=(1, 2, 3), activation_bits=(2, 3, 4)
    )
    assert not found.feasible
    assert not found.minimal
    assert found.best_point.accuracy == max(point.accuracy for point in found.points)
