"""Whether networks get better as widths grow: error and accuracy from 2 to 16 bits.

    python benchmarks/quantizer_monotone.py --data FOLDER [--random 20] [--seed 0] [--lenet lenet.pt]

FOLDER as for quantizer_ablation.py. Three sweeps: the weights' width with 8-bit values, the values' width
with 8-bit weights (the network's input and output have 12 bits in both), and both. A cell is the mean squared
error of the outputs on data that nothing was calibrated on, relative to their variance, and the top-1
accuracy in percent; of a random network, how often its class is the float network's. A step counts against a
network where the error rises by more than 5 % and 1e-5, or where more samples turn wrong than right, by more
than two standard errors.

The last table prunes 75 % of each layer's smallest weights, trains the rest on briefly, and compares
keep_zeros on and off: error, accuracy, and how many zeros came back, by weight width.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    for before, after in itertools.pairwise(sizes):
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


Found = tuple[float, np.ndarray]
"""Relative squared error, and which samples are right."""


def sweep(sample: Sample, weight: int | None, value: int | None) -> list[Found]:
    """What is found at each of WIDTHS."""
    quantizer = Quantizer(sample.graph, sample.calibration)
    wanted = sample.graph.predict(sample.x)
    spread = float(np.square(wanted - wanted.mean(axis=0)).sum())
    ends = {name: {"activation": 12} for name in (quantizer.graph.input_name, quantizer.layer_names[-1])}
    found: list[Found] = []
    for width in WIDTHS:
        default = {"weight": weight or width, "activation": value or width}
        outputs = quantizer.quantize({"default": default, "layers": ends}).predict(sample.x)
        error = float(np.square(outputs - wanted).sum()) / spread
        found.append((error, outputs.argmax(axis=1) == sample.y))
    return found


def steps_back(found: list[Found]) -> tuple[list[int], list[int]]:
    """The widths at which the error is higher, and the accuracy lower, than a bit (or two) below."""
    errors, losses = [], []
    for width, (before, right), (after, own) in zip(WIDTHS[1:], found, found[1:], strict=False):
        errors += [width] if after > 1.05 * before and after > before + 1e-5 else []
        lost, gained = int((right & ~own).sum()), int((own & ~right).sum())
        losses += [width] if lost - gained > 2 * np.sqrt(lost + gained) else []
    return errors, losses


def prunable(folder: Path, seed: int) -> Iterator[tuple[str, nn.Module, Any, Any, slice]]:
    """LeNet and a relative of it on MNIST, and an MLP on jets: name, network, x, y, rows to train on."""
    torch.manual_seed(seed)
    data = np.load(folder / "mnist.npz")
    order = np.random.default_rng(0).permutation(60000)[:30000]
    x, y = (data["x_train"][order] / 255).astype(np.float32)[:, None], data["y_train"][order].astype(np.int64)
    draw = np.random.default_rng(seed)
    drawn = (int(draw.integers(*ends)) for ends in ((6, 13), (12, 33), (60, 161), (40, 101)))
    for name, (a, b, c, d) in (("lenet", (6, 16, 120, 84)), ("random lenet", tuple(drawn))):
        net = nn.Sequential(
            *(nn.Conv2d(1, a, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(a, b, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(b * 16, c), nn.ReLU(), nn.Linear(c, d), nn.ReLU(), nn.Linear(d, 10)),
        )
        yield name, net, x, y, slice(0, 26000)
    data = np.load(folder / "jets_1000.npz")
    classes = np.unique(data["y"], return_inverse=True)[1].astype(np.int64)
    layers = [nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()]
    yield (
        "jets",
        nn.Sequential(*layers, nn.Linear(32, 5)),
        data["x"].astype(np.float32),
        classes,
        slice(0, 500),
    )


def trained(net: nn.Module, x: Any, y: Any, steps: int, masks: dict[nn.Module, torch.Tensor]) -> None:
    """Adam on random batches; masked weights stay zero."""
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(steps):
        rows = torch.randint(0, len(x), (64,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(torch.from_numpy(x)[rows]), torch.from_numpy(y)[rows]).backward()
        optimizer.step()
        with torch.no_grad():
            for module, mask in masks.items():
                module.weight.mul_(mask)


def pruned_table(folder: Path, seed: int) -> None:
    """Print what keeping the zeros costs."""
    widths = (2, 3, 4, 5, 6, 7, 8)
    print("\n| 75 % pruned | keep_zeros | " + " | ".join(map(str, widths)) + " |")
    print("|---|---|" + "---|" * len(widths))
    for name, net, x, y, rows in prunable(folder, seed):
        torch.manual_seed(seed)
        trained(net, x[rows], y[rows], 600, {})
        masks = {}
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                sizes = module.weight.detach().abs()
                masks[module] = (sizes > sizes.flatten().kthvalue(int(0.75 * sizes.numel())).values).float()
        trained(net, x[rows], y[rows], 300, masks)
        graph = hpq.from_torch(net.eval(), torch.from_numpy(x[:1]))
        unseen, classes = x[rows.stop :], y[rows.stop :]
        wanted = graph.predict(unseen)
        spread = float(np.square(wanted - wanted.mean(axis=0)).sum())
        print(f"| {name} | float | {100 * (wanted.argmax(axis=1) == classes).mean():.2f} |" + " |" * 6)
        for keeps in (True, False):
            quantizer, cells = Quantizer(graph, x[:CALIBRATION], keep_zeros=keeps), []
            for width in widths:
                q = quantizer.quantize({"default": {"weight": width, "activation": 8}})
                outputs, back = q.predict(unseen), 0
                for node in quantizer.graph.nodes:
                    if node.op.weight is not None:
                        back += int(np.count_nonzero(q.layers[node.name].weight_raw[node.op.weight == 0]))
                top1 = 100 * (outputs.argmax(axis=1) == classes).mean()
                cells.append(f"{np.square(outputs - wanted).sum() / spread:.1e} {top1:.2f} {back}")
            print(f"| {name} | {keeps} | " + " | ".join(cells) + " |", flush=True)


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
    parser.add_argument("--no-pruning", action="store_true", help="leave the last table out")
    given = parser.parse_args()
    samples = [(name, NETWORKS[name](given.data, given.images, given.lenet)) for name in given.networks]
    samples += random_networks(given.random, given.seed)
    for label in given.sweeps:
        widths = " | ".join(map(str, WIDTHS))
        print(f"\nwidth of {label} grows\n\n| network | {widths} | error rises at | accuracy falls at | s |")
        print("|---|" + "---|" * (len(WIDTHS) + 3))
        for name, sample in samples:
            start = time.perf_counter()
            found = sweep(sample, *SWEEPS[label])
            rises, falls = steps_back(found)
            cells = " | ".join(f"{error:.1e} {100 * right.mean():.1f}" for error, right in found)
            back = " | ".join(", ".join(map(str, item)) or "-" for item in (rises, falls))
            print(f"| {name} | {cells} | {back} | {time.perf_counter() - start:.0f} |", flush=True)
    if not given.no_pruning:
        pruned_table(given.data, given.seed)


if __name__ == "__main__":
    main()
