"""FIFO depths: enough for the rate of the slowest kernel, and no beat more."""

from __future__ import annotations

import pytest

from hpq_hls.cost import fifos, size_fifos, time_dataflow
from hpq_hls.cost.engine import follow
from hpq_hls.cost.stages import network_of
from hpq_hls.hardware import MIN_DEPTH, Dataflow
from tests.cost.test_timing import DEPTHS, random_flows
from tests.rtl.cases import conv_flow


def slowest(flow: Dataflow) -> int:
    beats = [stream.beats for stream in flow.streams.values()]
    return max([kernel.cycles(flow.streams) for kernel in flow.kernels] + beats)


@pytest.mark.parametrize("seed", range(200, 220))
def test_no_rate_is_lost_and_no_beat_is_spare(seed: int) -> None:
    for flow in random_flows(seed):
        sized = size_fifos(flow)
        assert time_dataflow(sized).interval == slowest(flow)
        network, depths = network_of(flow), [stream.depth for stream in sized.streams.values()]
        for number, depth in enumerate(depths):
            if depth > MIN_DEPTH:
                run = follow(network, [*depths[:number], depth - 1, *depths[number + 1 :]])
                assert run.ends is None or run.interval > slowest(flow), (flow.name, number)


def test_a_design_that_hangs_gets_room() -> None:
    sized = size_fifos(conv_flow("stuck", (2, 2)))
    assert time_dataflow(sized).interval == slowest(sized)


def test_depths_hold_whatever_the_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no time to shrink them, FIFOs are deeper, and as fast."""
    flow = conv_flow("deep", DEPTHS)
    least = size_fifos(flow)
    monkeypatch.setattr(fifos, "EFFORT", 0)
    fifos._depths.cache_clear()
    most = size_fifos(flow)
    fifos._depths.cache_clear()
    assert time_dataflow(most).interval == slowest(flow)
    assert all(least.streams[name].depth <= stream.depth for name, stream in most.streams.items())
