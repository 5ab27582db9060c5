"""Single bits of weights flipped: which frames show it in the output words of the simulator?

    python benchmarks/frames_that_see.py --flips 400

Frames: the 64 chosen ones; 64 and 16 calibration samples; four samples and the ends of the input's type,
which testbenches once had; 64 and 300 frames of random codes. Networks: LeNet, trained here on scikit-learn's
digits for a minute, and two that are fresh, a CNN and an MLP with a table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))

import hpq_hls as hpq
from benchmarks.sim_networks import LeNet
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.simulate.coverage import measure
from hpq_hls.verify.stimuli import FRAMES, choose_stimuli, random_frames
from tests.flips import seen


def lenet() -> QuantizedGraph:
    """At 6 bits, 97 % of the digits right or so."""
    from sklearn.datasets import load_digits

    digits, labels = load_digits(return_X_y=True)
    images = np.kron(digits.reshape(-1, 8, 8) / 16, np.ones((3, 3)))
    x = np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None].astype(np.float32)
    net, given, wanted = LeNet(), torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(8):
        for start in range(0, len(x), 64):
            optimizer.zero_grad()
            made = net(given[start : start + 64])
            nn.functional.cross_entropy(made, wanted[start : start + 64]).backward()
            optimizer.step()
    return quantized(net, x, 6)


def cnn() -> QuantizedGraph:
    """Strided and depthwise convolutions, at 5 bits."""
    net = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU6()),
        *(nn.Conv2d(8, 12, 1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12 * 9, 6)),
    )
    return quantized(net, np.random.default_rng(1).normal(size=(128, 3, 14, 14)), 5)


def mlp() -> QuantizedGraph:
    """A tanh between linear layers, at 8 bits."""
    net = nn.Sequential(
        *(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 16), nn.ReLU()),
        nn.Linear(16, 4),
    )
    return quantized(net, np.random.default_rng(2).normal(size=(128, 24)), 8)


def quantized(net: nn.Module, x: np.ndarray, precision: int) -> QuantizedGraph:
    return hpq.quantize(hpq.from_torch(net.eval(), torch.zeros(1, *x.shape[1:])), x, precision)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=400)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = {}
    for make in (lenet, cnn, mlp):
        torch.manual_seed(0)
        q = make()
        begin = time.monotonic()
        chosen = choose_stimuli(q)
        seconds = time.monotonic() - begin
        real = {name: raw[:-2] for name, raw in q.examples.items()}  # behind them the ends of the type
        sets = {
            "chosen": chosen.raw,
            f"{FRAMES} samples": real,
            "16 samples": {name: raw[:16] for name, raw in real.items()},
            "4 samples, 2 ends": {
                name: np.concatenate([raw[:4], raw[-2:]]) for name, raw in q.examples.items()
            },
            f"{FRAMES} random": random_frames(q, FRAMES, np.random.default_rng(5)),
            "300 random": random_frames(q, 300, np.random.default_rng(6)),
        }
        counts = seen(q, list(sets.values()), options.flips)
        reached = [measure(q, raw).total for raw in sets.values()]
        print(f"{make.__name__}: {options.flips} flips, frames chosen in {seconds:.1f} s")
        for name, count, total in zip(sets, counts, reached, strict=True):
            print(f"  {name:18} {count:4} seen, {total} reached")
        rows[make.__name__] = dict(zip(sets, counts, strict=True))
    if options.json:
        options.json.write_text(json.dumps({"flips": options.flips, "seen": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
