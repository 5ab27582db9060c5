"""Search strategies find what enumeration finds, and report only what was measured."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.quantize import quantize
from hpq_hls.search import SearchProgress, search
from hpq_hls.search.result import pareto_front


@pytest.fixture(scope="module")
def problem() -> tuple[Graph, np.ndarray, np.ndarray]:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(8, 10), nn.ReLU(), nn.Linear(10, 4)).eval()
    graph = from_torch(net, torch.zeros(2, 8))
    x = np.random.default_rng(1).normal(size=(300, 8))
    return graph, x, graph.predict(x).argmax(1)


def test_exhaustive_is_complete_and_exact(problem: tuple[Graph, np.ndarray, np.ndarray]) -> None:
    graph, x, y = problem
    seen: list[SearchProgress] = []
    result = search(
        graph, x[:50], (x, y), max_drop=0.05, confidence=None, objective="weight_bits", weight_bits=(2, 4, 8),
        activation_bits=(4, 8), progress=seen.append, strategy="auto",
    )  # fmt: skip
    assert result.strategy == "exhaustive"
    assert result.evaluations == 3 * 2 * 3 * 2 * 2 == len(result.points)
    assert result.float_accuracy == 1.0
    assert seen[-1].evaluations == result.evaluations == seen[-1].expected
    for point in result.points[::7]:
        q = quantize(graph, x[:50], point.precision)
        assert (q.predict(x).argmax(1) == y).mean() == point.accuracy
        assert q.weight_bits == point.cost == point.weight_bits
    feasible = [p for p in result.points if p.accuracy >= 0.95]
    assert result.feasible
    assert result.best_point.cost == min(p.cost for p in feasible)
    assert result.best.weight_bits == result.best_point.cost
    for a, b in itertools.pairwise(result.pareto):
        assert a.cost < b.cost
        assert a.accuracy < b.accuracy
    for point in result.points:
        assert any(p.cost <= point.cost and p.accuracy >= point.accuracy for p in result.pareto)


@pytest.mark.parametrize("objective", ["lut", "weight_bits", "bops"])
def test_greedy_ends_where_no_step_down_is_feasible(
    problem: tuple[Graph, np.ndarray, np.ndarray], objective: str
) -> None:
    graph, x, y = problem
    greedy, again = (
        search(graph, x[:50], (x, y), max_drop=0.03, confidence=None, objective=objective, strategy="greedy")
        for _ in range(2)
    )
    assert greedy.best_point.precision == again.best_point.precision
    assert greedy.best_point.accuracy >= greedy.float_accuracy - 0.03
    uniform = [quantize(graph, x[:50], w) for w in (2, 3, 4, 6, 8)]
    good = [q.weight_bits for q in uniform if (q.predict(x).argmax(1) == y).mean() >= 0.97]
    if objective == "weight_bits":
        assert greedy.best_point.cost <= min(good)


def test_infeasible_is_said(problem: tuple[Graph, np.ndarray, np.ndarray]) -> None:
    graph, x, y = problem
    result = search(
        graph, x[:50], (x, y), max_drop=0.0, objective="bops", weight_bits=[2], activation_bits=[2]
    )
    assert not result.feasible
    assert result.best_point.accuracy == max(p.accuracy for p in result.points)


def test_regression_metric(problem: tuple[Graph, np.ndarray, np.ndarray]) -> None:
    graph, x, _ = problem
    result = search(
        graph, x[:50], (x, graph.predict(x)), max_drop=0.01, objective="weight_bits", metric="mse",
        weight_bits=[4, 8], activation_bits=[8, 12],
    )  # fmt: skip
    assert result.float_accuracy == 0.0
    assert result.best_point.accuracy >= -0.01


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"objective": "luts"}, ConfigError, "objective is 'luts'; did you mean 'lut'"),
        ({"strategy": "magic"}, ConfigError, "no strategy 'magic'"),
        ({"metric": "f1"}, ConfigError, "metric is 'f1'; choose one of"),
        ({"max_drop": 2.0}, ConfigError, "max_drop is 2.0"),
        ({"weight_bits": []}, ConfigError, "weight_bits is empty"),
        ({"activation_bits": [40]}, ConfigError, "activation_bits holds 40"),
    ],
)
def test_bad_settings(
    problem: tuple[Graph, np.ndarray, np.ndarray], settings: dict, error: type[Exception], message: str
) -> None:
    graph, x, y = problem
    with pytest.raises(error, match=message):
        search(graph, x, (x, y), **settings)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(3), "has 300 samples"),
        (np.full(300, 9), "class numbers from 0 to 3"),
        (np.full(300, np.nan), "finite"),
        (np.zeros((300, 4)), "class numbers of shape"),
        (np.array(["a"] * 300), "finite numbers"),
    ],
)
def test_bad_labels(problem: tuple[Graph, np.ndarray, np.ndarray], y: np.ndarray, message: str) -> None:
    graph, x, _ = problem
    with pytest.raises(DataError, match=message):
        search(graph, x, (x, y))


def test_pareto_front_of_ties() -> None:
    assert pareto_front([]) == ()


def test_validation_needs_labels(problem: tuple[Graph, np.ndarray, np.ndarray]) -> None:
    graph, x, _ = problem
    with pytest.raises(DataError, match=r"a pair \(x, y\)"):
        search(graph, x, (x,))  # type: ignore[arg-type]
