"""Cycles of C++ that is not there yet against the modelled schedule of the C++ itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import actors, engine, plain
from hpq_hls.cost.loops import loops_of
from hpq_hls.cost.modelled import modelled_cycles
from hpq_hls.cost.stages import End, Network, Stage, network_of
from hpq_hls.errors import ConfigError
from hpq_hls.kernels import StageKind
from hpq_hls.project import Project
from tests.dags import drawn
from tests.rtl.cases import conv_flow

FRAMES = 64
BURSTS = (91600, 91636)
"""Of ``drawn``: reorderings of small frames, which their beats reach in bursts."""
OTHERS = (97110, 97120)
"""Several ports, splices, pixels side by side."""


class Joined(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (nn.Conv2d(2, 2, 3, padding=1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.relu(self.a(x))
        return torch.relu(self.b(y)) + y


class Turned(nn.Module):
    """A frame has to be there before it leaves the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (nn.Conv2d(1, 1, 1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.b(torch.relu(self.a(x)).flip(3))
        return y


def chain() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 5))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "turned": (Turned, (1, 4, 6), 24),
    "chain": (chain, (1, 6, 6), 90),
    "joined": (Joined, (2, 5, 5), 90),  # the slowest way through is not the one of most processes
}


@pytest.mark.parametrize("name", NETWORKS)
def test_cycles_are_those_of_the_modelled_schedule(name: str, tmp_path: Path) -> None:
    make, shape, aim = NETWORKS[name]
    torch.manual_seed(2)  # types in memory with less than no bit above the point, too
    graph = hpq.from_torch(make().eval(), torch.zeros(2, *shape))
    q = hpq.quantize(graph, np.random.default_rng(3).normal(size=(10, *shape)), 5)
    found = hpq.estimate(q, backend="vitis", target_interval=aim)
    schedule = hpq.generate(q, tmp_path / "p", target_interval=aim).course().spread("vitis")
    assert found.interval_range == schedule.interval_cycles
    assert found.latency_range == schedule.latency_cycles
    assert "2 to 24 stages" in found.cycles_of
    assert found.stage.endswith("with the FIFOs of the vitis project")
    twin = hpq.estimate(q, target_interval=aim)
    assert (twin.backend, twin.latency_range, twin.interval_range) == ("rtl", None, None)
    assert (twin.latency_cycles, twin.interval_cycles) == (found.latency_cycles, found.interval_cycles)


@pytest.fixture(scope="module", params=(*BURSTS, *OTHERS))
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    network = drawn(request.param)
    folder = tmp_path_factory.mktemp("loops") / "p"
    return hpq.generate(network.q, folder, "vitis", oversize=True, **network.hardware)


def test_each_loop_is_that_of_the_cpp(project: Project) -> None:
    """At every depth of pipelines."""
    flow = project.dataflow
    depths = [stream.depth for stream in flow.streams.values()]
    for schedule in project.course().schedules(range(2, 25), frames=FRAMES):
        run = engine.follow(*loops_of(network_of(flow, in_step=False), depths, schedule.depth))
        assert run.ends is not None
        assert (run.interval, run.ends[0] + 1) == (schedule.interval_cycles, schedule.latency_cycles)


def test_compiled_loops_are_the_plain_ones(project: Project) -> None:
    flow = project.dataflow
    built = [stream.depth for stream in flow.streams.values()]
    for depths in (built, [2] * len(built)):
        for stages in (2, 9):
            network, all_depths = loops_of(network_of(flow, in_step=False), depths, stages)
            fast = engine.follow(network, all_depths, fills=True, frames=16)
            slow = engine.Run(*plain.follow(network, all_depths, 0, 16))
            assert fast.ends == slow.ends
            assert fast.ends is None or fast == slow


def _alone(inputs: Sequence[actors.Channel], outs: Sequence[actors.Channel], _: object) -> Iterator[None]:
    return actors.pipeline(inputs, outs[0], 1, 2)


def test_an_actor_of_a_kernel_of_ones_own_keeps_its_pace() -> None:
    """Every other beat makes one; nothing is known of its loop."""
    mine = Stage(StageKind.OWN, (0,), (1,), (), _alone)
    network = Network((mine,), (End(0, 10),), (End(1, 5),), (0, 0))
    runs = [engine.follow(*loops_of(network, [2, 2], stages)) for stages in (2, 7)]
    assert [run.interval for run in runs] == [10, 10]
    assert runs[0].ends is not None
    assert runs[1].ends is not None
    assert runs[1].ends[0] - runs[0].ends[0] == 3 * 5  # two ports, and what stands behind it


def test_a_join_without_room_is_an_error() -> None:
    assert modelled_cycles(conv_flow("flows", (2, 40))).interval[0] > 0
    with pytest.raises(ConfigError, match="the dataflow stops, with pipelines of 2 stages"):
        modelled_cycles(conv_flow("stuck", (2, 2)))
