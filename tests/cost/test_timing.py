"""The cycles of the timing model are those of the RTL, one for one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hpq_hls.cost.timing import MAX_STEPS, approximate, time_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.hardware.kernels import Dataflow
from tests.rtl.cases import MATVECS, SLIDES, conv_flow, mac_flows, matvec_flow, other_flows, window_flow, window_flows
from tests.rtl.harness import Batch, Traffic


@pytest.mark.slow
def test_cycles_of_the_rtl(tmp_path: Path) -> None:
    """Latency right after reset and interval of designs of every kind, to the cycle."""
    flows = [*window_flows()[1::4], *mac_flows()[::5], *other_flows()[1::4], conv_flow("conv")]
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
