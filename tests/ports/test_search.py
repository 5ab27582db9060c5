"""Several inputs and outputs in the search, in fine-tuning, and from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import hpq_hls as hpq
from hpq_hls.cli import app
from hpq_hls.errors import ConfigError, DataError
from hpq_hls.graph import Graph
from hpq_hls.search.scored import scored_output, unscored_layers
from hpq_hls.workflow import load_dataset
from tests.ports.networks import SHAPES, heads, samples

ZEROS = {name: torch.zeros(1, *shape) for name, shape in SHAPES.items()}
QUICK: dict[str, Any] = {
    "objective": "weight_bits", "max_drop": 0.1, "confidence": None, "strategy": "greedy",
    "weight_bits": [3, 6], "activation_bits": [4, 6], "evaluations": 12,
}  # fmt: skip


@pytest.fixture(scope="module")
def graph() -> Graph:
    return hpq.from_torch(heads(), ZEROS)


def labels(graph: Graph, x: dict[str, np.ndarray]) -> np.ndarray:
    return graph.predict(x)["class"].argmax(1)


def test_one_output_is_scored(graph: Graph) -> None:
    x, held = samples(60), samples(40, seed=1)
    y = labels(graph, held)
    found = hpq.search(graph, x, (held, y), test=(held, {"class": y}), **QUICK)
    named = hpq.search(graph, tuple(x.values()), (tuple(held.values()), {"class": y}), **QUICK)
    assert found.best_point.precision.to_dict() == named.best_point.precision.to_dict()
    outputs = found.best.predict(held)
    assert found.best_point.accuracy == (outputs["class"].argmax(1) == y).mean()
    widths = found.best_point.precision.layers
    assert (widths["map"].weight, widths["map"].activation) == (6, 6)  # nothing of the score hangs on it
    assert found.test is not None and found.test.accuracy == found.best_point.accuracy


def test_another_output_is_scored(graph: Graph) -> None:
    held = samples(40, seed=1)
    y = graph.predict(held)["map"]
    found = hpq.search(
        graph, samples(60), (held, y), output="map", metric="mse", **{**QUICK, "max_drop": 0.05}
    )
    assert found.best_point.precision.layers["head"].weight == 6
    error = np.square(found.best.predict(held)["map"] - y).mean()
    assert found.best_point.accuracy == pytest.approx(-error)


def test_which_output_is_scored(graph: Graph) -> None:
    y = np.zeros(3)
    assert scored_output(graph, None, y) == "class"
    assert scored_output(graph, None, {"map": y}) == "map"
    assert scored_output(graph, "trunk", {"map": y, "trunk": y}) == "trunk"
    for wish, given, reason in (
        (
            None,
            {"map": y, "trunk": y},
            "for the outputs 'map', 'trunk', and one output is scored; name it with",
        ),
        (None, {"maps": y}, "y is given for 'maps'; the outputs are class, map, trunk"),
    ):
        with pytest.raises(DataError, match=reason):
            scored_output(graph, wish, given)
    with pytest.raises(ConfigError, match="is 'maps', which is no output of the network; did you mean 'map'"):
        scored_output(graph, "maps", y)
    prepared = hpq.quantize(graph, samples(5)).graph
    assert unscored_layers(prepared, "trunk") == ["head", "map", "pool", "flatten"] or set(
        unscored_layers(prepared, "trunk")
    ) >= {"head", "map"}
    assert unscored_layers(prepared, "class") == ["map"]


def test_finetuning_looks_at_all_outputs(graph: Graph) -> None:
    x = samples(96)
    q = hpq.quantize(graph, x, 3)
    y = labels(graph, x)
    result = hpq.finetune(q, x, (x, y), epochs=3, batch_size=16)
    right = graph.predict(x)

    def errors(network: hpq.QuantizedGraph) -> list[float]:
        made = network.predict(x)
        return [float(np.square(made[name] - right[name]).mean() / right[name].var()) for name in right]

    if result.best_epoch:
        assert sum(errors(result.best)) < sum(errors(q))
    outputs = result.best.predict(x)["class"]
    assert result.accuracy_after == (outputs.argmax(1) == y).mean()


PROJECT = """\
model: {factory: "net:make"}
data: {calibration: calibration.npz, validation: validation.npz}
search: {objective: weight_bits, max_drop: 0.2, confidence: null, effort: fast, evaluations: 8,
         weight_bits: [3, 6], activation_bits: [6]}
hardware: {backends: [vitis, rtl], part: xcvu9p-flga2104-2-i}
"""
FACTORY = """\
from tests.ports.networks import heads


def make():
    return heads()
"""


@pytest.fixture
def project(graph: Graph, tmp_path: Path) -> Path:
    for name, count in (("calibration", 30), ("validation", 24)):
        x = samples(count, seed=count)
        y = {"y_class": labels(graph, x)} if name == "validation" else {}
        np.savez(tmp_path / f"{name}.npz", **{key: value.astype(np.float32) for key, value in x.items()}, **y)
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "net.py").write_text(FACTORY)
    return tmp_path


def run(*words: object) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in words else None


def test_the_command_line(project: Path) -> None:
    found = run("search", project, "--json")
    network = run("quantize", project, "--json")["network"]
    assert network["input_shape"] == {name: list(shape) for name, shape in SHAPES.items()}
    assert [row["name"] for row in network["layers"]][:2] == ["image", "mask"]
    assert found["best"]["precision"]["layers"]["map"]["weight"] == 6
    run("generate", project)
    checked = run("verify", project, "--samples", 3, "--json")
    assert checked["passed"] and sum(item["words_compared"] for item in checked["checks"]) > 0
    estimated = run("estimate", project, "--json")
    assert estimated["estimate"]["latency_cycles"] == checked["latency_cycles"]
    run("report", project)


def test_refused_data(project: Path) -> None:
    x = samples(5)
    path = project / "data.npz"
    graph = hpq.from_torch(heads(), ZEROS)

    def fitted(**arrays: np.ndarray) -> Any:
        np.savez(path, **arrays)
        return load_dataset(path, "test", "here").fitted(graph, "top1", "class")

    y = labels(graph, x)
    assert fitted(**x, y=y).y.tolist() == fitted(**x, y_class=y).y.tolist() == y.tolist()
    assert fitted(**x, y_map=y).y is None
    np.savez(path, **x, y=y[:2])
    calibration = load_dataset(path, "calibration", "here", scored=False).fitted(graph, "top1", "class")
    assert calibration.y is None and len(calibration) == 5
    for arrays, reason in (
        (
            {"image": x["image"], "other": x["mask"]},
            "holds no array 'mask'; for a network with several inputs",
        ),
        ({**x, "y_class": y[:3]}, "y has shape .3,. but x has 5 samples"),
        ({"image": x["image"], "mask": x["mask"][:2]}, "different numbers of samples"),
    ):
        with pytest.raises(DataError, match=reason):
            fitted(**arrays)
