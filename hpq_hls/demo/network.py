"""The demo's network and data: handwritten digits that ship with scikit-learn, and a small CNN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from hpq_hls.errors import ToolError
from hpq_hls.tools.files import make_folder

SEED = 0
HELD_OUT = 360
"""Images in the validation split, and in the test split."""
CALIBRATION = 256
"""Training images that calibrate the types."""
EPOCHS = 40
BATCH = 64
LEARNING_RATE = 0.01

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class DigitsNet(nn.Module):
    """Two convolutions with batch-norm, ReLU and max-pool, then two linear layers: 8x8 pixels -> a digit."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(16)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 2 * 2, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(batch, 1, 8, 8) -> (batch, 10)."""
        x = self.pool(functional.relu(self.norm1(self.conv1(pixels))))
        x = self.pool(functional.relu(self.norm2(self.conv2(x))))
        x = functional.relu(self.fc1(x.flatten(1)))
        return torch.as_tensor(self.fc2(x))


@dataclass(frozen=True, eq=False)
class Split:
    """x: (images, 1, 8, 8), 0..1 in steps of 1/16; y: (images,), the digits."""

    x: FloatArray
    y: IntArray


@dataclass(frozen=True, eq=False)
class Digits:
    """The three splits, always the same: for training, for the search, and for the final measurement."""

    train: Split
    validation: Split
    test: Split


def load_digits() -> Digits:
    """The 1,797 scans of scikit-learn's digits in three fixed splits.

    Raises:
        ToolError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as read
    except ImportError:
        raise ToolError("scikit-learn is not installed; get it with `pip install hpq_hls[demo]`") from None
    pixels, labels = read(return_X_y=True)
    x = (pixels.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    y = labels.astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(x))
    test, validation, train = np.split(order, [HELD_OUT, 2 * HELD_OUT])
    return Digits(*(Split(x[part], y[part]) for part in (train, validation, test)))


def train(data: Split, progress: Callable[[str], None]) -> DigitsNet:
    """Train the network; the same numbers come out every time on one machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in a fixed order, and a network this small gains nothing from more
    try:
        torch.manual_seed(SEED)
        return _trained(DigitsNet(), data, progress)
    finally:
        torch.set_num_threads(threads)


def _trained(net: DigitsNet, data: Split, progress: Callable[[str], None]) -> DigitsNet:
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    shuffle = torch.Generator().manual_seed(SEED)
    steps = EPOCHS * -(-len(x) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(x), generator=shuffle)
        for batch in order.split(BATCH):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            loss = functional.cross_entropy(net(x[batch]), y[batch], label_smoothing=0.05)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        progress(f"epoch {epoch + 1} of {EPOCHS}, loss {loss.item():.3f}")
    return net.eval()


def accuracy(net: nn.Module, data: Split) -> float:
    """Share of images whose digit the float network names."""
    with torch.no_grad():
        return float((net(torch.from_numpy(data.x)).argmax(1).numpy() == data.y).mean())


def export(net: nn.Module, example: FloatArray, path: Path) -> None:
    """Save the network with torch.export, the batch axis dynamic."""
    batch = torch.export.Dim("batch")
    program = torch.export.export(net.eval(), (torch.from_numpy(example[:2]),), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)


def save_splits(data: Digits, folder: Path) -> None:
    """Write ``calibration.npz``, ``validation.npz`` and ``test.npz``."""
    make_folder(folder)
    np.savez_compressed(folder / "calibration.npz", x=data.train.x[:CALIBRATION])
    np.savez_compressed(folder / "validation.npz", x=data.validation.x, y=data.validation.y)
    np.savez_compressed(folder / "test.npz", x=data.test.x, y=data.test.y)
