"""The cycles of the timing model are those of the RTL, one for one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hpq_hls.billing.families import DSP48E1
from hpq_hls.cost import actors, engine, plain
from hpq_hls.cost.stages import Network, network_of
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import Dataflow, HardwareConfig, Io, build_dataflow
from hpq_hls.kernels import MatVec
from hpq_hls.quantize import Quantizer
from tests.networks import random_network
from tests.rtl.cases import (
    MATVECS,
    Mac,
    Slide,
    conv_flow,
    mac_flows,
    matvec_flow,
    other_flows,
    packed_flow,
    window_flow,
    window_flows,
)
from tests.rtl.harness import Batch, Traffic

DEPTHS = (2, 40)  # the skip branch holds what the convolution is ahead
FRAMES = 16
PACES = (0, 0, 500)


def random_flows(seed: int, count: int = 3) -> Iterator[Dataflow]:
    """A random network at random foldings."""
    draw = random.Random(seed)
    module, shape = random_network(seed)
    x = np.random.default_rng(seed).normal(size=(6, *shape))
    q = Quantizer(from_torch(module, torch.zeros(2, *shape)), x).quantize(8)
    for _ in range(count):
        target = draw.choice([1, 10, 40, 200, 1000, 1 << 30])
        yield build_dataflow(q, HardwareConfig(target_interval=target))
    if seed % 4 == 0:
        yield build_dataflow(q, HardwareConfig(io=Io.PARALLEL))


def slowly(network: Network, depths: list[int], pace: int) -> engine.Run:
    ends, fills, period = plain.follow(network, depths, pace, FRAMES)
    return engine.Run(ends, fills, period)


@pytest.mark.slow
def test_cycles_of_the_rtl(tmp_path: Path) -> None:
    """Latency right after reset and interval of designs of every kind, to the cycle."""
    flows = [*window_flows()[1::4], *mac_flows()[::5], *other_flows()[1::4], conv_flow("conv", DEPTHS)]
    flows = [replace(flow, name=f"t{index}") for index, flow in enumerate(flows)]
    batch = Batch(flows, tmp_path, frames=4)
    for flow, result in zip(flows, batch.run(Traffic()), strict=True):
        ends = result.out_cycles[:, -1]
        timing = time_dataflow(flow)
        kinds = [kernel.kind for kernel in flow.kernels]
        assert timing.latency == ends[0] - result.in_cycles[0, 0], (flow.name, kinds)
        assert timing.interval == ends[-1] - ends[-2], (flow.name, kinds)
    assert {kernel.kind for flow in flows for kernel in flow.kernels} >= {
        "window", "matvec", "channelmac", "unrolled", "pool", "combine", "cast", "fork", "widthconverter"
    }  # fmt: skip


def test_there_is_a_compiler() -> None:
    assert engine.is_compiled()


@pytest.mark.parametrize("seed", range(100, 125))
def test_compiled_actors_are_the_plain_ones(seed: int) -> None:
    """Random networks, foldings and FIFO depths, with and without backpressure; some of them hang."""
    draw = random.Random(seed)
    for flow in random_flows(seed):
        network, built = network_of(flow), [stream.depth for stream in flow.streams.values()]
        drawn = [draw.choice([2, 2, 3, 5, 16, 100]) for _ in built]
        for depths in (built, [2] * len(built), drawn):
            pace = draw.choice(PACES)
            fast = engine.follow(network, depths, pace=pace, fills=True, frames=FRAMES)
            slow = slowly(network, depths, pace)
            assert fast.ends == slow.ends, (flow.name, depths, pace)
            if fast.ends is not None:
                assert fast == slow, (flow.name, depths, pace)


def test_without_a_compiler_the_plain_actors_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = conv_flow("plain", DEPTHS)
    network, depths = network_of(flow), [stream.depth for stream in flow.streams.values()]
    compiled = engine.follow(network, depths, fills=True)
    monkeypatch.setattr(engine, "_library", lambda: None)
    assert engine.follow(network, depths, fills=True) == compiled


def test_a_unit_at_work_holds_up_its_producer() -> None:
    """Two FIFO places are too few for a vector that arrives while the unit works on the one before."""
    slow = conv_flow("slow", DEPTHS)
    slowest = max(kernel.cycles(slow.streams) for kernel in slow.kernels)
    assert time_dataflow(slow).interval > slowest
    roomy = replace(slow, streams={name: replace(s, depth=64) for name, s in slow.streams.items()})
    assert time_dataflow(roomy).interval == slowest
    assert time_dataflow(roomy).latency <= time_dataflow(slow).latency


def test_a_beat_is_taken_where_there_is_a_place_for_its_result() -> None:
    """Whichever is known first, that a place is free or that the next beat came."""
    for first in (True, False):
        given, out = actors.Channel(8), actors.Channel(2)
        given.pushes.append(0)
        unit = actors.pipeline([given], out, 4)
        out.pushes.append(0)  # somebody's beat, until cycle 20
        next(unit)
        if first:
            given.pushes.append(2)
            next(unit)
        assert given.pops == [1]
        out.pops.append(20)
        next(unit)
        if not first:
            given.pushes.append(2)
            next(unit)
        assert given.pops == [1, 21]
        assert out.pushes == [0, 5, 25]


def test_types_do_not_matter() -> None:
    flow = matvec_flow("m", MATVECS[0])
    other = {
        name: replace(stream, type=replace(stream.type, width=16)) for name, stream in flow.streams.items()
    }
    assert time_dataflow(flow) is time_dataflow(replace(flow, streams=other))  # followed once


@pytest.mark.parametrize("clock_ns", [5.0, 7.0, 10.0, 25.0])
def test_rows_that_share_blocks_leave_latency_as_it_is(clock_ns: float) -> None:
    """Whether sums overlap, lie apart, or are of products in LUTs; and every stage has time for its logic."""
    pace = HardwareConfig(part="xc7z020", clock_ns=clock_ns).pace
    overlaps, gaps = set[bool](), set[int]()
    for simd in (1, 2, 4, 6, 12, 24, 48):
        lengths = set[int]()
        for width in range(2, 9):
            mac = Mac(1, 8, 48, pe=8, simd=simd, x=f"ap_fixed<{width},{width}>", w=f"ap_fixed<{width},1>")
            flow = packed_flow(matvec_flow("net", mac), DSP48E1)
            placed = flow.kernels[0].at(pace)
            assert isinstance(placed, MatVec)
            overlaps.add(placed.packing is not None and placed.packing.overlap > 0)
            gaps.add(placed.gap)
            for made in (placed, placed.in_fabric()):
                lengths.add(made.latency(flow.streams))
                assert made.critical(flow.streams) <= pace.budget, (simd, width)
        assert len(lengths) == 1, simd
    assert overlaps == {True, False}
    assert len(gaps) == 2 or clock_ns > 10


def test_a_join_without_room_is_an_error() -> None:
    """The convolution needs more than a row before it gives anything; the other branch cannot hold that."""
    assert time_dataflow(conv_flow("flows", DEPTHS)).interval > 0
    with pytest.raises(ConfigError, match="stops with FIFOs full"):
        time_dataflow(conv_flow("stuck", (2, 2)))


def test_long_designs_are_exact_too() -> None:
    """A picture of half a million pixels: no row of windows ends before its last pixel has come."""
    timing = time_dataflow(window_flow("big", Slide(1, (700, 800), (3, 3))))
    assert timing.interval == 700 * 800
    assert timing.latency == time_dataflow(window_flow("small", Slide(1, (7, 8), (3, 3)))).latency + (
        700 * 800 - 7 * 8
    )
