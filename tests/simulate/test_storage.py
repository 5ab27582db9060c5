"""Saved networks come back the same, byte for byte and word for word."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import hpq_hls as hpq
from hpq_hls.errors import DataError, OutputError
from hpq_hls.graph import Graph, Node
from hpq_hls.ops import Pad, Relu, Reshape
from hpq_hls.ops.base import OPERATORS
from hpq_hls.quantize import quantize
from hpq_hls.simulate.storage import load_graph, save_graph
from tests.networks import random_network
from tests.scales import with_shifts, with_signs


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5])
def test_round_trip(tmp_path: Path, seed: int) -> None:
    module, shape = random_network(seed)
    x = np.random.default_rng(seed).normal(size=(5, *shape))
    q = quantize(hpq.from_torch(module, torch.zeros(2, *shape)), x, 6)
    q.save(tmp_path / "a.hpq")
    again = hpq.load(tmp_path / "a.hpq")
    np.testing.assert_array_equal(again.predict_raw(x), q.predict_raw(x))
    assert again.input_type == q.input_type
    assert list(again.layers) == list(q.layers)
    for name, layer in q.layers.items():
        other = again.layers[name]
        assert (other.output_type, other.weight_type, other.bias_type) == (
            layer.output_type,
            layer.weight_type,
            layer.bias_type,
        )
        assert other.accumulator_type == layer.accumulator_type
    again.save(tmp_path / "b.hpq")
    assert (tmp_path / "a.hpq").read_bytes() == (tmp_path / "b.hpq").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.hpq") as archive:
        assert all(name.endswith((".json", ".npy")) for name in archive.namelist())


def test_scales_of_channels_come_back(tmp_path: Path) -> None:
    module, shape = random_network(1)
    x = np.random.default_rng(1).normal(size=(5, *shape))
    plain = quantize(hpq.from_torch(module, torch.zeros(2, *shape)), x, 6)
    q = with_shifts(plain, 1)
    assert any(layer.weight_shift is not None for layer in q.layers.values())
    formats = {}
    for name, network in (("plain", plain), ("shifted", q)):
        network.save(tmp_path / f"{name}.hpq")
        with zipfile.ZipFile(tmp_path / f"{name}.hpq") as archive:
            text = archive.read("graph.json").decode()
            formats[name] = (json.loads(text)["format"], "weight_shift" in text)
    assert formats == {"plain": (1, False), "shifted": (2, True)}  # what format 1 says, format 1 holds
    again = hpq.load(tmp_path / "shifted.hpq")
    np.testing.assert_array_equal(again.predict_raw(x), q.predict_raw(x))
    assert again.weight_bits == q.weight_bits
    for name, layer in q.layers.items():
        other = again.layers[name]
        np.testing.assert_array_equal(other.weight_shift, layer.weight_shift)
        np.testing.assert_array_equal(other.weight_codes, layer.weight_codes)
        assert other.stored_weight_type == layer.stored_weight_type
    again.save(tmp_path / "again.hpq")
    assert (tmp_path / "shifted.hpq").read_bytes() == (tmp_path / "again.hpq").read_bytes()


@pytest.mark.parametrize("shifted", [False, True])
def test_signs_come_back(shifted: bool, tmp_path: Path) -> None:
    module, shape = random_network(1)
    x = np.random.default_rng(1).normal(size=(5, *shape))
    q = with_signs(quantize(hpq.from_torch(module, torch.zeros(2, *shape)), x, 6), 1, shifted=shifted)
    assert any(layer.weight_signs for layer in q.layers.values())
    q.save(tmp_path / "a.hpq")
    with zipfile.ZipFile(tmp_path / "a.hpq") as archive:
        assert json.loads(archive.read("graph.json"))["format"] == 2
    again = hpq.load(tmp_path / "a.hpq")
    np.testing.assert_array_equal(again.predict_raw(x), q.predict_raw(x))
    assert again.weight_bits == q.weight_bits
    for name, layer in q.layers.items():
        assert again.layers[name].weight_signs == layer.weight_signs
        assert again.layers[name].weight_width == layer.weight_width
        np.testing.assert_array_equal(again.layers[name].weight_codes, layer.weight_codes)
    again.save(tmp_path / "b.hpq")
    assert (tmp_path / "a.hpq").read_bytes() == (tmp_path / "b.hpq").read_bytes()


def test_what_is_no_saved_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.hpq cannot be read"):
        hpq.load(tmp_path / "none.hpq")
    (tmp_path / "text.hpq").write_text("hello")
    with pytest.raises(DataError, match="no saved quantized network"):
        hpq.load(tmp_path / "text.hpq")
    with zipfile.ZipFile(tmp_path / "other.hpq", "w") as archive:
        archive.writestr("graph.json", '{"format": 99}')
    with pytest.raises(DataError, match="format 99"):
        hpq.load(tmp_path / "other.hpq")


def test_unwritable_place(tmp_path: Path) -> None:
    module, shape = random_network(0)
    q = quantize(hpq.from_torch(module, torch.zeros(2, *shape)), np.ones((2, *shape)), 6)
    with pytest.raises(OutputError, match="cannot be written"):
        q.save(tmp_path / "missing" / "a.hpq")


def test_an_operator_that_no_imported_package_brings(tmp_path: Path) -> None:
    graph = Graph.single("x", (2,), (Node("act", Relu(), ("x",)),), "act")
    save_graph(graph, tmp_path / "net")
    known = OPERATORS.pop("Relu")
    try:
        with pytest.raises(DataError, match=r"net cannot be loaded: it has an operator Relu, which no"):
            load_graph(tmp_path / "net")
    finally:
        OPERATORS["Relu"] = known
    assert load_graph(tmp_path / "net").nodes[0].op.kind == "ReLU"


def test_shapes_and_paddings_come_back(tmp_path: Path) -> None:
    pad, reshape = Pad((0, 1), (2, 0)), Reshape((2, 6))
    nodes = (Node("pad", pad, ("x",)), Node("reshape", reshape, ("pad",)))
    graph = Graph.single("x", (2, 2), nodes, "reshape")
    save_graph(graph, tmp_path / "net")
    loaded = load_graph(tmp_path / "net")
    assert (loaded.nodes[0].op.before, loaded.nodes[0].op.after) == ((0, 1), (2, 0))
    assert loaded.nodes[1].op.shape == (2, 6)
