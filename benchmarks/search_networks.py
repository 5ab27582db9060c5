"""The networks that search strategies are compared on, trained here, and their data in three parts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sim_networks import FloatArray, LeNet, mnist
from torch import nn

from hpq_hls.demo import network as digits

SEED = 0
LENET = "LeNet 1x28x28"
CALIBRATION = 1000
"""Training images that calibrate the types."""
HELD_OUT = {"lenet": 2000, "cifar": 1000}
"""Images of the training set that make the validation part."""


@dataclass(frozen=True, eq=False)
class Samples:
    """x: float32 (images, channels, height, width), 0..1; y: int64 (images,), their classes."""

    x: FloatArray
    y: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Problem:
    """A trained network in evaluation mode, and data that has nothing in common.

    train: for training and calibration. validation: for the search. test: for the result only.
    """

    title: str
    module: nn.Module
    train: Samples
    validation: Samples
    test: Samples

    @property
    def calibration(self) -> FloatArray:
        """Inputs that types are chosen by; training images."""
        return self.train.x[:CALIBRATION]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: AdamW, and a learning rate that rises to ``rate`` and falls to nothing."""

    epochs: int
    rate: float
    decay: float = 0.01
    batch: int = 64
    smoothing: float = 0.0
    augment: bool = False


RECIPES = {
    "lenet": Recipe(epochs=3, rate=0.004),
    "cifar": Recipe(epochs=60, rate=0.01, decay=0.005, smoothing=0.1, augment=True),
}


class CifarNet(nn.Module):
    """Three convolutions with batch-norm, ReLU and max-pool, then a linear layer: 3x32x32 -> 10."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.conv2, self.norm2 = nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)
        self.conv3, self.norm3 = nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)
        self.pool, self.drop, self.fc = nn.MaxPool2d(2), nn.Dropout(0.2), nn.Linear(64 * 4 * 4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.norm1(self.conv1(x))))
        x = self.pool(torch.relu(self.norm2(self.conv2(x))))
        x = self.pool(torch.relu(self.norm3(self.conv3(x))))
        return self.fc(self.drop(x.flatten(1)))


def digits_problem(cache: Path) -> Problem:
    """The demo's network on scikit-learn's 8x8 digits: 1,077 images for training, 360, 360."""
    data = digits.load_digits()
    parts = [Samples(part.x, part.y) for part in (data.train, data.validation, data.test)]
    module = trained(cache, "digits", digits.DigitsNet(), lambda: digits.train(data.train, lambda _: None))
    return Problem("digits CNN 1x8x8", module, *parts)


def lenet_problem(cache: Path, path: Path) -> Problem:
    """LeNet on MNIST: 58,000 images for training, 2,000 of the training set for validation, 10,000."""
    images, labels = mnist(path, SEED)
    validation, train = _parted(images, labels, HELD_OUT["lenet"])
    with np.load(path) as archive:
        test = Samples(pixels(archive["x_test"][:, None]), archive["y_test"].astype(np.int64))
    module = trained(cache, "lenet", LeNet(), lambda: train_module(RECIPES["lenet"], LeNet, train))
    return Problem(LENET, module, train, validation, test)


def cifar_problem(cache: Path, path: Path) -> Problem:
    """A small network on a part of CIFAR-10: 3,000 images for training, 1,000 for validation, the test
    images of the file (1,000)."""
    with np.load(path) as archive:
        found = {name: np.array(archive[name]) for name in ("x_train", "y_train", "x_test", "y_test")}
    order = np.random.default_rng(SEED).permutation(len(found["x_train"]))
    images, test = (pixels(found[name].transpose(0, 3, 1, 2)) for name in ("x_train", "x_test"))
    validation, train = _parted(images[order], found["y_train"][order], HELD_OUT["cifar"])
    module = trained(cache, "cifar", CifarNet(), lambda: train_module(RECIPES["cifar"], CifarNet, train))
    return Problem(
        "CIFAR-10 CNN 3x32x32", module, train, validation, Samples(test, found["y_test"].astype(np.int64))
    )


def _parted(x: FloatArray, y: npt.NDArray[np.integer], first: int) -> tuple[Samples, Samples]:
    y = y.astype(np.int64)
    return Samples(x[:first], y[:first]), Samples(x[first:], y[first:])


def pixels(values: npt.NDArray[np.uint8]) -> FloatArray:
    """0..255 -> float32, 0..1."""
    return np.ascontiguousarray(values / np.float32(255), dtype=np.float32)


def trained(cache: Path, name: str, module: nn.Module, train: Callable[[], nn.Module]) -> nn.Module:
    """The network with the weights kept in a folder, where it is trained and kept the first time."""
    path = cache / f"search_{name}_seed{SEED}.pt"
    if not path.exists():
        print(f"training {name} ...", file=sys.stderr, flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        torch.save(_on_one_thread(train).state_dict(), path)
    module.load_state_dict(torch.load(path, weights_only=True))
    return module.eval()


def _on_one_thread(train: Callable[[], nn.Module]) -> nn.Module:
    """Sums in a fixed order, so that the same weights come out each time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return train()
    finally:
        torch.set_num_threads(threads)


def train_module(recipe: Recipe, make: Callable[[], nn.Module], data: Samples) -> nn.Module:
    """A new network, trained by a recipe."""
    torch.manual_seed(SEED)
    module = make().to(memory_format=torch.channels_last).train()
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    draw = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(module.parameters(), recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * -(-len(x) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, total_steps=steps)
    for _ in range(recipe.epochs):
        for chosen in torch.randperm(len(x), generator=draw).split(recipe.batch):
            optimizer.zero_grad()
            outputs = module(_augmented(x[chosen], draw) if recipe.augment else x[chosen])
            nn.functional.cross_entropy(outputs, y[chosen], label_smoothing=recipe.smoothing).backward()
            optimizer.step()
            schedule.step()
    return module.eval()


def _augmented(x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """A batch, mirrored or not, and moved by up to three pixels, as a whole."""
    if torch.rand((), generator=draw) < 0.5:
        x = x.flip(3)
    down, right = torch.randint(0, 7, (2,), generator=draw).tolist()
    padded = nn.functional.pad(x, (3, 3, 3, 3))
    return padded[:, :, down : down + x.shape[2], right : right + x.shape[3]]
