"""How many pixels a beat carries: the fewest that meet the target, and one wherever that is enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.frontends import from_torch
from hpq_hls.hardware import Dataflow, HardwareConfig, LayerFolding, Strategy, build_dataflow
from hpq_hls.hardware.pixels import MAX_PORT_BITS
from hpq_hls.kernels import MatVec, UnrolledMatVec, Window
from hpq_hls.kernels.geometry import WindowGeometry
from hpq_hls.ops.window import WindowSpec
from hpq_hls.quantize import quantize
from hpq_hls.simulate import QuantizedGraph


def network(*layers: nn.Module, shape: tuple[int, ...] = (1, 12, 12), width: int = 6) -> QuantizedGraph:
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(4, *shape))
    return quantize(from_torch(nn.Sequential(*layers).eval(), torch.zeros(2, *shape)), x, width)


def lenet() -> QuantizedGraph:
    return network(
        nn.Conv2d(1, 4, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(96, 10),
        shape=(1, 28, 28),
    )


def interval(flow: Dataflow) -> int:
    return max(kernel.cycles(flow.streams) for kernel in flow.kernels)


def windows(flow: Dataflow) -> dict[str, int]:
    return {k.layer: k.geometry.pixels for k in flow.kernels if isinstance(k, Window)}


@pytest.mark.parametrize(
    ("target", "first"),
    [(784, 1), (783, 2), (392, 2), (391, 4), (196, 4), (195, 7), (112, 7), (111, 14), (28, 28)],
)
def test_the_fewest_pixels_that_meet_the_target(target: int, first: int) -> None:
    flow = build_dataflow(lenet(), HardwareConfig(target_interval=target))
    assert interval(flow) <= target
    assert windows(flow)["0"] == first
    assert flow.streams[flow.input].lanes == first
    assert windows(flow)["5"] == (1 if target > 64 else 2 if target > 32 else 4)


def test_a_cycle_per_pixel_is_built_as_ever() -> None:
    """Where one pixel a beat meets the target, nothing is unrolled."""
    flow = build_dataflow(lenet(), HardwareConfig(target_interval=784))
    assert set(windows(flow).values()) == {1}
    assert not any(isinstance(kernel, UnrolledMatVec) for kernel in flow.kernels)
    assert not any(stream.same_as for stream in flow.streams.values())


def test_beyond_the_slowest_layer_no_layer_takes_more() -> None:
    """A cycle per row of the input is the least."""
    flows = [build_dataflow(lenet(), HardwareConfig(target_interval=target)) for target in (28, 20, 1)]
    assert [interval(flow) for flow in flows] == [28] * 3
    assert windows(flows[0]) == windows(flows[1]) == windows(flows[2])


@pytest.mark.parametrize("wish", [LayerFolding(pe=4), LayerFolding(simd=25), LayerFolding(reuse_factor=1)])
def test_a_layer_folded_by_hand_takes_one_pixel(wish: LayerFolding) -> None:
    flow = build_dataflow(lenet(), HardwareConfig(target_interval=300, layers={"0": wish}))
    assert windows(flow)["0"] == 1
    assert any(isinstance(kernel, MatVec) for kernel in flow.of_layer("0"))
    assert windows(flow)["2"] == 2  # the others meet the target


def test_the_port_has_a_widest_beat() -> None:
    """16 channels of 16 bits: four pixels fill it, where eight would be wanted."""
    q = network(nn.Conv2d(16, 2, 1), shape=(16, 8, 8), width=16)
    flow = build_dataflow(q, HardwareConfig(target_interval=8))
    assert flow.streams[flow.input].bits == MAX_PORT_BITS
    narrow = network(nn.Conv2d(16, 2, 1), shape=(16, 8, 8), width=6)
    flow = build_dataflow(narrow, HardwareConfig(target_interval=8))
    assert flow.streams[flow.input].beats == interval(flow) == 8


@pytest.mark.parametrize(
    ("size", "kernel", "pixels", "at_once"),
    [
        (28, 5, 7, 6),  # 24 windows, in four beats as the pixels
        (28, 5, 14, 12),
        (28, 5, 4, 4),  # all windows at one place
        (12, 2, 2, 11),  # 11 windows, which only leave one by one or all at once
        (11, 2, 11, 10),
        (20, 3, 4, 6),  # 18 windows in three beats, where pixels come in five
        (12, 7, 2, 2),  # 6 windows: one by one, the last two would wait for the next frame
    ],
)
def test_windows_of_a_beat(size: int, kernel: int, pixels: int, at_once: int) -> None:
    made = (1, size - kernel + 1, size - kernel + 1)
    geometry = WindowGeometry.of(WindowSpec((kernel, kernel)), (1, size, size), made, pixels)
    assert geometry.windows == at_once
    assert geometry.scan == (size, size // pixels)


def test_rows_go_in_whole_where_nothing_less_divides() -> None:
    q = network(nn.Conv2d(1, 2, 2), nn.ReLU(), shape=(1, 12, 11))
    flow = build_dataflow(q, HardwareConfig(target_interval=20))
    assert windows(flow)["0"] == 11
    assert interval(flow) == 12


def test_groups_go_side_by_side() -> None:
    """Folded, a unit has one group after the other; with a pixel at once, all."""
    q = network(nn.Conv2d(4, 8, 3, groups=2), shape=(4, 10, 10))
    fast = build_dataflow(q, HardwareConfig(target_interval=100))
    assert interval(fast) == 100
    assert windows(fast) == {"0": 1}
    unrolled = HardwareConfig(strategy=Strategy.UNROLLED, target_interval=1000)
    assert any(isinstance(k, UnrolledMatVec) for k in build_dataflow(q, unrolled).kernels)


def test_equal_elements_are_those_of_overlapping_windows() -> None:
    flow = build_dataflow(network(nn.Conv2d(1, 2, 3, padding=1)), HardwareConfig(target_interval=120))
    (window,) = (kernel for kernel in flow.kernels if isinstance(kernel, Window))
    stream = flow.streams[window.outputs[0]]
    assert (window.geometry.windows, stream.lanes) == (2, 18)
    assert stream.different_bits == 12 * stream.type.width
    assert replace(stream, same_as=()).different_bits == stream.bits
