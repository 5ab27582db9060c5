"""The designs whose files `mutations.py` changes: small, and a bit of everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.project import Project
from hpq_hls.simulate import QuantizedGraph


@dataclass(frozen=True)
class Design:
    """A network with its precisions, and how it is generated.

    shape: of a sample. hardware: what `hpq.generate` takes.
    """

    network: Callable[[], nn.Module]
    shape: tuple[int, ...]
    precision: Any
    hardware: Mapping[str, Any] = field(default_factory=dict)

    def quantized(self) -> QuantizedGraph:
        """With random weights, the same ones each time."""
        torch.manual_seed(11)
        graph = hpq.from_torch(self.network().eval(), torch.zeros(1, *self.shape))
        return hpq.quantize(graph, self.samples(24), precision=self.precision)

    def samples(self, count: int) -> np.ndarray:
        """Random inputs."""
        return np.random.default_rng(5).normal(0, 1, (count, *self.shape)).astype(np.float32)

    def generate(self, folder: Path, backend: str) -> Project:
        """Its project."""
        return hpq.generate(self.quantized(), folder, backend=backend, **self.hardware)


class Lenet(nn.Module):
    """Convolutions with batch-norm, maxima, dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.norm2 = nn.Conv2d(4, 6, 3, stride=2), nn.BatchNorm2d(6)
        self.fc1, self.fc2 = nn.Linear(24, 8), nn.Linear(8, 5)
        for norm in (self.norm1, self.norm2):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(torch.relu(self.norm1(self.conv1(x))), 2)
        x = torch.relu(self.norm2(self.conv2(x))).flatten(1)
        return self.fc2(torch.relu(self.fc1(x)))


class Residual(nn.Module):
    """A sum around a depthwise and a dense convolution, a gate, averages, softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.point, self.gate = nn.Conv2d(4, 4, 1), nn.Conv2d(2, 4, 3, padding=2, dilation=2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.stem(x))
        y = torch.relu(y + self.point(torch.relu(self.deep(y))))
        gate = torch.sigmoid(self.gate(x))
        both = torch.cat([nn.functional.avg_pool2d(y * gate, 2), nn.functional.max_pool2d(y, 2)], 1)
        return torch.softmax(self.fc(both.mean((2, 3))), 1)


class Sparse(nn.Module):
    """Dense layers of which most weights are zero, slopes below zero."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(12, 10), nn.Linear(10, 8), nn.Linear(8, 4)
        with torch.no_grad():
            for layer in (self.fc1, self.fc2, self.fc3):
                layer.weight *= torch.rand_like(layer.weight) < 0.35

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.leaky_relu(self.fc1(x), 0.125)
        return torch.tanh(self.fc3(nn.functional.hardtanh(self.fc2(x), -0.75, 1.5)))


DESIGNS: Mapping[str, Design] = {
    "lenet": Design(
        Lenet,
        (1, 12, 12),
        {
            "default": {"weight": 5, "activation": 6},
            "layers": {
                "conv1": {"weight": 4, "activation": 5},
                "conv2": {"weight": 3, "activation": 4, "rounding": "AP_TRN"},
                "fc1": {"weight": 6, "activation": 7},
            },
        },
        {"target_interval": 300, "fifo_depths": {"conv1_windows": 300, "fc1_out": 40}},
    ),
    "residual": Design(
        Residual,
        (2, 6, 6),
        {"default": {"weight": 4, "activation": 5}, "layers": {"stem": {"activation": 4}}},
        {"layers": {"point": {"strategy": "unrolled"}, "fc": {"pe": 1, "simd": 2}}, "target_interval": 150},
    ),
    "sparse": Design(
        Sparse,
        (12,),
        {"default": {"weight": 5, "activation": 5}, "layers": {"fc2": {"weight": 4, "activation": 6}}},
        {"io": "parallel", "strategy": "da", "layers": {"fc2": {"strategy": "unrolled"}}},
    ),
}
