"""The default strategy on real networks: what it claims is checked by hand, through ``hpq_hls.quantize``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.cost import Ledger
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.hardware import HardwareConfig
from hpq_hls.quantize import Quantizer, quantize
from hpq_hls.search import SearchResult, search
from hpq_hls.search.point import Point
from hpq_hls.search.space import Space, space_of
from hpq_hls.search.strategies import STRATEGIES

Array = np.ndarray[Any, Any]
Problem = tuple[Graph, Array, Array]
WIDTHS = {"weight_bits": tuple(range(2, 9)), "activation_bits": tuple(range(2, 9))}
DROP = 0.03
FEW: dict[str, Any] = {"weight_bits": (2, 3, 4, 6), "activation_bits": (2, 3, 4, 6), "max_drop": 0.08}

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def problem() -> Problem:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 4)).eval()
    graph = from_torch(net, torch.zeros(2, 8))
    x = np.random.default_rng(3).normal(size=(400, 8))
    return graph, x, graph.predict(x).argmax(1)


def searched(problem: Problem, **settings: Any) -> SearchResult:
    """What is compared here is counted and read on all samples."""
    graph, x, y = problem
    usual = {**WIDTHS, "max_drop": DROP, "evaluations": 250, "confidence": None}
    return search(graph, x[:50], (x, y), **(usual | settings))


def keeps(point: Point, of: SearchResult, drop: float) -> bool:
    """Whether a point is within a drop, as it is counted and by its risk."""
    return point.accuracy >= of.float_accuracy - drop - 1e-9 and point.risk <= drop


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
        assert not keeps(point, found, DROP) or point.cost > found.best_point.cost


def test_few_evaluations_find_what_all_find(problem: Problem) -> None:
    every = searched(problem, objective="bops", strategy="exhaustive", evaluations=None, **FEW)
    found = searched(problem, objective="bops", evaluations=100, **FEW)
    assert every.evaluations == 1024
    assert every.feasible and found.feasible
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
    """Against everything there is: limits that bind at the optimum without them, one that nothing meets."""
    fixed = {
        **FEW,
        "objective": "weight_bits",
        "hardware": HardwareConfig(target_interval=48),
    }
    every = searched(problem, strategy="exhaustive", evaluations=None, **fixed)
    quantizer, ledger = Quantizer(problem[0], problem[1][:50]), Ledger(fixed["hardware"], "xc7z020")
    luts = {
        point: ledger.resources(quantizer.quantize(point.precision)).lut
        for point in every.points
        if keeps(point, every, FEW["max_drop"])
    }
    best = next(point for point in luts if point.precision == every.best_point.precision)
    least = min(luts.values())
    assert luts[best] > least
    for limit in (luts[best] - 1, least, least - 1):
        inside = [point.cost for point, lut in luts.items() if lut <= limit]
        bound = searched(problem, limits={"lut": limit}, evaluations=200, **fixed)
        assert bound.feasible == bool(inside)
        if inside:
            (check,) = bound.limits
            assert check.value <= limit < luts[best]
            assert min(inside) <= bound.best_point.cost <= 1.05 * min(inside)


def test_a_limit_that_does_not_bind_changes_nothing(problem: Problem) -> None:
    """The widest combination exceeds it, as it does most parts; the best one does not."""
    free = searched(problem, objective="bops")
    limit = free.best_point.weight_bits + 8
    bound = searched(problem, objective="bops", limits={"weight_bits": limit})
    assert max(point.weight_bits for point in bound.points) > limit
    assert bound.best_point.cost <= free.best_point.cost


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
    assert all(point.accuracy < found.float_accuracy for point in found.points)
