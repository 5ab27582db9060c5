"""Products in LUTs: numpy = g++ = Verilator on every word of whole networks, whatever a layer becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from tests.scales import with_shifts

CASES: dict[str, tuple[int, int, dict[str, Any]]] = {
    "smallest": (8, 8, {"multipliers": "fabric", "target_interval": 100_000}),
    "fastest": (5, 11, {"multipliers": "fabric", "target_interval": 1}),
    "some layers": (
        9,
        4,
        {"layers": {"0": {"multipliers": "fabric", "pe": 3}, "4": {"multipliers": "fabric"}}},
    ),
    "parallel": (6, 7, {"multipliers": "fabric", "io": "parallel"}),
}


def _network(name: str) -> tuple[hpq.QuantizedGraph, np.ndarray, dict[str, Any]]:
    """Convolution, depthwise, average pool by a reciprocal, grouped, linear."""
    weight, activation, hardware = CASES[name]
    height, width = (
        (4, 3) if "io" in hardware else (5, 5)
    )  # a multiplier for every product takes long to build
    torch.manual_seed(weight)
    module = nn.Sequential(
        nn.Conv2d(2, 6, 3, stride=(2, 1), padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 6, (2, 3), padding=(0, 1), groups=6, bias=False),
        nn.ReLU(),
        nn.AvgPool2d((1, 3), stride=(1, 2)),
        nn.Conv2d(6, 4, 1, groups=2),
        nn.Flatten(),
        nn.Linear(16 if width > 3 else 4, 5),
    ).eval()
    x = np.random.default_rng(weight).normal(size=(5, 2, height, width)) * 1.5
    graph = hpq.from_torch(module, torch.zeros(2, 2, height, width))
    q = hpq.quantize(graph, x, {"default": {"weight": weight, "activation": activation}})
    return with_shifts(q, 1), x, hardware


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", ["vitis", "rtl"])
def test_hardware_equals_simulator(tmp_path: Path, name: str, backend: str) -> None:
    q, x, hardware = _network(name)
    expected = q.predict_raw(x)
    assert len(np.unique(expected)) > 3, "the case shows nothing"
    assert hpq.estimate(q, **hardware).dsp < hpq.estimate(q, **_without(hardware)).dsp
    project = hpq.generate(q, tmp_path / "out", backend=backend, oversize=True, **hardware)
    if backend == "vitis":
        np.testing.assert_array_equal(project.csim(x), expected)
    else:
        result = project.cosim(x, scenarios=("back_to_back", "random_gaps", "reset_mid_stream"))
        np.testing.assert_array_equal(result.raw, expected)
        assert result.mismatches == 0


def _without(hardware: dict[str, Any]) -> dict[str, Any]:
    """The same with DSP blocks."""
    layers = {
        name: {key: value for key, value in keys.items() if key != "multipliers"}
        for name, keys in hardware.get("layers", {}).items()
    }
    return hardware | {"multipliers": "dsp", "layers": layers}
