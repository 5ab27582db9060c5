"""The cycles of the timing model are those of the RTL, one for one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hpq_hls.cost.timing import approximate, time_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.hardware.kernels import Dataflow
from tests.rtl.cases import (
    MATVECS,
    Slide,
    conv_flow,
    mac_flows,
    matvec_flow,
    other_flows,
    window_flow,
    window_flows,
)
from tests.rtl.harness import Batch, Traffic

DEPTHS = (2, 40)  # the skip branch holds what the convolution is ahead


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
        assert timing.followed
        assert timing.latency == ends[0] - result.in_cycles[0, 0], (flow.name, kinds)
        assert timing.interval == ends[-1] - ends[-2], (flow.name, kinds)
    assert {kernel.kind for flow in flows for kernel in flow.kernels} >= {
        "window", "matvec", "channelmac", "unrolled", "pool", "add", "cast", "fork", "widthconverter"
    }  # fmt: skip


def test_a_unit_at_work_holds_up_its_producer() -> None:
    """Two FIFO places are too few for a vector that arrives while the unit works on the one before."""
    slow = conv_flow("slow", DEPTHS)
    slowest = max(kernel.cycles(slow.streams) for kernel in slow.kernels)
    assert time_dataflow(slow).interval > slowest
    roomy = replace(slow, streams={name: replace(s, depth=64) for name, s in slow.streams.items()})
    assert time_dataflow(roomy).interval == slowest
    assert time_dataflow(roomy).latency <= time_dataflow(slow).latency


def test_types_do_not_matter() -> None:
    flow = matvec_flow("m", MATVECS[0])
    other = {
        name: replace(stream, type=replace(stream.type, width=16)) for name, stream in flow.streams.items()
    }
    assert time_dataflow(flow) is time_dataflow(replace(flow, streams=other))  # followed once


def test_a_join_without_room_is_an_error() -> None:
    """The convolution needs more than a row before it gives anything; the other branch cannot hold that."""
    assert time_dataflow(conv_flow("flows", DEPTHS)).interval > 0
    with pytest.raises(ConfigError, match="stops with FIFOs full"):
        time_dataflow(conv_flow("stuck", (2, 2)))


def test_long_designs_are_approximated() -> None:
    small = window_flow("small", Slide(1, (40, 50), (3, 3)))
    big = window_flow("big", Slide(1, (400, 500), (3, 3)))
    assert time_dataflow(small).followed
    timing = time_dataflow(big)
    assert not timing.followed
    assert timing.interval == 400 * 500
    assert timing.latency == pytest.approx(400 * 500, rel=0.01)


@pytest.mark.parametrize(
    "flow", [*window_flows(), *mac_flows(), *other_flows(), conv_flow("c", DEPTHS)], ids=lambda f: f.name
)
def test_the_approximation_is_near(flow: Dataflow) -> None:
    exact, near = time_dataflow(flow), approximate(flow)
    assert near.interval == pytest.approx(exact.interval, rel=0.3)  # it knows nothing of full FIFOs
    # Nor how evenly beats really flow, nor the head start of the padding.
    assert near.latency == pytest.approx(exact.latency, rel=0.6, abs=15)
