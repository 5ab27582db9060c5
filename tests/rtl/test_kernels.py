"""Every kernel in simulation: all words, any traffic, exact cycles.

Verilator's lint with -Wall is part of every build, and any warning fails it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.billing import memory
from hpq_hls.billing.delays import Pace
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.hardware import MIN_DEPTH, Dataflow
from hpq_hls.hardware.dataflow import SHORTEST
from hpq_hls.kernels import (
    ChannelMac,
    Kernel,
    MatVec,
    WidthConverter,
    Window,
)
from tests.rtl.cases import (
    converter_flow,
    fabric_flows,
    mac_flows,
    other_flows,
    packed_flows,
    random_slide,
    scaled_flows,
    signed_flows,
    window_flow,
    window_flows,
)
from tests.rtl.harness import Batch, Result, Traffic

TRAFFIC = (
    Traffic(seed=2, valid=50),
    Traffic(seed=3, ready=50),
    Traffic(seed=4, valid=30, ready=30),
    Traffic(seed=5, valid=70, ready=70, reset_at=57),
    Traffic(seed=6, reset_at=23, wrong_last=True),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "flows",
    [window_flows, mac_flows, scaled_flows, signed_flows, packed_flows, fabric_flows, other_flows],
)
def test_words_and_cycles(flows: Callable[[], list[Dataflow]], tmp_path: Path) -> None:
    batch = Batch(flows(), tmp_path)
    for expected in batch.expected:
        assert len(np.unique(expected)) > 1, "the case shows nothing"
    for flow, result in zip(batch.flows, batch.check(Traffic()), strict=True):
        if len(flow.kernels) == 1:
            _check_interval(flow, result)
            _check_latency(flow, result)
    for traffic in TRAFFIC:
        batch.check(traffic)
    _check_that_rom_bits_matter(batch)


@pytest.mark.slow
@pytest.mark.parametrize("flows", [window_flows, mac_flows, other_flows])
def test_words_and_cycles_in_slices(
    flows: Callable[[], list[Dataflow]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hangs on one enable or address is cut as if nets drove a dozen loads at most."""
    monkeypatch.setattr(memory, "SLICE", 12)
    batch = Batch(flows()[::2], tmp_path)
    text = "".join((tmp_path / "rtl" / f"{flow.name}.sv").read_text() for flow in batch.flows)
    assert len(re.findall(r"\.SLICE *\(", text)) > 20
    for traffic in (Traffic(), *TRAFFIC):
        for flow, result in zip(batch.flows, batch.check(traffic), strict=True):
            if traffic == Traffic() and len(flow.kernels) == 1:
                _check_interval(flow, result)
                _check_latency(flow, result)


def _at_clock(flow: Dataflow, clock_ns: float) -> Dataflow:
    (kernel,) = flow.kernels
    pace = Pace(kernel.pace.delays, kernel.pace.delays.left(clock_ns))
    return replace(flow, kernels=(kernel.at(pace),))


@pytest.mark.slow
@pytest.mark.parametrize(("share", "clock_ns"), enumerate([0.5, 2.5, 30.0]))
def test_words_and_cycles_at_other_clocks(share: int, clock_ns: float, tmp_path: Path) -> None:
    """From a register wherever there can be one to as few as there can be: the model knows the latency."""
    cases = (mac_flows, scaled_flows, signed_flows, packed_flows, fabric_flows, other_flows)
    flows = [flow for make in cases for flow in make() if len(flow.kernels) == 1][share::6]
    paced = [_at_clock(flow, clock_ns) for flow in flows]
    lengths = [[flow.kernels[0].latency(flow.streams) for flow in all_] for all_ in (flows, paced)]
    assert lengths[0] != lengths[1], "the clock changes nothing"
    batch = Batch(paced, tmp_path)
    for flow, result in zip(batch.flows, batch.check(Traffic()), strict=True):
        _check_interval(flow, result)
        latency = int(result.out_cycles[0, -1] - result.in_cycles[0, 0])
        assert latency == time_dataflow(flow).latency, flow.name
    for traffic in TRAFFIC:
        batch.check(traffic)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("slice_bits", [memory.SLICE, 12])
