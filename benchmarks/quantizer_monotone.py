"""Whether networks get better as widths grow: error and accuracy from 2 to 16 bits.

    python benchmarks/quantizer_monotone.py --data FOLDER [--random 20] [--seed 0] [--lenet lenet.pt]

FOLDER as for quantizer_ablation.py. Three sweeps: the weights' width with 8-bit values, the values' width with
8-bit weights (the network's input and output have 12 bits in both), and both. A cell is the mean squared error of the
outputs on data that nothing was calibrated on, relative to their variance, and the top-1 accuracy in percent; of a
random network, how often its class is the float network's. A step is counted against a network where the error rises
by more than 5 % and 1e-6, or accuracy falls by more than two standard errors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from quantizer_ablation import NETWORKS, Sample
from torch import nn

import hpq_hls as hpq
from hpq_hls.quantize import Quantizer

WIDTHS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16)
SWEEPS = {"weights": (None, 8), "values": (8, None), "both": (None, None)}
"""Weight and value width; None is the one that grows."""
CALIBRATION = 200
UNSEEN = 600


def random_networks(count: int, seed: int) -> Iterator[tuple[str, Sample]]:
    """Untrained networks with batch-norm whose statistics are those of their data."""
    for index in range(count):
        torch.manual_seed(1000 * seed + index)
        draw = np.random.default_rng((seed, index))
        kind = ("mlp", "cnn", "depthwise stack")[index % 3]
        net, shape = {"mlp": _mlp, "cnn": _cnn, "depthwise stack": _depthwise}[kind](draw)
        x = _data(draw, CALIBRATION + UNSEEN, shape)
        with torch.no_grad():
            for module in net.modules():
                if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                    module.weight.copy_(torch.from_numpy(draw.lognormal(0, 0.5, len(module.weight))))
                    module.bias.copy_(torch.from_numpy(draw.normal(0, 0.3, len(module.bias))))
                    module.momentum = 1.0
            net.train()(torch.from_numpy(x[:CALIBRATION]))
        graph = hpq.from_torch(net.eval(), torch.zeros(1, *shape))
        unseen = x[CALIBRATION:]
        yield f"{kind} {index}", Sample(graph, x[:CALIBRATION], unseen, graph.predict(unseen).argmax(axis=1))


def _data(draw: np.random.Generator, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Correlated inputs: sums of a few patterns and some noise; half of the time never negative."""
    patterns = draw.normal(size=(12, *shape))
    if len(shape) == 3:
        patterns = patterns.cumsum(axis=1).cumsum(axis=2) / shape[1]
    mixed = np.tensordot(draw.normal(size=(count, 12)), patterns, 1) + 0.3 * draw.normal(size=(count, *shape))
    return (np.abs(mixed) if draw.random() < 0.5 else mixed).astype(np.float32)


def _mlp(draw: np.random.Generator) -> tuple[nn.Module, tuple[int, ...]]:
    sizes = [int(draw.choice([16, 24, 48, 64, 96])) for _ in range(draw.integers(3, 6))]
    layers: list[nn.Module] = []
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10)), (sizes[0],)


def _cnn(draw: np.random.Generator) -> tuple[nn.Module, tuple[int, ...]]:
    channels, layers = int(draw.choice([1, 3])), []
    shape, before = (channels, 16, 16), channels
    for index in range(draw.integers(2, 4)):
        after = int(draw.choice([6, 8, 12, 16]))
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.MaxPool2d(2) if draw.random() < 0.5 else nn.AvgPool2d(2)] if index < 2 else []
        before = after
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * 16, 10)), shape


def _depthwise(draw: np.random.Generator) -> tuple[nn.Module, tuple[int, ...]]:
    channels, layers = int(draw.choice([8, 12, 16])), []
    layers += [nn.Conv2d(1, channels, 3, stride=2, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
    for _ in range(draw.integers(2, 5)):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, groups=channels), nn.BatchNorm2d(channels)]
        layers += [nn.ReLU(), nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers, nn.AvgPool2d(8), nn.Flatten(), nn.Linear(channels, 10)), (1, 16, 16)


def sweep(sample: Sample, weight: int | None, value: int | None) -> list[tuple[float, float]]:
    """Relative squared error and accuracy at each of WIDTHS."""
    quantizer = Quantizer(sample.graph, sample.calibration)
    wanted = sample.graph.predict(sample.x)
    spread = float(np.square(wanted - wanted.mean(axis=0)).sum())
    ends = {name: {"activation": 12} for name in (quantizer.graph.input_name, quantizer.layer_names[-1])}
    found = []
    for width in WIDTHS:
        default = {"weight": weight or width, "activation": value or width}
        outputs = quantizer.quantize({"default": default, "layers": ends}).predict(sample.x)
        error = float(np.square(outputs - wanted).sum()) / spread
        found.append((error, 100 * float((outputs.argmax(axis=1) == sample.y).mean())))
    return found


def steps_back(found: list[tuple[float, float]], images: int) -> tuple[list[int], list[int]]:
    """The widths at which the error is higher, and the accuracy lower, than a bit (or two) below."""
    errors, losses = [], []
    for width, (before, top1), (after, own) in zip(WIDTHS[1:], found, found[1:], strict=False):
        share = top1 / 100
        noise = 200 * np.sqrt(max(share * (1 - share), 1 / images) / images)
        errors += [width] if after > 1.05 * before and after > before + 1e-6 else []
        losses += [width] if own < top1 - noise else []
    return errors, losses


def main() -> None:
    """Print one table per sweep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--random", type=int, default=20, help="how many random networks")
    parser.add_argument("--seed", type=int, default=0, help="of the random networks")
    parser.add_argument("--images", type=int, default=500, help="scored; four times as many on MNIST")
    parser.add_argument("--lenet", type=Path, help="trained weights, as quantizer_ablation.py takes them")
    parser.add_argument("--sweeps", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    given = parser.parse_args()
    samples = [(name, NETWORKS[name](given.data, given.images, given.lenet)) for name in given.networks]
    samples += random_networks(given.random, given.seed)
    for label in given.sweeps:
        print(f"\nwidth of {label} grows\n\n| network | " + " | ".join(map(str, WIDTHS)) + " | error rises at | accuracy falls at | s |")
        print("|---|" + "---|" * (len(WIDTHS) + 3))
        for name, sample in samples:
            start = time.perf_counter()
            found = sweep(sample, *SWEEPS[label])
            rises, falls = steps_back(found, len(sample.x))
            cells = " | ".join(f"{error:.1e} {top1:.1f}" for error, top1 in found)
            back = " | ".join(", ".join(map(str, item)) or "-" for item in (rises, falls))
            print(f"| {name} | {cells} | {back} | {time.perf_counter() - start:.0f} |", flush=True)


if __name__ == "__main__":
    main()
