"""Saturation counts against a count in Python integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import DataError
from hpq_hls.simulate import simulate_all
from hpq_hls.simulate.layer import QuantizedLayer, aligned_parameters, shifted


class Net(nn.Module):
    """Every operator that casts, fused activations, and exact ones in between."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 9, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left = self.conv(x).relu()
        right = self.norm(self.depthwise(left).relu())
        pooled = nn.functional.avg_pool2d(left + right, 2)
        return self.fc(nn.functional.max_pool2d(pooled, 2, padding=1).flatten(1))


@pytest.fixture(scope="module")
def graph() -> hpq.Graph:
    torch.manual_seed(0)
    return hpq.from_torch(Net().eval(), torch.zeros(1, 2, 8, 8))


def outside(layer: QuantizedLayer, inputs: list[np.ndarray]) -> int:
    """Casts that do not fit, in Python integers; AP_RND and AP_TRN only."""
    types = [edge.type for edge in layer.input_edges]
    weight, bias = aligned_parameters(layer.op, types, layer, layer.sum_fraction)
    if layer.op.arity > 1:
        fraction = max(kind.fraction for kind in types)
        inputs = [shifted(x, fraction - kind.fraction) for x, kind in zip(inputs, types, strict=True)]
    total = layer.op.evaluate(
        [x.astype(object) for x in inputs],
        None if weight is None else weight.astype(object),
        None if bias is None else bias.astype(object),
    )
    shift = layer.sum_fraction - layer.output_type.fraction
    count = 0
    for value in total.reshape(-1):
        kept = max(int(value), 0) if layer.activation is not None else int(value)
        if shift > 0:
            kept = (kept + (1 << (shift - 1) if layer.output_type.rounding.value == "AP_RND" else 0)) >> shift
        else:
            kept <<= -shift
        count += not layer.output_type.min_raw <= kept <= layer.output_type.max_raw
    return count


@pytest.mark.parametrize(
    ("precision", "options"),
    [
        (8, {}),
        (3, {}),
        ({"default": {"weight": 4, "activation": 5}}, {"rounding": "AP_TRN", "bias_correction": False}),
        ({"default": {"weight": 6, "activation": 4}}, {"overflow": "AP_WRAP", "per_channel": True}),
        ({"default": {"weight": 5, "activation": 6}}, {"overflow": "AP_SAT_SYM"}),
        ({"default": {"weight": 16, "activation": 20}}, {}),
        ({"default": {"weight": 32, "activation": 32}}, {"scaling": "range"}),
    ],
)
def test_counts_are_exact(graph: hpq.Graph, precision: Any, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    q = hpq.quantize(graph, rng.normal(size=(30, 2, 8, 8)), precision, **options)
    x = 2 * rng.normal(size=(20, 2, 8, 8))  # twice as large as calibrated
    found = q.saturation(x)
    scaled = np.floor(np.ldexp(x, q.input_type.fraction) + (0 if "rounding" in options else 0.5))
    limits = q.input_type.min_raw, q.input_type.max_raw
    wanted = {"x": int(((scaled < limits[0]) | (scaled > limits[1])).sum())}
    values = simulate_all(q, q.quantize_input(x))
    for name, layer in q.layers.items():
        if layer.op.casts:
            wanted[name] = outside(layer, [values[given] for given in layer.inputs])
    assert {name: item.count for name, item in found.items()} == wanted
    assert {name: item.total for name, item in found.items()} == {name: values[name].size for name in wanted}
    assert (wanted["x"] > 0) == (q.input_type.width != 20)  # there is room there for what was not calibrated


def test_data_that_does_not_fit(graph: hpq.Graph) -> None:
    q = hpq.quantize(graph, np.ones((4, 2, 8, 8)), 4)
    with pytest.raises(DataError, match="shape"):
        q.saturation(np.ones((4, 2, 8)))
