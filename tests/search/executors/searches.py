"""A small search whose evaluations take their time, and say which process made them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.search import SearchProgress, SearchResult, search
from tests.networks import Residual

Array = np.ndarray[Any, Any]
Problem = tuple[Graph, Array, Array]
COMBINATIONS = 2**8
HALF = COMBINATIONS // 2
SLEEP_S = 0.005


def small_problem() -> Problem:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(6, 8), Residual(nn.Linear(8, 8), True), nn.Linear(8, 3)).eval()
    graph = from_torch(net, torch.zeros(2, 6))
    x = np.random.default_rng(3).normal(size=(120, 6))
    return graph, x, graph.predict(x).argmax(1)


def signing(folder: Path | None, sleep_s: float = SLEEP_S) -> Callable[[Array, Array], float]:
    """The share of right answers. It takes ``sleep_s``, and leaves a file named after its process.

    It is a function without a module, so that it is sent whole to processes that know no tests.
    """
    name = None if folder is None else str(folder)

    def metric(outputs: Array, targets: Array) -> float:
        import os
        import time

        if name is not None:
            open(os.path.join(name, str(os.getpid())), "a").close()  # noqa: PTH118, PTH123
        time.sleep(sleep_s)
        return float((outputs.argmax(1) == targets).mean())

    return metric


def searched(problem: Problem, metric: Any, **settings: Any) -> SearchResult:
    """The outcome of a search through all combinations of two widths."""
    graph, x, y = problem
    wanted: dict[str, Any] = {
        "weight_bits": (3, 6),
        "activation_bits": (4, 7),
        "max_drop": 0.05,
        "confidence": None,
        "strategy": "exhaustive",
        "metric": metric,
    }
    return search(graph, x[:40], (x, y), **(wanted | settings))


def described(found: SearchResult) -> dict[str, Any]:
    """Every figure, not rounded, in order."""
    weighted = {name: layer for name, layer in found.best.layers.items() if layer.weight_raw is not None}
    return {
        "points": [point(each) for each in found.points],
        "pareto": [point(each) for each in found.pareto],
        "best": point(found.best_point),
        "layers": {name: layer.weight_raw.tolist() for name, layer in weighted.items()},
        "rest": (found.feasible, found.evaluations, found.float_accuracy, found.minimal),
    }


def point(each: Any) -> tuple[Any, ...]:
    return each.accuracy, each.error, each.noise, each.risk, each.cost, each.precision.to_dict()


def rows(journal: Path) -> list[tuple[Any, ...]]:
    """All evaluations in a journal, but when they were made."""
    with sqlite3.connect(journal) as file:
        wanted = "search, combination, precision, accuracy, error, cost, excess, weight_bits, noise, risk"
        return file.execute(f"SELECT {wanted} FROM evaluations ORDER BY combination").fetchall()


class Acting:
    """Progress that does something, once each, when so many evaluations are done."""

    def __init__(self, actions: dict[int, Callable[[], object]]) -> None:
        self.counts: list[int] = []
        self._actions = actions

    def __call__(self, state: SearchProgress) -> None:
        self.counts.append(state.evaluations)
        for count in [count for count in self._actions if state.evaluations >= count]:
            self._actions.pop(count)()

    @property
    def left(self) -> int:
        """Actions that were not asked for."""
        return len(self._actions)


def processes(folder: Path) -> set[int]:
    """Those that signed, but for this one."""
    return {int(path.name) for path in folder.iterdir()} - {os.getpid()}
