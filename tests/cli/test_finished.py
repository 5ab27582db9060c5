"""hpq search --resume of a search that ended: nothing is searched as long as nothing changed."""

import json

import numpy as np
import pytest

from hpq_hls.workflow import searching

METRIC = "def score(outputs, targets):\n    return float((outputs.argmax(1) == targets).mean())\n"


@pytest.fixture
def searches(monkeypatch):
    """How often something was searched."""
    seen = []
    real = searching.searched
    monkeypatch.setattr(
        searching, "searched", lambda *given, **more: (seen.append(given), real(*given, **more))[1]
    )
    return seen


def timeless(result):
    """Without what tells runs apart."""
    return {**result, "seconds": None, "resumed": None}


def test_nothing_is_searched_again(run, project, searches):
    first = run("search", project.file, "--json").json
    record = (project.folder / "build" / "results" / "search.json").read_bytes()
    again = run("search", project.file, "--resume", "--json")
    assert len(searches) == 1
    assert again.status == 0
    assert "Searching: up to date: " in again.err
    assert timeless(again.json) == timeless(first)
    assert again.json["resumed"] == first["evaluations"]
    assert (project.folder / "build" / "results" / "search.json").read_bytes() == record
    assert run("search", project.file, "--json").status == 0  # without --resume it is measured again
    assert len(searches) == 2


def test_the_own_choice_is_used_again(run, project, searches):
    project.edit("precision: {default: {weight: 6, activation: 6}}\n", "")
    first = run("search", project.file, "--json").json
    assert run("search", project.file, "--pick", 1).status == 0
    assert run("search", project.file, "--resume").status == 0
    chosen = json.loads((project.folder / "build" / "results" / "chosen.json").read_text())["result"]
    assert chosen["row"] is None
    assert chosen["precision"] == first["best"]["precision"]


@pytest.mark.parametrize(
    "change",
    [
        "calibration.npz", "validation.npz", "test.npz", "build/pareto.csv", "build/precision.yaml",
        ("--max-drop", "0.2"), ("--part", "xcku5p-ffvb676-2-e"), ("--clock", "4"), ("--seed", "1"),
        ("--set", "quantizer.bias_correction=false"),
    ],
    ids=str,
)  # fmt: skip
def test_what_changed_is_searched(run, project, searches, change):
    run("search", project.file)
    options = ()
    if isinstance(change, tuple):
        options = change
    else:
        file = project.folder / change
        if file.suffix == ".npz":
            held = dict(np.load(file))
            np.savez(file, x=held["x"] * np.float32(1.01), y=held["y"])
        else:
            file.write_bytes(file.read_bytes() + b"\n")
    outcome = run("search", project.file, "--resume", *options)
    assert outcome.status == 0, outcome.err
    assert len(searches) == 2


def test_an_interrupted_search_goes_on(run, project, searches, monkeypatch):
    run("search", project.file)
    record = project.folder / "build" / "results" / "finished.json"
    record.unlink()  # what an interrupted one does not write
    outcome = run("search", project.file, "--resume", "--json")
    assert len(searches) == 2
    assert outcome.json["resumed"] == outcome.json["evaluations"]


def test_a_metric_of_ones_own_may_have_changed(run, project, searches):
    (project.folder / "own.py").write_text(METRIC)
    for _ in range(2):
        assert run("search", project.file, "--resume", "--metric", "own:score").status == 0
    assert len(searches) == 2
