"""Saved networks come back the same, byte for byte and word for word."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import hpq_hls as hpq
from hpq_hls.errors import DataError, OutputError
from hpq_hls.quantize import quantize
from tests.networks import random_network


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
