"""Weights of one bit, signs: numpy = g++ = Verilator on every word, whatever a layer becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.kernels import ChannelMac, MatVec, UnrolledMatVec, Weighted
from tests.codegen.flows import table_rows
from tests.scales import with_signs

CASES: dict[str, tuple[int, bool, dict[str, Any]]] = {
    "smallest": (3, True, {"target_interval": 100_000}),
    "fastest": (8, False, {"target_interval": 1}),
    "by hand": (2, True, {"layers": {"0": {"pe": 3, "simd": 6}, "2": {"pe": 2}, "5": {"pe": 1}}}),
    "unrolled": (5, True, {"layers": {"0": {"strategy": "unrolled"}, "7": {"strategy": "da"}}}),
    "parallel": (4, True, {"io": "parallel"}),
}


def _network(name: str) -> tuple[hpq.QuantizedGraph, np.ndarray, dict[str, Any]]:
    """Convolution with stride and padding, depthwise, grouped, linear."""
    activation, shifted, hardware = CASES[name]
    torch.manual_seed(activation)
    module = nn.Sequential(
        nn.Conv2d(2, 6, 3, stride=(2, 1), padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 6, (2, 3), padding=(0, 1), groups=6, bias=False),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 4, 1, groups=2),
        nn.Flatten(),
        nn.Linear(4 * 1 * 2, 5),
    ).eval()
    x = np.random.default_rng(activation).normal(size=(5, 2, 5, 5)) * 1.5
    graph = hpq.from_torch(module, torch.zeros(2, 2, 5, 5))
    widths = {"default": {"weight": 4, "activation": activation}}
    return with_signs(hpq.quantize(graph, x, widths), activation, shifted=shifted), x, hardware


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", ["vitis", "rtl"])
def test_hardware_equals_simulator(tmp_path: Path, name: str, backend: str) -> None:
    q, x, hardware = _network(name)
    expected = q.predict_raw(x)
    assert len(np.unique(expected)) > 3, "the case shows nothing"
    project = hpq.generate(q, tmp_path / "out", backend=backend, **hardware)
    kernels = [kernel for kernel in project.dataflow.kernels if isinstance(kernel, Weighted)]
    assert len(kernels) == 4
    for kernel in kernels:  # graphs of adders have the shifts in their wires, and no ROM
        assert kernel.signs == (not isinstance(kernel, UnrolledMatVec) or kernel.adders is None)
    if backend == "vitis":
        np.testing.assert_array_equal(project.csim(x), expected)
    else:
        result = project.cosim(x, scenarios=("back_to_back", "random_gaps", "reset_mid_stream"))
        np.testing.assert_array_equal(result.raw, expected)
        assert result.mismatches == 0


@pytest.mark.parametrize("name", ["smallest", "by hand"])
def test_roms_hold_one_bit_of_a_weight(tmp_path: Path, name: str) -> None:
    q, _, hardware = _network(name)
    for backend in ("vitis", "rtl"):
        project = hpq.generate(q, tmp_path / backend, backend=backend, **hardware)
        for kernel in project.dataflow.kernels:
            if not isinstance(kernel, (MatVec, ChannelMac)):
                continue
            words = kernel.weight_words()
            signs = words.reshape(len(words), -1)
            raw = q.layers[kernel.layer].weight_raw
            assert raw is not None
            assert signs.size == raw.size
            assert signs.sum() == (raw < 0).sum()
            if backend == "rtl":
                (file,) = (tmp_path / backend).glob(f"rtl/*{kernel.name}_weight.mem")
                found = [int(line, 16) for line in file.read_text().split("\n") if line.strip()]
                assert found == [sum(int(bit) << i for i, bit in enumerate(row)) for row in signs]
            else:
                text = (tmp_path / backend / f"src/tables/{kernel.name}_weight.inc").read_text()
                title = text.partition("\n")[0]
                scale = f"2^{-kernel.weight_type.fraction}"
                assert f"signs (0: +1, 1: -1) times {scale} ({signs.shape[1]} bits a word)" in title
                assert table_rows(text, 1) == signs.tolist()
