"""FIFO depths: enough for the rate of the slowest kernel, and no beat more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import fifos, size_fifos, time_dataflow
from hpq_hls.cost.engine import follow
from hpq_hls.cost.stages import network_of
from hpq_hls.hardware import MIN_DEPTH, Dataflow, HardwareConfig, build_dataflow
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
        least = fifos._with_bubbles(network)
        for number, depth in enumerate(depths):
            if depth > MIN_DEPTH:
                fewer = [*depths[:number], depth - 1, *depths[number + 1 :]]
                run = follow(network, fewer)
                hangs = least is not None and follow(least, fewer).ends is None
                assert hangs or run.ends is None or run.interval > slowest(flow), (flow.name, number)


def test_a_design_that_hangs_gets_room() -> None:
    sized = size_fifos(conv_flow("stuck", (2, 2)))
    assert time_dataflow(sized).interval == slowest(sized)


def test_nothing_hangs_before_it_is_sized() -> None:
    """What is there last is read twice, and so comes from a fork; what waits for it does not."""

    class Late(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.early = nn.Conv2d(2, 4, 1)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            late = torch.cat([x.flip(3), x.flip(2)], 1)
            return torch.maximum(late, self.early(x)), late.abs()

    x = np.random.default_rng(0).normal(size=(4, 2, 5, 5))
    q = hpq.quantize(hpq.from_torch(Late().eval(), torch.zeros(1, 2, 5, 5)), x, 6)
    flow = build_dataflow(q, HardwareConfig(target_interval=100))
    assert time_dataflow(flow).interval == slowest(flow)


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


def test_what_waits_does_not_count_on_registers_of_a_pipeline(tmp_path: Path) -> None:
    """A vector and the same scaled, one behind the other: the scaled one waits until the other has passed."""

    class Both(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, x * torch.linspace(-1, 1, 12)], 1)

    x = np.random.default_rng(0).normal(size=(4, 12))
    q = hpq.quantize(hpq.from_torch(Both(), torch.zeros(1, 12)), x, 6)
    project = hpq.generate(q, tmp_path / "rtl", backend="rtl", target_interval=1000)
    depths = {name: stream.depth for name, stream in project.dataflow.streams.items()}
    assert depths["channelaffine_out"] >= 12 - depths["x_copy0"] - 2  # it and the pipeline's only beat
    assert project.cosim(x, scenarios=("random_gaps",)).passed
