"""Several pixels per beat: numpy = g++ = Verilator on every word, at the interval that was promised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import build_design, time_dataflow
from hpq_hls.hardware import Dataflow, HardwareConfig, LayerFolding
from hpq_hls.kernels import UnrolledMatVec, Window
from hpq_hls.kernels.lanes import divisors
from tests.hardware.dataflow_model import run_dataflow
from tests.networks import Residual


def plain(padding: int) -> nn.Module:
    """A convolution, a pool, a convolution, a linear layer, on 8 x 12."""
    size = 8 if padding else 3
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=padding),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(3, 4, (3, 2), padding=(padding, 0)),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * (20 if padding else 4), size),
    )


def residual() -> nn.Module:
    body = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 3, 1))
    return nn.Sequential(
        nn.Conv2d(2, 3, 1), Residual(body, True), nn.AvgPool2d(2), nn.Conv2d(3, 4, 2, stride=2)
    )


def depthwise() -> nn.Module:
    """Depthwise with a dilation, a stride in groups, and a batch-norm that stands alone."""
    norm = nn.BatchNorm2d(4)
    with torch.no_grad():
        norm.running_mean.normal_(0, 0.3)
        norm.weight.uniform_(0.5, 1.5)
    return nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4),
        nn.ReLU(),
        norm,
        nn.Conv2d(4, 6, (2, 3), stride=2, padding=(0, 1), groups=2),
        nn.MaxPool2d((2, 1)),
    )


def uneven() -> nn.Module:
    """Rows of 12 pixels and 8 windows in four beats each, of 8 and 6 in two, some with groups or padding."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 5, padding=(2, 0), groups=2),
        nn.ReLU(),
        nn.AvgPool2d(3, stride=1),
        nn.Flatten(),
        nn.Linear(4 * 6 * 6, 3),
    )


def folded() -> nn.Module:
    """A padded convolution, a depthwise one and one with a stride, at a cycle for each position or more."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.Conv2d(4, 6, 3, stride=2, padding=1),
        nn.Flatten(),
        nn.Linear(6 * 4 * 5, 3),
    )


NETWORKS = {
    "plain": (lambda: plain(0), (1, 8, 12), 48),
    "padded": (lambda: plain(1), (1, 8, 12), 60),
    "residual": (residual, (2, 8, 8), 40),
    "depthwise": (depthwise, (4, 8, 8), 50),
    "uneven": (uneven, (2, 8, 12), 48),
    "folded": (folded, (2, 8, 10), 80),
}
"""Module, shape of its input, and a target of no more cycles than that has pixels."""


def several(flow: Dataflow) -> list[int]:
    """Pixels per beat of the windows."""
    return [kernel.geometry.pixels for kernel in flow.kernels if isinstance(kernel, Window)]


def quantized(name: str, width: int = 5) -> tuple[hpq.QuantizedGraph, np.ndarray, int]:
    make, shape, target = NETWORKS[name]
    torch.manual_seed(3)
    x = np.random.default_rng(3).normal(size=(6, *shape))
    q = hpq.quantize(hpq.from_torch(make().eval(), torch.zeros(2, *shape)), x, width)
    assert target <= shape[1] * shape[2]
    return q, x, target


def test_lenet_at_four_cycles_a_row() -> None:
    """28 pixels in beats of 7 become 24 windows in beats of 6, and every layer behind keeps up."""
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    x = np.random.default_rng(0).normal(size=(8, 1, 28, 28))
    graph = hpq.from_torch(net.eval(), torch.zeros(2, 1, 28, 28))
    q = hpq.quantize(graph, x, {"default": {"weight": 2, "activation": 3}})
    promised = hpq.estimate(q, target_interval=112)
    assert (promised.interval_cycles, promised.notes) == (112, ())
    assert hpq.estimate(q, target_interval=1).interval_cycles == 28


@pytest.mark.parametrize("name", NETWORKS)
def test_every_word_at_less_than_a_cycle_per_pixel(name: str, tmp_path: Path) -> None:
    q, x, target = quantized(name)
    expected = q.predict_raw(x)
    hls = hpq.generate(q, tmp_path / "hls", backend="vitis", target_interval=target, oversize=True)
    np.testing.assert_array_equal(hls.csim(x), expected)
    rtl = hpq.generate(q, tmp_path / "rtl", backend="rtl", target_interval=target, oversize=True)
    result = rtl.cosim(x, scenarios=("back_to_back", "random_gaps", "reset_mid_stream"), seed=1)
    np.testing.assert_array_equal(result.raw, expected)
    promised = hpq.estimate(q, target_interval=target)
    assert result.interval_cycles == promised.interval_cycles <= target
    assert result.latency_cycles == promised.latency_cycles


def test_the_folded_network_is_folded() -> None:
    """What the test of every word says of it."""
    q, _, target = quantized("folded")
    flow = build_design(q, HardwareConfig(target_interval=target))
    assert several(flow) == [2, 2, 2]
    assert not any(isinstance(kernel, UnrolledMatVec) for kernel in flow.kernels)
    assert time_dataflow(flow).interval == target


@pytest.mark.parametrize("seed", range(24))
def test_random_windows_in_any_number_of_pixels(seed: int) -> None:
    """Every kernel literally, for pixels by hand or by a target, folded or not; the promised interval."""
    draw = np.random.default_rng(seed)
    torch.manual_seed(seed)
    channels, rows = (int(draw.integers(1, 5)) for _ in range(2))
    height, width = int(draw.integers(5, 9)), int(draw.choice([6, 8, 10, 12]))
    kernel = (int(draw.integers(1, 4)), int(draw.integers(2, 4)))
    padding = (int(draw.integers(0, kernel[0])), int(draw.integers(0, kernel[1])))
    stride = (int(draw.integers(1, 3)), int(draw.integers(1, 4)))
    groups = channels if draw.random() < 0.3 else 1
    rows *= groups
    conv = nn.Conv2d(channels, rows, kernel, stride, padding, groups=groups)
    x = draw.normal(size=(3, channels, height, width))
    q = hpq.quantize(hpq.from_torch(conv.eval(), torch.zeros(1, *x.shape[1:])), x, 6)
    pixels = int(draw.choice([p for p in divisors(width) if 1 < p <= 8]))
    target = int(draw.integers(height * width // 6, 2 * height * width))
    hand = draw.random() < 0.5
    wish = {q.graph.nodes[0].name: LayerFolding(pixels=pixels)} if hand else {}
    flow = build_design(q, HardwareConfig(target_interval=target, layers=wish))
    if hand:
        assert several(flow) == [pixels]
    expected = q.predict_raw(x)
    for given, made in zip(q.quantize_input(x), expected, strict=True):
        beats = given.transpose(1, 2, 0).reshape(flow.streams[flow.input].beats, -1)
        result = run_dataflow(flow, beats).reshape(made.shape[1], made.shape[2], -1).transpose(2, 0, 1)
        np.testing.assert_array_equal(result, made)
    assert time_dataflow(flow).interval == max(k.cycles(flow.streams) for k in flow.kernels)
