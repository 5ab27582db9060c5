"""A network with a shortcut and two inputs, and things to change in what is generated of it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.project import Project
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.verify.cosim_run import ScenarioResult


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.side, self.head = nn.Conv2d(1, 3, 1), nn.Linear(12, 4)

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        y = self.second(x) + x + self.side(z)
        return self.head(nn.functional.max_pool2d(y, 2).flatten(1))


def samples(count: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(size=(count, 2, 4, 4)).astype(np.float32),
        "z": rng.normal(size=(count, 1, 4, 4)).astype(np.float32),
    }


def network() -> QuantizedGraph:
    torch.manual_seed(0)
    graph = hpq.from_torch(Residual().eval(), (torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 4)))
    return hpq.quantize(graph, samples(8, 0), precision=6)


def failed(*scenarios: str) -> list[ScenarioResult]:
    """Scenarios that are to be looked at."""
    return [
        ScenarioResult(name, "", False, ("wrong",), 0, 0, 0, None, None, 0, 0.0, {}) for name in scenarios
    ]


def edit(path: Path, old: str, new: str, behind: str = "") -> None:
    """Change the first such words behind others."""
    text = path.read_text()
    at = text.index(behind)
    assert old in text[at:], old
    path.write_text(text[:at] + text[at:].replace(old, new, 1))


def flip_rom(project: Project, name: str) -> None:
    """The highest bit that is not padding of the first word of a memory file."""
    (memory,) = (project.path / "rtl").glob(f"*_{name}.mem")
    lines = memory.read_text().splitlines()
    number = next(index for index, line in enumerate(lines) if re.fullmatch("[0-9a-f]+", line.strip()))
    lines[number] = format(int(lines[number][0], 16) ^ 1, "x") + lines[number][1:]
    memory.write_text("\n".join(lines) + "\n")
