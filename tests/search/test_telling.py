"""The line that a search shows: budget, time left and the best so far, whole on 80 columns."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

import hpq_hls as hpq
from hpq_hls.quantize import Precision
from hpq_hls.search import SearchProgress, telling
from hpq_hls.search.point import Point
from hpq_hls.search.telling import Telling, phrase
from hpq_hls.tools.console import TerminalReporter


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("TERM", "xterm")
    return Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)


def shown(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.file.getvalue())


@pytest.mark.parametrize("title", ["Searching", "Row 12 of 16"])
def test_the_line_is_whole_on_80_columns(
    screen: Console, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Iterator[float] = itertools.count(0.0, 40.0)
    monkeypatch.setattr(telling.time, "monotonic", lambda: next(clock))
    best = Point(0.9, 123_456.0, Precision(), 1000)
    with TerminalReporter(screen).step(title) as step:
        tell = Telling(step, Path("search.sqlite"))
        for done in (10, 1_100, 1_234):
            tell(SearchProgress(done, 2_000, best, 0.8875))
    line = r"1,234 of 2,000, 0:\d\d:\d\d left, best 123,456, drop -1\.25 points"
    assert re.search(rf"{title}: {line}", shown(screen))
    assert "…" not in shown(screen)


def test_it_says_how_much_is_left() -> None:
    state = SearchProgress(50, 200, None, 0.9)
    assert phrase(state, 2.5) == "50 of 200, 0:01:00 left, none feasible yet"
    assert phrase(SearchProgress(50, None, None, 0.9), 2.5) == "50, none feasible yet"


def test_every_strategy_knows_its_budget() -> None:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    x = np.random.default_rng(1).normal(size=(120, 6))
    graph = hpq.from_torch(net, torch.zeros(1, 6))
    told: list[Any] = []
    options: dict[str, Any] = {"objective": "weight_bits", "weight_bits": (2, 3, 4, 6, 8)}
    hpq.search(
        graph,
        x[:40],
        (x, graph.predict(x).argmax(1)),
        evaluations=30,
        metric="top2",
        progress=told.append,
        **options,
    )
    assert {state.expected for state in told} == {30}
    assert {state.metric for state in told} == {"top2"}
