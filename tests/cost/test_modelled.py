"""The closed form of the modelled schedule against the model itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq


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


NETWORKS = {
    "turned": (Turned(), (1, 4, 6), 0),
    "chain": (
        nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 5)),
        (1, 6, 6),
        0,
    ),
    "joined": (Joined(), (2, 5, 5), 0.05),  # the slowest way through is not always the one of most processes
}


@pytest.mark.parametrize("name", NETWORKS)
def test_cycles_are_those_of_the_modelled_schedule(name: str, tmp_path: Path) -> None:
    net, shape, more = NETWORKS[name]
    aim = 24 if name == "turned" else 90
    torch.manual_seed(3)
    graph = hpq.from_torch(net.eval(), torch.zeros(2, *shape))
    q = hpq.quantize(graph, np.random.default_rng(3).normal(size=(10, *shape)), 5)
    found = hpq.estimate(q, backend="vitis", target_interval=aim)
    schedule = hpq.generate(q, tmp_path / "p", target_interval=aim).course().spread("vitis")
    assert found.interval_range == schedule.interval_cycles
    assert found.latency_range is not None
    assert schedule.latency_cycles is not None
    for mine, modelled in zip(found.latency_range, schedule.latency_cycles, strict=True):
        assert modelled <= mine <= modelled * (1 + more)
    assert "2 to 24 stages" in found.cycles_of
    assert found.stage.endswith("with the FIFOs of the vitis project")
    twin = hpq.estimate(q, target_interval=aim)
    assert (twin.backend, twin.latency_range, twin.interval_range) == ("rtl", None, None)
    assert (twin.latency_cycles, twin.interval_cycles) == (found.latency_cycles, found.interval_cycles)
