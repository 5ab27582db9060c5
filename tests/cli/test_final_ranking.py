"""A softmax at the end is left out on request, from project.yaml to verified hardware."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from tests.cli.conftest import Project


@pytest.fixture
def ranked(tmp_path) -> Project:
    """A classifier that ends in a softmax, with data, and what ``hpq init`` writes beside it."""
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3), nn.Softmax(1)).eval()
    program = torch.export.export(net, (torch.zeros(2, 6),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, tmp_path / "model.pt2")
    rng = np.random.default_rng(2)
    for split in ("calibration", "validation", "test"):
        x = rng.normal(size=(40, 6)).astype(np.float32)
        y = net(torch.from_numpy(x)).argmax(1).numpy()
        np.savez(tmp_path / f"{split}.npz", x=x, y=y)
    return Project(tmp_path)


def test_from_init_to_verified_hardware(run, ranked: Project) -> None:
    assert run("init", ranked.folder).status == 0
    before = run("quantize", ranked.file, "--precision", 8, "--json").json
    whole = run("estimate", ranked.file, "--precision", 8, "--json").json["estimate"]
    ranked.edit("# drop_final_ranking: false", "drop_final_ranking: true")
    after = run("quantize", ranked.file, "--precision", 8, "--json").json
    names = [[row["name"] for row in found["network"]["layers"]] for found in (before, after)]
    assert names[1] == ["input", "0", "2"] and names[1] == names[0][:3] and len(names[0]) > 3
    assert after["scores"]["float_score"] == before["scores"]["float_score"] == 1.0
    estimated = run("estimate", ranked.file, "--precision", 8, "--json").json["estimate"]
    assert estimated["lut"] < whole["lut"]
    assert run("generate", ranked.file, "--precision", 8).status == 0
    checked = run("verify", ranked.file, "--samples", 4, "--json")
    assert checked.status == 0, checked.err
    assert checked.json["latency_cycles"] == estimated["latency_cycles"]


def test_the_saved_network_predicts_what_is_ranked(run, ranked: Project) -> None:
    ranked.write(
        "model: {source: model.pt2, drop_final_ranking: true}\n"
        "data: {calibration: calibration.npz, test: test.npz}\nprecision: 8\n"
    )
    found = run("quantize", ranked.file, "--json")
    assert found.status == 0, found.err
    given = np.load(ranked.folder / "test.npz")
    (saved,) = (ranked.folder / "build").rglob("*.hpq")
    made = hpq.load(saved).predict(given["x"])
    assert (made.argmax(1) == given["y"]).mean() > 0.9
    assert made.min() < 0  # no probabilities


def test_errors_of_values_need_the_values(run, ranked: Project) -> None:
    ranked.write(
        "model: {source: model.pt2, drop_final_ranking: true}\n"
        "data: {calibration: calibration.npz, test: test.npz}\nsearch: {metric: mse}\n"
    )
    found = run("quantize", ranked.file)
    assert found.status == 1
    assert (
        "model.drop_final_ranking leaves out the values that search.metric mse compares with y" in found.err
    )
