"""Several searches at once find what each finds alone, and measure each accuracy once."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import ConfigError
from hpq_hls.search import SearchResult
from hpq_hls.search.confirmation import split_rows
from hpq_hls.search.evaluation import Worker
from hpq_hls.search.metric import Kind

PARTS = ("xc7z020clg400-1", "xcku5p-ffvb676-2-e")
OPTIONS: dict[str, Any] = {"weight_bits": (3, 5, 8), "activation_bits": (5, 8), "evaluations": 40}


@pytest.fixture(scope="module")
def problem() -> tuple[Any, np.ndarray, np.ndarray]:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4)).eval()
    graph = hpq.from_torch(net, torch.zeros(2, 8))
    x = np.random.default_rng(3).normal(size=(420, 8))
    return graph, x, graph.predict(x).argmax(1)


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Combinations as they are simulated."""
    seen: list[Any] = []
    measure = Worker.measure
    monkeypatch.setattr(Worker, "measure", lambda self, key: (seen.append(key), measure(self, key))[1])
    return seen


def explored(problem: Any, **settings: Any) -> Any:
    graph, x, y = problem
    return hpq.explore(graph, x[:100], (x[100:], y[100:]), **OPTIONS, **settings)


def course(found: SearchResult) -> list[Any]:
    """All that a search measured, and what it made of it."""
    points = [(p.precision.to_dict(), p.accuracy, p.error, p.noise, p.risk, p.cost) for p in found.points]
    chosen = [found.best_point.precision.to_dict(), found.certified, found.drop_bound, found.target_interval]
    return [*points, *chosen]


def test_each_variant_is_what_a_search_of_its_own_finds(problem: Any, simulated: list[Any]) -> None:
    graph, x, y = problem
    drops = (0.3, 0.01)  # of the larger one, samples are held back; for the smaller one they are too few
    found = explored(problem, parts=PARTS, max_drops=drops)
    together, measured = len(simulated), found.measured
    assert [(v.part, v.max_drop) for v in found.variants] == [(p, d) for p in PARTS for d in drops]
    simulated.clear()
    for variant in found.variants:
        alone = hpq.search(
            graph,
            x[:100],
            (x[100:], y[100:]),
            objective=variant.objective,
            part=variant.part,
            max_drop=variant.max_drop,
            **OPTIONS,
        )
        assert course(variant.search) == course(alone)
        assert variant.report.part == variant.part
    held = [len(split_rows(320, Kind.SHARE, drop, 0.9).held) for drop in drops]
    assert held[0] > 0 == held[1]  # or what drops share would not have been tried
    assert together == measured == len({str(v) for v in _precisions(found)})  # each once
    assert len(simulated) == found.evaluations > 2 * together


def _precisions(found: Any) -> list[Any]:
    return [point.precision.to_dict() for variant in found.variants for point in variant.search.points]


def test_a_journal_is_gone_on_with(problem: Any, simulated: list[Any], tmp_path: Path) -> None:
    journal = tmp_path / "s.sqlite"
    first = explored(problem, objectives=["lut", "dsp"], journal=journal)
    assert simulated
    assert first.measured == len(simulated)
    simulated.clear()
    more = explored(problem, objectives=["lut", "dsp", "bops"], clocks_ns=[5.0, 4.0], journal=journal)
    known = {str(precision) for precision in _precisions(first)}
    assert len(simulated) == len({str(precision) for precision in _precisions(more)} - known)
    same = [v for v in more.variants if v.clock_ns == 5.0 and v.objective != "bops"]
    assert [course(v.search) for v in same] == [course(v.search) for v in first.variants]


def test_other_data_shares_nothing(problem: Any, tmp_path: Path) -> None:
    graph, x, y = problem
    journal = tmp_path / "s.sqlite"
    explored(problem, journal=journal)
    for changed in ({"calibration": x[:99]}, {"x": x[100:] * 1.001}, {"weight_bits": (3, 5, 7)}):
        options = OPTIONS | {key: value for key, value in changed.items() if key == "weight_bits"}
        other = hpq.search(
            graph,
            changed.get("calibration", x[:100]),
            (changed.get("x", x[100:]), y[100:]),
            objective="dsp",
            journal=journal,
            resume=True,
            **options,
        )
        assert (other.resumed, other.shared) == (0, 0)
    views = "SELECT COUNT(DISTINCT view) FROM readings"
    with sqlite3.connect(journal) as reader:
        assert reader.execute(views).fetchone() == (4,)


def test_the_table_has_a_row_for_each(problem: Any, tmp_path: Path) -> None:
    found = explored(problem, objectives=["lut", {"lut": 1, "bram": 200}], clocks_ns=(5, 4), max_drops=0.05)
    path = found.to_csv(tmp_path / "all.csv")
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["objective"], row["clock_ns"]) for row in rows] == [
        ("lut", "5"), ("lut", "4"), ("lut + 200 bram", "5"), ("lut + 200 bram", "4"),
    ]  # fmt: skip
    for row, variant in zip(rows, found.variants, strict=True):
        assert int(row["lut"]) == variant.report.lut
        assert float(row["accuracy"]) == variant.search.best_point.accuracy
        widths = variant.search.best_point.precision.to_dict()["layers"]
        assert all(
            row[f"{layer}.{part}"] == str(width)
            for layer, own in widths.items()
            for part, width in own.items()
        )
    assert repr(found).startswith("<Exploration variants: 4")
    assert found._repr_html_().count("<tr>") == 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"objectives": []}, "objectives is empty; give one or more"),
        ({"objective": "lut"}, "explore takes objectives, one or more, instead of objective"),
        ({"parts": "xc7z999"}, "xc7z999"),
        ({"max_drops": [0.01, -1]}, "max_drop"),
        ({"resume": True}, "explore takes no resume"),
    ],
)
def test_mistakes_are_told(problem: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        explored(problem, **given)
