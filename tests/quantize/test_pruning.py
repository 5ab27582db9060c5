"""Zeros of pruned layers stay zeros, whatever the options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import PrecisionError
from hpq_hls.graph import Graph
from hpq_hls.quantize import Quantizer, quantize
from hpq_hls.quantize.compensate import descended, fed_back, feedback_factor, nearest, output_error
from hpq_hls.quantize.pruning import pruned

OPTIONS: list[dict[str, Any]] = [
    {},
    {"per_channel": True},
    {"equalize": True},
    {"equalize": True, "per_channel": True, "rounding": "AP_TRN"},
    {"scaling": "error"},
    {"weight_rounding": "nearest"},
]


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 2 * 8 * 8))  # compensation has much to do
    return np.abs(mixed.reshape(300, 2, 8, 8) + 0.3 * rng.normal(size=(300, 2, 8, 8)))


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The first and the last layer are not pruned, the others by 75 %; a dead filter in the depthwise one."""
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8)),
        *(nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 2), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 4)),
    )
    with torch.no_grad():
        for index in (6, 9):
            weight = net[index].weight
            weight *= weight.abs() >= weight.abs().quantile(0.75)
        net[3].weight[2] = 0
    return hpq.from_torch(net.eval(), torch.zeros(1, 2, 8, 8))


def revived(graph: Graph, x: np.ndarray, precision: Any, **options: Any) -> int:
    """Zeros that are none any more."""
    quantizer = Quantizer(graph, x, **options)
    q = quantizer.quantize(precision)
    return sum(
        int(q.layers[node.name].weight_raw[node.op.weight == 0].astype(bool).sum())
        for node in quantizer.graph.nodes
        if node.op.weight is not None
    )


@pytest.mark.parametrize("options", OPTIONS)
def test_every_zero_is_kept(graph: Graph, x: np.ndarray, options: dict[str, Any]) -> None:
    for width in (2, 3, 4, 6, 8, 12):
        assert revived(graph, x, {"default": {"weight": width, "activation": 6}}, **options) == 0


def test_without_the_rule_they_come_back(graph: Graph, x: np.ndarray) -> None:
    for width in (3, 4, 6):
        assert revived(graph, x, {"default": {"weight": width, "activation": 6}}, keep_zeros=False) > 20


def test_the_others_make_up_for_it(graph: Graph, x: np.ndarray) -> None:
    """Better than rounding to nearest, and nearly as good as with all weights free."""
    wanted = graph.predict(x[150:])

    def error(width: int, **options: Any) -> float:
        q = Quantizer(graph, x[:150], **options).quantize({"default": {"weight": width, "activation": 12}})
        return float(np.square(q.predict(x[150:]) - wanted).mean())

    for width in (2, 3, 4, 6, 8):
        assert error(width) < 0.95 * error(width, weight_rounding="nearest")
        assert error(width) < 1.2 * error(width, keep_zeros=False)


def test_bounded_codes_are_never_worse_than_nearest() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3, 20)) @ rng.normal(size=(20, 20))
    moments = np.matmul(x.transpose(1, 2, 0), x.transpose(1, 0, 2)) / 200 + 0.1 * np.eye(20)
    weights = 0.3 * rng.normal(size=(3, 8, 20)) * (rng.random((3, 8, 20)) < 0.3)
    scale = np.full((3, 8, 1), 0.25)
    free = weights != 0
    low, high = np.where(free, -4.0, 0.0), np.where(free, 3.0, 0.0)
    plain = nearest(weights, scale, low, high)
    fed = fed_back(weights, scale, low, high, moments, feedback_factor(moments))
    best = descended(weights, fed, scale, low, high, moments)
    errors = [output_error(weights, codes, scale, moments) for codes in (plain, fed, best)]
    for codes in (plain, fed, best):
        assert not codes[~free].any()
        assert codes.min() >= -4
        assert codes.max() <= 3
    assert (errors[1] <= errors[0]).all()
    assert (errors[2] <= errors[1]).all()
    assert errors[2].sum() < 0.85 * errors[0].sum()


def test_what_counts_as_pruned() -> None:
    weights = np.random.default_rng(0).normal(size=(2, 8, 40))
    assert pruned(weights) is None
    weights[0, 3, 7] = 0  # one of 640 is chance
    assert pruned(weights) is None
    row, column, share = weights.copy(), weights.copy(), weights.copy()
    row[1, 2] = 0
    column[0, :, 5] = 0
    share.reshape(-1)[:20] = 0
    for found in (row, column, share):
        mask = pruned(found)
        assert mask is not None
        assert np.array_equal(mask, found == 0)
    assert pruned(np.zeros((1, 2, 3))) is None


def test_one_bit_where_a_kernel_has_no_tap() -> None:
    """Of 3 taps at a stride of 2 the two phases have 2 and 1; at 4 both have 2, and nothing is zero."""
    x = np.random.default_rng(0).normal(size=(8, 2, 6))
    signs = {"default": {"weight": 1, "activation": 6}}
    three, four = (
        hpq.from_torch(nn.ConvTranspose1d(2, 3, taps, 2, bias=False), torch.zeros(1, 2, 6)) for taps in (3, 4)
    )
    with pytest.raises(PrecisionError, match=r"25% of them are exactly zero.*where its kernel has no tap"):
        hpq.quantize(three, x, signs)
    assert hpq.quantize(four, x, signs).weight_bits == 2 * 3 * 4


def test_one_bit_holds_no_zero(graph: Graph, x: np.ndarray) -> None:
    with pytest.raises(
        PrecisionError,
        match="the weights of layer '9' are to have one bit, which holds no zero, but 75% of them are "
        "exactly zero: pruned, or, in what a transposed convolution becomes, where its kernel has no tap; "
        "choose 2 bits or more, or make signs of the zeros too with keep_zeros: false",
    ):
        quantize(graph, x, {"9": {"weight": 1}})
    assert quantize(graph, x, {"9": {"weight": 1}}, keep_zeros=False).layers["9"].weight_signs
    assert quantize(graph, x, {"0": {"weight": 1}, "11": {"weight": 1}}).layers["0"].weight_signs
    quantizer = Quantizer(graph, x)
    widths = {name: quantizer.least_weight_width(name) for name in ("0", "3", "6", "9", "11")}
    assert widths == {"0": 1, "3": 2, "6": 2, "9": 2, "11": 1}
    assert Quantizer(graph, x, keep_zeros=False).least_weight_width("9") == 1
