"""The networks that simulators are compared on, their data, and the torch side of the comparison."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

FloatArray = npt.NDArray[np.floating]

WIDEN = "widen"
"""A layer in front of ResNet-8's average that does nothing; hls4ml needs a cast there."""


class Mlp(nn.Module):
    """Jet tagging, 16 -> 5."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.relu1 = nn.Linear(16, 64), nn.ReLU()
        self.fc2, self.relu2 = nn.Linear(64, 32), nn.ReLU()
        self.fc3, self.relu3 = nn.Linear(32, 32), nn.ReLU()
        self.fc4 = nn.Linear(32, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu1(self.fc1(x))
        x = self.relu2(self.fc2(x))
        return self.fc4(self.relu3(self.fc3(x)))


class LeNet(nn.Module):
    """Digits, 1x28x28 -> 10."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1, self.pool1 = nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.relu2, self.pool2 = nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1, self.relu3 = nn.Linear(256, 120), nn.ReLU()
        self.fc2, self.relu4 = nn.Linear(120, 84), nn.ReLU()
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.flatten(self.pool2(self.relu2(self.conv2(x))))
        return self.fc3(self.relu4(self.fc2(self.relu3(self.fc1(x)))))


class ResNet8(nn.Module):
    """The residual network of MLPerf Tiny, 3x32x32 -> 10; strided convolutions pad symmetrically."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0, self.bn0, self.relu0 = nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()
        for block, (before, after, stride) in enumerate(((16, 16, 1), (16, 32, 2), (32, 64, 2)), start=1):
            first = nn.Conv2d(before, after, 3, stride=stride, padding=1)
            self.add_module(f"conv{block}a", first)
            self.add_module(f"bn{block}a", nn.BatchNorm2d(after))
            self.add_module(f"relu{block}a", nn.ReLU())
            self.add_module(f"conv{block}b", nn.Conv2d(after, after, 3, padding=1))
            self.add_module(f"bn{block}b", nn.BatchNorm2d(after))
            self.add_module(f"relu{block}b", nn.ReLU())
            if stride > 1:
                self.add_module(f"skip{block}", nn.Conv2d(before, after, 1, stride=stride))
        setattr(self, WIDEN, nn.Dropout(0.0))
        self.pool, self.flatten, self.fc = nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu0(self.bn0(self.conv0(x)))
        x = self.relu1b(x + self.bn1b(self.conv1b(self.relu1a(self.bn1a(self.conv1a(x))))))
        x = self.relu2b(self.skip2(x) + self.bn2b(self.conv2b(self.relu2a(self.bn2a(self.conv2a(x))))))
        x = self.relu3b(self.skip3(x) + self.bn3b(self.conv3b(self.relu3a(self.bn3a(self.conv3a(x))))))
        return self.fc(self.flatten(self.pool(getattr(self, WIDEN)(x))))


@dataclass(frozen=True)
class Network:
    """One network of the comparison.

    shape: of one input in torch layout. samples: how many a throughput run takes.
    """

    title: str
    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    samples: int


NETWORKS = {
    "mlp": Network("jets MLP 16-64-32-32-5", Mlp, (16,), 100_000),
    "lenet": Network("LeNet 28x28", LeNet, (1, 28, 28), 4_000),
    "resnet8": Network("ResNet-8 32x32x3", ResNet8, (3, 32, 32), 512),
}


def build(name: str, seed: int, weights: Path | None = None) -> nn.Module:
    """The network in evaluation mode: random weights and batch-norm statistics, or a state dict's."""
    torch.manual_seed(seed)
    module = NETWORKS[name].make().eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, 0.0, 0.2)
            nn.init.uniform_(part.running_var, 0.1, 0.6)
            nn.init.uniform_(part.weight, 0.6, 1.4)
            nn.init.normal_(part.bias, 0.0, 0.2)
    if weights is not None:
        module.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return module


def inputs(name: str, count: int, seed: int, images: FloatArray | None = None) -> FloatArray:
    """float32 (count, *shape): the images given, repeated as needed, or random values."""
    shape = NETWORKS[name].shape
    if images is not None and images.shape[1:] == shape:
        return np.ascontiguousarray(np.resize(images, (count, *shape)))
    draw = np.random.default_rng(seed)
    if name == "mlp":
        return draw.standard_normal((count, *shape), dtype=np.float32)
    return draw.random((count, *shape), dtype=np.float32)


def without_batchnorm(module: nn.Module) -> nn.Module:
    """A copy whose batch-norms are folded into the convolutions before them, as one would deploy it."""
    folded = copy.deepcopy(module)
    for name, norm in module.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            conv = folded.get_submodule(name.replace("bn", "conv"))
            assert isinstance(conv, nn.Conv2d)
            setattr(folded, name.replace("bn", "conv"), fuse_conv_bn_eval(conv, norm))
            setattr(folded, name, nn.Dropout(0.0).eval())  # nothing; hls4ml skips it, but not an Identity
    return folded


def forward(module: nn.Module, x: torch.Tensor, batch: int) -> torch.Tensor:
    """Outputs of all of ``x``, ``batch`` samples at a time."""
    with torch.inference_mode():
        return torch.cat([module(part) for part in x.split(batch)])


def mnist(path: Path, seed: int) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Shuffled training images, float32 (60000, 1, 28, 28) in 0..1, and their digits."""
    with np.load(path) as archive:
        images, digits = archive["x_train"], archive["y_train"]
    order = np.random.default_rng(seed).permutation(len(images))  # the file may be sorted by digit
    return (images[order, None] / np.float32(255)).astype(np.float32), digits[order].astype(np.int64)


def train_lenet(images: FloatArray, digits: npt.NDArray[np.int64], seed: int, epochs: int = 1) -> nn.Module:
    """A LeNet trained on all but the first 2,000 images, which are left for calibration and validation."""
    torch.manual_seed(seed)
    module = LeNet().train()
    x, y = torch.from_numpy(images[2000:]), torch.from_numpy(digits[2000:])
    optimizer = torch.optim.Adam(module.parameters(), lr=2e-3)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(x[chosen]), y[chosen]).backward()
            optimizer.step()
    return module.eval()