def test_random_windows_of_several_pixels(
    seed: int, slice_bits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SLICE", slice_bits)
    rng = np.random.default_rng(seed)
    slides = [random_slide(rng, uneven=index % 2 > 0) for index in range(24)]
    batch = Batch([window_flow(f"w{index}", slide) for index, slide in enumerate(slides)], tmp_path)
    for flow, result in zip(batch.flows, batch.check(Traffic()), strict=True):
        _check_interval(flow, result)
        _check_latency(flow, result)
        timing = time_dataflow(flow)
        assert timing.latency == result.out_cycles[0, -1] - result.in_cycles[0, 0], flow.name
    for traffic in TRAFFIC:
        batch.check(traffic)


def _check_interval(flow: Dataflow, result: Result) -> None:
    """Frames follow each other at the pace that the kernel promises, not a cycle slower."""
    ends = result.out_cycles[:, -1]
    assert set(np.diff(ends)) == {flow.kernels[0].cycles(flow.streams)}, flow.name


def _check_latency(flow: Dataflow, result: Result) -> None:
    """From the first beat in to the first beat out: the kernel's own, and a cycle in each FIFO."""
    kernel = flow.kernels[0]
    latency = int(result.out_cycles[0, 0] - result.in_cycles[0, 0]) - 2
    if isinstance(kernel, Window):
        geometry = kernel.geometry
        chunks = kernel.chunks(flow.streams[flow.input].lanes)
        columns = geometry.scan[1]
        first_pixel = (geometry.pad_top * columns + geometry.pad_beats) * chunks
        first_window = (geometry.first[0] * columns + geometry.first[1]) * chunks
        # How much of the padding has been scanned before the first pixel depends on when that comes.
        assert max(first_window - first_pixel, 0) <= latency <= first_window, flow.name
    else:
        assert latency == _latency(kernel, flow), flow.name


def _latency(kernel: Kernel, flow: Dataflow) -> int:
    """What the kernel says, behind the beats that it needs for its first."""
    if isinstance(kernel, WidthConverter):
        return max(1, flow.streams[flow.output].lanes // flow.streams[flow.input].lanes)
    before = kernel.synapse_folds - 1 if isinstance(kernel, MatVec) else 0
    return before + kernel.latency(flow.streams)


def _check_that_rom_bits_matter(batch: Batch) -> None:
    """A design with one flipped ROM bit gives a wrong result, and it alone."""
    names = [
        flow.name for flow in batch.flows if flow.kernels and isinstance(flow.kernels[0], MatVec | ChannelMac)
    ]
    roms = [
        (name, rom)
        for name in names[:3]
        for what in ("weight", "shift")
        for rom in batch.folder.glob(f"rtl/{name}_*_{what}.mem")
    ]
    for name, rom in roms:
        text = rom.read_text()
        rom.write_text(text[:-2] + f"{int(text[-2], 16) ^ 1:x}\n")
        results = batch.run(Traffic())
        rom.write_text(text)
        wrong = [
            flow.name
            for flow, result, expected in zip(batch.flows, results, batch.expected, strict=True)
            if not np.array_equal(result.frames, expected)
        ]
        assert wrong == [name]


@pytest.mark.slow
def test_fifo_probe_finds_the_least_depth(tmp_path: Path) -> None:
    """With as many places as the probe shows nothing changes; with one less, input has to wait."""
    least = 12  # 18 beats come in 18 cycles, meanwhile every third cycle one goes
    beyond = SHORTEST - MIN_DEPTH
    depths = {"deep": 100, "least": least - beyond, "shallow": least - 1 - beyond}
    flows = [converter_flow(f"fifo_{name}", 9, 3, depth) for name, depth in depths.items()]
    batch = Batch(flows, tmp_path, probes=("x", "y", "x"))
    deep, same, shallow = batch.check(Traffic())
    assert batch.probed == {"x": least, "y": 2}
    np.testing.assert_array_equal(deep.in_cycles, same.in_cycles)
    assert shallow.in_cycles[-1, -1] > deep.in_cycles[-1, -1]
