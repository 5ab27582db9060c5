"""hpq run: from a model and data to a certificate, and nothing twice."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from hpq_hls.settings.config import load_config
from hpq_hls.tools import toolchain
from hpq_hls.tools.toolchain import Tool

FEW = ("--weight-bits", "3,6", "--activation-bits", "4,6", "--max-drop", 0.1, "--backends", "rtl")
STEPS = ["search", "generate", "verify", "report"]


@pytest.fixture
def bare(master, tmp_path, monkeypatch):
    """A folder with a model and one file of data, and nothing else."""
    parts = [np.load(master / f"{split}.npz") for split in ("calibration", "validation", "test")]
    np.savez(
        tmp_path / "all.npz", **{key: np.concatenate([part[key] for part in parts]) for key in ("x", "y")}
    )
    shutil.copy(master / "model.pt2", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def done(outcome):
    """Which steps ran."""
    assert outcome.status == 0, outcome.err
    steps = outcome.json["steps"]
    assert [step["name"] for step in steps] == STEPS
    assert all(step["done"] or "up to date" in step["sentence"] for step in steps)
    return [step["name"] for step in steps if step["done"]]


def test_everything_once(run, bare, monkeypatch):
    command = ("run", "model.pt2", "--data", "all.npz", *FEW, "--json")
    first = run(*command)
    assert done(first) == STEPS
    assert first.json["passed"] and first.json["words"] > 0 and first.json["kernels"] > 0
    assert (bare / "build" / "report.html").is_file()
    assert (bare / "build" / "rtl" / "certificate.json").is_file()
    assert done(run(*command)) == []
    assert done(run("run", "--json")) == []  # by the project.yaml that was written
    assert run("run").out.endswith("Next: hpq synth\n")
    with monkeypatch.context() as lacking:
        lacking.setattr(toolchain, "find_yosys", lambda: Tool("yosys", None, None, "install it."))
        assert run("run").out.endswith("Next: hpq synth  (yosys is not there: install it.)\n")
    assert run("verify", "--samples", 2, "--json").json["passed"]
    # another clock: the same precision, other hardware
    assert done(run("run", "--clock", 8, "--json"))[-3:] == ["generate", "verify", "report"]
    changed = bare / "build" / "rtl" / "README.md"
    changed.write_text("mine")
    assert "--force" in run("run", "--clock", 8, "--json").json["error"]["message"]
    assert "generate" in done(run("run", "--clock", 8, "--force", "--json"))
    assert changed.read_text() != "mine"


def test_data_is_divided_and_each_sample_used_once(run, bare):
    outcome = run("search", "model.pt2", "--data", "all.npz", *FEW, "--part", "kv260", "-q")
    assert outcome.status == 0, outcome.err
    settings = load_config("project.yaml").settings
    assert settings.model.source == "model.pt2"
    assert settings.hardware.part == "xck26-sfvc784-2LV-c"
    assert settings.search.weight_bits == (3, 6)
    parts = [np.load(written)["x"] for written in settings.data.model_dump(exclude_none=True).values()]
    assert [len(part) for part in parts] == [24, 48, 48]
    rows = {row.tobytes() for part in parts for row in part}
    assert rows == {row.tobytes() for row in np.load("all.npz")["x"]}
    first = {path: path.read_bytes() for path in (bare / "data").iterdir()}
    assert run("search", "model.pt2", "--data", "all.npz", *FEW, "--part", "kv260", "--resume").status == 0
    assert {path: path.read_bytes() for path in (bare / "data").iterdir()} == first


def test_a_project_of_the_user_s_is_kept(run, bare):
    (bare / "project.yaml").write_text("mine: 1\n")
    outcome = run("search", "model.pt2", "--data", "all.npz")
    assert outcome.status == 1 and "project.yaml is there already" in outcome.err
    assert (bare / "project.yaml").read_text() == "mine: 1\n"
    assert not (bare / "data").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.pt2"], "needs data to go with it; give --data FILE.npz"),
        (["other.pt2", "--data", "all.npz"], "the model other.pt2 does not exist"),
        (["project.yaml", "--data", "all.npz"], "--data goes with a model"),
        (["model.pt2", "--data", "none.npz"], "none.npz"),
        (["model.pt2", "--data", "short.npz"], "there are 3 samples; give at least 10"),
        (["model.pt2", "--data", "odd.npz"], "holds x (40, 2), y (39,); save x and y"),
        (["model.pt2", "--data", "all.npz", "--clock", "x"], "--clock: hardware.clock_ns is 'x'"),
    ],
)
def test_what_cannot_be_started(run, bare, words, message):
    np.savez("short.npz", x=np.ones((3, 1, 4, 4)), y=np.zeros(3))
    np.savez("odd.npz", x=np.ones((40, 2)), y=np.zeros(39))
    outcome = run("search", *words, "--json")
    assert outcome.status == 1
    assert message in outcome.json["error"]["message"]
    assert not (bare / "project.yaml").exists() and not (bare / "data").exists()
