"""Evaluations in a file: exact, apart from those of other searches, and safe whatever ends the process."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.errors import ConfigError, HpqError, OutputError
from hpq_hls.frontends import from_torch
from hpq_hls.quantize import QuantizerOptions
from hpq_hls.search import SearchProgress, SearchResult, search
from hpq_hls.search.fingerprint import fingerprint
from hpq_hls.search.journal import SqliteJournal
from hpq_hls.search.measurement import Measurement, Price
from hpq_hls.search.space import Part, Site, Space, Variable

SPACE = Space(
    (
        Variable((Site("conv1", Part.WEIGHT),), (2, 4, 8)),
        Variable((Site("conv1", Part.ACTIVATION),), (3, 6)),
    )
)
ODD = Measurement(0.1 + 0.2, 5e-324, 1 / 3, -2 / 7, Price(1e308 / 3, 2**53 + 1, (1 / 7, -0.1, -1e-300)))
PLAIN = Measurement(1.0, 0.0, 0.0, 0.0, Price(12.0, 12))


def opened(path: Path, mark: str = "a", *, resume: bool = True) -> SqliteJournal:
    return SqliteJournal(path, mark, SPACE, {"network": "n"}, resume=resume)


def test_everything_comes_back_exactly(tmp_path: Path) -> None:
    kept = {(0, 1): ODD, (2, 0): PLAIN}
    with opened(tmp_path / "new" / "s.sqlite") as journal:
        assert (journal.held, journal.known()) == (0, {})
        journal.add({(0, 1): ODD})
        journal.add({(2, 0): PLAIN})
    with opened(tmp_path / "new" / "s.sqlite") as journal:
        assert journal.known() == kept
        assert journal.held == 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["s.sqlite"]


def test_a_search_that_is_started_over_knows_nothing_and_destroys_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as journal:
        journal.add({(0, 1): ODD, (2, 0): PLAIN})
    with opened(tmp_path / "s", resume=False) as journal:
        assert (journal.held, journal.known()) == (2, {})
        journal.add({(0, 1): ODD})
    with opened(tmp_path / "s") as journal:
        assert journal.known() == {(0, 1): ODD, (2, 0): PLAIN}


def test_other_searches_in_the_file_do_not_mix(tmp_path: Path) -> None:
    for mark, found in (("a", ODD), ("b", PLAIN)):
        with opened(tmp_path / "s", mark) as journal:
            assert journal.held == 0
            journal.add({(0, 0): found})
    for mark, found in (("a", ODD), ("b", PLAIN)):
        with opened(tmp_path / "s", mark) as journal:
            assert journal.known() == {(0, 0): found}


def test_people_can_read_it_while_the_search_runs(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as journal:
        journal.add({(0, 1): PLAIN})
        with sqlite3.connect(tmp_path / "s") as reader:
            reader.row_factory = sqlite3.Row
            (row,) = reader.execute("SELECT * FROM evaluations")
            assert json.loads(row["precision"])["layers"] == {"conv1": {"weight": 2, "activation": 6}}
            assert (row["combination"], row["accuracy"], row["cost"], row["weight_bits"]) == (
                "0 1",
                1,
                12,
                12,
            )
            assert row["finished"].endswith("+00:00")
            (about,) = reader.execute("SELECT about FROM searches").fetchone()
            assert json.loads(about) == {"network": "n"}
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM evaluations").fetchall()
            journal.add({(1, 1): ODD})  # a reader is in nobody's way


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["accuracy", "error", "cost", "slack"])
def test_what_is_no_number_is_refused(tmp_path: Path, field: str, value: float) -> None:
    numbers = {"accuracy": 1.0, "error": 0.0, "cost": 1.0, "slack": -0.5, field: value}
    price = Price(numbers["cost"], 1, (0.5, numbers["slack"]))
    found = Measurement(numbers["accuracy"], numbers["error"], 0.0, 0.0, price)
    with opened(tmp_path / "s") as journal:
        with pytest.raises(OutputError, match="not all finite and cannot be kept; correct the metric"):
            journal.add({(0, 0): PLAIN, (0, 1): found})
        assert journal.known() == {}


def test_a_file_of_an_earlier_version_is_written_on_and_its_evaluations_stay(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s") as earlier:
        earlier.executescript("""
            PRAGMA application_id = 0x68707131;
            CREATE TABLE searches (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE,
                started TEXT NOT NULL, about TEXT NOT NULL);
            CREATE TABLE evaluations (search INTEGER NOT NULL REFERENCES searches (id),
                combination TEXT NOT NULL, precision TEXT NOT NULL, accuracy REAL NOT NULL,
                error REAL NOT NULL, cost REAL NOT NULL, excess REAL NOT NULL, weight_bits INTEGER NOT NULL,
                finished TEXT NOT NULL, PRIMARY KEY (search, combination)) WITHOUT ROWID;
            INSERT INTO searches VALUES (1, 'earlier', '2026', '{}');
            INSERT INTO evaluations VALUES (1, '0 1', '{}', 0.5, 0.1, 7.0, 0.25, 9, '2026');
        """)
    with opened(tmp_path / "s") as journal:
        assert (journal.held, journal.known()) == (0, {})
        journal.add({(0, 1): ODD})
    with opened(tmp_path / "s") as journal:
        assert journal.known() == {(0, 1): ODD}
    with sqlite3.connect(tmp_path / "s") as reader:
        assert reader.execute("SELECT cost, excess FROM evaluations ORDER BY search").fetchall() == [
            (7.0, 0.25),
            (ODD.price.cost, ODD.price.excess),
        ]


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database\n" * 1000)
    with pytest.raises(OutputError, match="text is no journal of a search"):
        opened(tmp_path / "text")
    assert (tmp_path / "text").read_text() == "no database\n" * 1000
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE evaluations (mine)")
    with pytest.raises(OutputError, match="other belongs to another program"):
        opened(tmp_path / "other")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"journal .*folder cannot be written"):
        opened(tmp_path / "folder")
    with pytest.raises(OutputError, match=r"journal .*inside cannot be written"):
        opened(tmp_path / "text" / "inside")
    assert not list(tmp_path.glob(".*lock"))


def test_a_file_that_was_only_begun_is_used(tmp_path: Path) -> None:
    (tmp_path / "s").touch()
    with opened(tmp_path / "s") as journal:
        journal.add({(0, 0): PLAIN})


def test_a_damaged_file_is_said_to_be_one(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as journal:
        journal.add({(0, 0): ODD})
    data = bytearray((tmp_path / "s").read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    (tmp_path / "s").write_bytes(data)
    with pytest.raises(OutputError, match="no journal of a search"), opened(tmp_path / "s") as journal:
        journal.known()


def test_one_search_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as journal:
        for mark in ("a", "b"):
            with pytest.raises(OutputError, match=r"another search is writing to .*s; wait for its end"):
                opened(tmp_path / "s", mark)
        journal.add({(0, 0): PLAIN})
    with opened(tmp_path / "s") as journal:
        assert journal.held == 1


HOLDER = """
import sys, time
from hpq_hls.search.journal import SqliteJournal
from hpq_hls.search.measurement import Measurement, Price
from hpq_hls.search.space import Space
journal = SqliteJournal(sys.argv[1], "a", Space(()), {}, resume=True)
journal.add({(): Measurement(0.5, 0.25, 0.125, 0.0, Price(3.0, 4))})
print("held", flush=True)
time.sleep(60)
"""


def test_a_killed_search_leaves_no_lock_and_all_its_evaluations(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(OutputError, match="another search is writing"):
            opened(tmp_path / "s")
        process.send_signal(signal.SIGKILL)
    with SqliteJournal(tmp_path / "s", "a", Space(()), {}, resume=True) as journal:
        assert journal.known() == {(): Measurement(0.5, 0.25, 0.125, 0.0, Price(3.0, 4))}


# Fingerprints


def test_fingerprints_are_equal_for_equal_content_only() -> None:
    base = {"x": np.arange(6.0).reshape(2, 3), "space": SPACE, "n": (1, 2), "f": {"b": 1, "a": None}}
    same = {"f": {"a": None, "b": 1}, "n": [1, 2], "space": Space(SPACE.variables), "x": base["x"].copy("F")}
    assert fingerprint(base) == fingerprint(same)
    others: list[dict[str, Any]] = [
        {**base, "x": base["x"].reshape(3, 2)},
        {**base, "x": base["x"].astype(np.float32)},
        {**base, "x": np.nextafter(base["x"], 9)},
        {**base, "n": (1, 2, 0)},
        {**base, "n": ("1", "2")},
        {**base, "n": 12},
        {**base, "space": Space(SPACE.variables[:1])},
        {**base, "f": {"b": 1, "a": 0}},
        {**base, "f": {"b": True, "a": None}},
        {**base, "f": QuantizerOptions()},
    ]
    assert len({fingerprint(each) for each in (base, *others)}) == 1 + len(others)


def test_functions_are_told_apart_by_their_source() -> None:
    def first(_a: Any, _b: Any) -> float:
        return 1.0

    def second(_a: Any, _b: Any) -> float:
        return 2.0

    assert fingerprint({"f": first}) != fingerprint({"f": second})
    with pytest.raises(TypeError, match="has no fingerprint"):
        fingerprint({"f": object()})


# Searches

SETTINGS: dict[str, Any] = {
    "max_drop": 0.05,
    "objective": "weight_bits",
    "strategy": "exhaustive",
    "weight_bits": (3, 6),
    "activation_bits": (4, 7),
}


@pytest.fixture(scope="module")
def problem() -> tuple[Any, np.ndarray, np.ndarray]:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(8, 10), nn.ReLU(), nn.Linear(10, 4)).eval()
    graph = from_torch(net, torch.zeros(2, 8))
    x = np.random.default_rng(1).normal(size=(120, 8))
    return graph, x, graph.predict(x).argmax(1)


def run(problem: tuple[Any, np.ndarray, np.ndarray], **settings: Any) -> SearchResult:
    graph, x, y = problem
    given = SETTINGS | settings
    return search(graph, given.pop("calibration", x[:50]), (given.pop("x", x), given.pop("y", y)), **given)


def test_a_search_resumes_and_measures_nothing_again(problem: Any, tmp_path: Path) -> None:
    seen: list[SearchProgress] = []
    first = run(problem, journal=tmp_path / "s", progress=seen.append)
    assert (first.resumed, seen[0].unused) == (0, 0)
    again = run(problem, journal=tmp_path / "s", progress=seen.append)
    assert (again.resumed, seen[-1].unused) == (0, first.evaluations)
    resumed = run(problem, journal=tmp_path / "s", resume=True, progress=seen.append)
    assert resumed.resumed == resumed.evaluations == first.evaluations
    assert seen[-1].unused == 0
    points = [(p.accuracy, p.cost, p.error, p.excess, p.precision.to_dict()) for p in first.points]
    for other in (again, resumed):
        assert [
            (p.accuracy, p.cost, p.error, p.excess, p.precision.to_dict()) for p in other.points
        ] == points


def test_what_does_not_decide_a_measurement_may_change(problem: Any, tmp_path: Path) -> None:
    first = run(problem, journal=tmp_path / "s")
    for change in ({"max_drop": 0.5}, {"strategy": "greedy"}, {"seed": 3}, {"n_jobs": 1, "memory_mib": 0.0}):
        resumed = run(problem, journal=tmp_path / "s", resume=True, **change)
        assert resumed.resumed == resumed.evaluations <= first.evaluations


def test_what_decides_a_measurement_keeps_searches_apart(problem: Any, tmp_path: Path) -> None:
    _, x, y = problem
    run(problem, journal=tmp_path / "s")
    other = y.copy()
    other[7] = (other[7] + 1) % 4
    changes: list[dict[str, Any]] = [
        {"objective": "bops"},
        {"limits": {"weight_bits": 500}},
        {"weight_bits": (3, 7)},
        {"rounding": ["AP_TRN", "AP_RND"]},
        {"metric": "top2"},
        {"y": other},
        {"x": x * 1.001},
        {"calibration": x[:51]},
        {"quantizer": QuantizerOptions(bias_correction=False)},
        {"objective": "lut"},
        {"objective": "lut", "clock_ns": 4.0},
    ]
    for change in changes:
        assert run(problem, journal=tmp_path / "s", resume=True, **change).resumed == 0, change
    net = nn.Sequential(nn.Linear(8, 10), nn.ReLU(), nn.Linear(10, 4)).eval()
    another = (from_torch(net, torch.zeros(2, 8)), x, y)
    assert run(another, journal=tmp_path / "s", resume=True).resumed == 0
    with sqlite3.connect(tmp_path / "s") as reader:
        assert reader.execute("SELECT COUNT(*) FROM searches").fetchone() == (len(changes) + 2,)


def test_an_evaluation_is_in_the_file_before_the_next_is_made(problem: Any, tmp_path: Path) -> None:
    counts: list[int] = []

    def count(state: SearchProgress) -> None:
        with sqlite3.connect(tmp_path / "s") as reader:
            counts.append(reader.execute("SELECT COUNT(*) FROM evaluations").fetchone()[0])

    found = run(problem, journal=tmp_path / "s", progress=count)
    assert counts == list(range(1, found.evaluations + 1))


def test_uniform_widths_are_kept_too(problem: Any, tmp_path: Path) -> None:
    widths = {"weight_bits": (3, 4, 6), "activation_bits": (3, 6, 7), "strategy": "greedy"}
    first = run(problem, journal=tmp_path / "s", uniform=True, **widths)
    chosen = [point.precision.to_dict()["layers"]["0"] for point in first.uniform]
    assert chosen == [{"weight": 6, "activation": 6}, {"weight": 3, "activation": 3}]
    with sqlite3.connect(tmp_path / "s") as reader:
        before = reader.execute("SELECT * FROM evaluations").fetchall()
    assert len(before) > first.evaluations  # the search itself did not go there
    again = run(problem, journal=tmp_path / "s", resume=True, uniform=True, **widths)
    with sqlite3.connect(tmp_path / "s") as reader:
        assert reader.execute("SELECT * FROM evaluations").fetchall() == before
    assert [point.accuracy for point in again.uniform] == [point.accuracy for point in first.uniform]


def test_resume_needs_a_journal(problem: Any) -> None:
    with pytest.raises(ConfigError, match="resume needs the journal"):
        run(problem, resume=True)


def test_a_metric_that_fails_ends_the_search(problem: Any, tmp_path: Path) -> None:
    with pytest.raises(HpqError, match="nan"):
        run(problem, journal=tmp_path / "s", metric=lambda _outputs, _y: math.nan)
