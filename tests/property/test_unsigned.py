"""Outputs that are unsigned without a ReLU of their own: numpy = g++ = Verilator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq


class Unsigned(nn.Module):
    """Behind the first ReLU nothing can be negative: averages by a reciprocal and by a shift, a sum, positive
    weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.positive = nn.Conv2d(3, 3, 1)
        self.halve = nn.AvgPool2d(2)
        self.fc = nn.Linear(3 * 9, 4)
        with torch.no_grad():
            self.positive.weight.abs_()
            self.positive.bias.abs_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.conv(x).relu()
        summed = self.pool(first) + first
        return self.fc(self.halve(self.positive(summed)).flatten(1))


def network(rounding: str, overflow: str, width: int) -> tuple[hpq.QuantizedGraph, np.ndarray]:
    torch.manual_seed(width)
    graph = hpq.from_torch(Unsigned().eval(), torch.zeros(1, 1, 6, 6))
    x = 1.5 * np.random.default_rng(width).normal(size=(6, 1, 6, 6))
    q = hpq.quantize(
        graph, x[:3], {"default": {"weight": 4, "activation": width}}, rounding=rounding, overflow=overflow
    )
    kinds = {
        layer.kind for layer in q.layers.values() if layer.activation is None and not layer.output_type.signed
    }
    assert {"AvgPool2d", "Add", "Conv2d"} <= kinds
    return q, x


@pytest.mark.parametrize("backend", ["vitis", "rtl"])
@pytest.mark.parametrize(
    ("rounding", "overflow", "width"),
    [("AP_RND", "AP_SAT", 4), ("AP_TRN", "AP_WRAP", 5), ("AP_RND_CONV", "AP_SAT_ZERO", 3)],
)
def test_hardware_equals_simulator(
    tmp_path: Path, backend: str, rounding: str, overflow: str, width: int
) -> None:
    q, x = network(rounding, overflow, width)
    project = hpq.generate(q, tmp_path / "out", backend=backend)
    found = project.csim(x) if backend == "vitis" else project.cosim(x).raw
    np.testing.assert_array_equal(found, q.predict_raw(x))
