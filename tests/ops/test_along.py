"""Maps along axes: averages over uneven windows, and interpolation with aligned corners."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.along import averages, between_corners
from hpq_hls.simulate.engine import simulate_all


class Calls(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def imported(function, shape: tuple[int, ...]) -> hpq.Graph:
    return hpq.from_torch(Calls(function), torch.zeros(1, *shape))


@pytest.mark.parametrize(("given", "wanted"), [(7, 3), (5, 4), (3, 5), (6, 3), (1, 2), (4, 1)])
def test_matrices_are_torchs(given: int, wanted: int) -> None:
    unit = torch.eye(given, dtype=torch.float64)[None]
    pooled = F.adaptive_avg_pool1d(unit, wanted)[0].T
    np.testing.assert_allclose(averages(given, wanted), pooled, atol=1e-15)
    resized = F.interpolate(unit, size=wanted, mode="linear", align_corners=True)[0].T
    np.testing.assert_allclose(between_corners(given, wanted), resized, atol=1e-12)


CASES = {
    "both axes": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), (2, 7, 5), ["along0", "along1"]),
    "rows alone": (lambda x: F.adaptive_avg_pool2d(x, (2, 5)), (2, 3, 5), ["along1"]),
    "one axis": (lambda x: F.adaptive_avg_pool1d(x, 4), (3, 6), ["along0"]),
    "aligned corners": (
        lambda x: F.interpolate(x, size=(3, 7), mode="bilinear", align_corners=True),
        (2, 3, 4),
        ["along0"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_axis_is_a_linear_layer_with_rounded_weights(name: str) -> None:
    """In floats what torch says; in integers each layer by itself, from its weights as they are rounded."""
    function, shape, along = CASES[name]
    graph = imported(function, shape)
    x = np.random.default_rng(0).normal(size=(20, *shape))
    np.testing.assert_allclose(graph.predict(x), function(torch.from_numpy(x)), atol=1e-12)
    q = hpq.quantize(graph, x, {"default": {"weight": 5, "activation": 7}})
    linear = [layer for layer in q.layers if q.layers[layer].weight_raw is not None]
    assert [layer.rpartition(".")[2] for layer in linear] == along
    last, given_type = q.quantize_input(x), q.input_type
    axes = [axis for axis in (-1, -2) if f"along{-1 - axis}" in along]
    for layer, axis in zip((q.layers[one] for one in linear), axes, strict=True):
        assert layer.bias_raw is None and layer.stored_weight_type.width == 5
        sums = np.moveaxis(np.moveaxis(last, axis, -1) @ layer.weight_raw.T, -1, axis)
        last = layer.output_type.from_raw(sums, given_type.fraction + layer.weight_type.fraction)
        given_type = layer.output_type
    np.testing.assert_array_equal(q.predict_raw(x), last)
    wide = hpq.quantize(graph, x, 20)
    assert np.abs(wide.predict(x) - graph.predict(x)).max() < 1e-3  # narrow widths show, wide ones do not


def test_windows_that_count_no_padding() -> None:
    """The average over all taps, times how many times as few a window sees."""
    functions = (
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True),
    )
    x = np.random.default_rng(0).normal(size=(20, 2, 6, 6))
    for function in functions:
        graph = imported(function, (2, 6, 6))
        kinds = [node.op.kind for node in graph.nodes]
        assert [kind for kind in kinds if kind != "Reshape"] == ["AvgPool2d", "ChannelAffine"]
        np.testing.assert_allclose(
            graph.predict(x), function(torch.from_numpy(x)), atol=1e-5
        )  # 1/9 in 18 bits
        q = hpq.quantize(graph, x, 6)
        values = simulate_all(q, q.quantize_input(x))
        (pool,) = (one for one in q.layers.values() if one.op.kind == "AvgPool2d")
        (factors,) = (one for one in q.layers.values() if one.op.kind == "ChannelAffine")
        products = values[pool.name].reshape(20, 2 * 3 * 3) * factors.weight_raw
        fraction = pool.output_type.fraction + factors.weight_type.fraction
        finest = max(fraction, factors.bias_type.fraction)
        bias = factors.bias_raw << finest - factors.bias_type.fraction
        raw = factors.output_type.from_raw((products << finest - fraction) + bias, finest)
        np.testing.assert_array_equal(q.predict_raw(x), raw.reshape(20, 2, 3, 3))


def test_what_has_no_such_windows_is_refused() -> None:
    with pytest.raises(UnsupportedOperatorError, match="does not divide its input size"):
        imported(lambda x: F.adaptive_max_pool2d(x, 2), (2, 5, 5))
    with pytest.raises(UnsupportedOperatorError, match="only whole factors are supported"):
        imported(lambda x: F.interpolate(x, size=(3, 7), mode="bilinear"), (2, 3, 4))
