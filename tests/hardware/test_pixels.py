"""How many pixels a beat carries: the fewest that meet the target, and one wherever that is enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.cost import build_design, time_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import Dataflow, HardwareConfig, LayerFolding, Strategy, build_dataflow
from hpq_hls.hardware.pixels import MAX_PORT_BITS
from hpq_hls.kernels import ChannelMac, MatVec, UnrolledMatVec, Window
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


def multipliers(flow: Dataflow) -> int:
    return sum(kernel.multipliers for kernel in flow.kernels)


def test_a_unit_stays_folded_where_only_the_scan_is_too_slow() -> None:
    """784 pixels are scanned for 576 positions: two at a time, and the unit takes one position per cycle."""
    for target in (783, 576):
        flow = build_dataflow(lenet(), HardwareConfig(target_interval=target))
        (unit,) = (kernel for kernel in flow.of_layer("0") if isinstance(kernel, MatVec))
        assert (unit.vectors, unit.multipliers) == (576, 4 * 25)
    flow = build_dataflow(lenet(), HardwareConfig(target_interval=575))
    assert any(isinstance(kernel, UnrolledMatVec) for kernel in flow.of_layer("0"))


def test_padding_is_no_floor_of_a_folded_unit() -> None:
    """A scan of 14 x 14 for 144 positions: every multiplier works in every cycle, measured over frames."""
    q = network(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1), shape=(2, 12, 12))
    flow = build_design(q, HardwareConfig(target_interval=144))
    assert time_dataflow(flow).interval == interval(flow) == 144
    assert multipliers(flow) == 4 * 18 + 3 * 36
    assert windows(flow) == {"0": 2, "2": 2}


def test_strides_leave_cycles_to_fold_in() -> None:
    """Of 144 pixels, two at a time, come 36 positions: two cycles for each, at half the multipliers."""
    q = network(nn.Conv2d(2, 8, 2, stride=2), shape=(2, 12, 12))
    flow = build_dataflow(q, HardwareConfig(target_interval=72))
    assert (windows(flow)["0"], interval(flow), multipliers(flow)) == (2, 72, 8 * 8 // 2)
    flow = build_dataflow(q, HardwareConfig(target_interval=36))
    assert (windows(flow)["0"], interval(flow), multipliers(flow)) == (4, 36, 8 * 8)
    flow = build_dataflow(q, HardwareConfig(target_interval=35))
    assert any(isinstance(kernel, UnrolledMatVec) for kernel in flow.kernels)


def test_depthwise_units_stay_folded_too() -> None:
    q = network(nn.Conv2d(4, 4, 3, padding=1, groups=4), shape=(4, 12, 12))
    flow = build_dataflow(q, HardwareConfig(target_interval=150))
    (unit,) = (kernel for kernel in flow.kernels if isinstance(kernel, ChannelMac))
    assert (unit.lanes, interval(flow), windows(flow)) == (4, 144, {"0": 2})


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (LayerFolding(pixels=7), UnrolledMatVec),
        (LayerFolding(pixels=2, pe=2, simd=5), MatVec),
        (LayerFolding(pixels=1), MatVec),
        (LayerFolding(pixels=4, strategy=Strategy.UNROLLED), UnrolledMatVec),
    ],
)
def test_pixels_by_hand(wish: LayerFolding, kind: type) -> None:
    flow = build_dataflow(lenet(), HardwareConfig(target_interval=300, layers={"0": wish}))
    assert windows(flow)["0"] == wish.pixels
    (unit,) = (kernel for kernel in flow.of_layer("0") if isinstance(kernel, (MatVec, UnrolledMatVec)))
    assert isinstance(unit, kind)
    if wish.pe is not None:
        assert unit.folding == (wish.pe, wish.simd)
    assert windows(flow)["2"] == 2  # the others meet the target


@pytest.mark.parametrize(
    ("layer", "wish", "sentence"),
    [
        (
            "0",
            LayerFolding(pixels=3),
            "pixels of layer '0' is 3, which does not divide its rows of 28; choose one of 1, 2, 4, 7, 14, "
            "28",
        ),
        (
            "7",
            LayerFolding(pixels=2),
            "pixels of layer '7' is 2, and this layer cannot take so many at once; leave pixels out",
        ),
        (
            "1x1",
            LayerFolding(pixels=2, pe=1),
            "pixels of layer '1x1' is 2, and this layer cannot take so many at once with pe, simd or "
            "reuse_factor by hand; leave pixels out",
        ),
    ],
)
def test_pixels_that_a_layer_cannot_take(layer: str, wish: LayerFolding, sentence: str) -> None:
    q = lenet()
    if layer == "1x1":
        q, layer = network(nn.Conv2d(2, 3, 1), shape=(2, 8, 8)), "0"
        sentence = sentence.replace("1x1", "0")
    with pytest.raises(ConfigError) as error:
        build_dataflow(q, HardwareConfig(target_interval=100, layers={layer: wish}))
    assert str(error.value) == sentence
