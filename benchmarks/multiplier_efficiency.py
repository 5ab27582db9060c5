"""How busy multipliers are: multiply-accumulates over multipliers times interval, by target interval.

LeNet and ResNet-8 with random weights at 8 bits, resources by the estimate, the interval by exact timing. The
first line of each network has no target: the default, which fits the part. With --draws, convolutional
networks of random shapes instead, without a target and at a cycle for each pixel that is scanned.

    python benchmarks/multiplier_efficiency.py --part xczu7ev-ffvc1156-2-e
    python benchmarks/multiplier_efficiency.py --draws 12 --seed 7
"""

from __future__ import annotations

import argparse
import math
import random

import numpy as np
import torch
from sim_networks import LeNet, ResNet8
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import build_design
from hpq_hls.cost.folding import interval_of
from hpq_hls.hardware import HardwareConfig
from hpq_hls.hardware.build import single_pixel

NETWORKS: dict[str, tuple[type[nn.Module], tuple[int, ...], tuple[int | None, ...]]] = {
    "LeNet": (LeNet, (1, 28, 28), (None, 784, 640, 576, 288, 128)),
    "ResNet-8": (ResNet8, (3, 32, 32), (None, 16384, 4096, 1156, 1024, 512)),
}


def products(q: hpq.QuantizedGraph) -> int:
    """Multiply-accumulates of an inference, those by padding included."""
    total = 0
    for name, layer in q.layers.items():
        if layer.weight_raw is not None:
            total += layer.weight_raw.size * math.prod(q.graph.shapes[name][1:])
    return total


def drawn(draw: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    """Two or three convolutions, each perhaps with a pool, and two linear layers; the shape of the input."""
    side = draw.choice([16, 20, 24, 28, 32])
    shape = (draw.choice([1, 2, 3]), side, side)
    layers: list[nn.Module] = []
    channels = shape[0]
    for _ in range(draw.choice([2, 3])):
        kernel, made = draw.choice([3, 3, 5]), draw.choice([4, 6, 8, 10, 12, 16, 20])
        padding = kernel // 2 if side < 8 else draw.choice([0, kernel // 2])
        layers += [nn.Conv2d(channels, made, kernel, padding=padding), nn.ReLU()]
        channels, side = made, side + 2 * padding + 1 - kernel
        if side > 3 and draw.random() < 0.7:
            layers.append(nn.MaxPool2d(2))
            side //= 2
    features = nn.Sequential(*layers, nn.Flatten())(torch.zeros(1, *shape)).shape[1]
    hidden = draw.choice([24, 40, 64])
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 10)
    ), shape


def quantized(module: nn.Module, shape: tuple[int, ...], seed: int) -> hpq.QuantizedGraph:
    """At 8 bits."""
    x = np.random.default_rng(seed).normal(size=(20, *shape)).astype(np.float32)
    return hpq.quantize(hpq.from_torch(module.eval(), torch.from_numpy(x[:1])), x, 8)


def line(name: str, q: hpq.QuantizedGraph, part: str, target: int | None) -> None:
    """Print the figures of a network at a target."""
    report = hpq.estimate(q, part, target_interval=target)
    flow = build_design(q, HardwareConfig(part=part, target_interval=target))
    multipliers = sum(kernel.multipliers for kernel in flow.kernels)
    efficiency = products(q) / (multipliers * report.interval_cycles)
    asked = "-" if target is None else f"{target:,}"
    print(
        f"{name:10}{asked:>8}{report.interval_cycles:10,}{multipliers:13,}{efficiency:12.3f}"
        f"{report.dsp:7,}{report.lut:11,}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", default="xc7z020clg400-1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=0)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    print(f"{'':10}{'target':>8}{'interval':>10}{'multipliers':>13}{'efficiency':>12}{'DSP':>7}{'LUT':>11}")
    draw = random.Random(given.seed)
    for number in range(given.draws):
        q = quantized(*drawn(draw), given.seed)
        pixel = interval_of(single_pixel(q, HardwareConfig(part=given.part)))
        for target in (None, pixel):
            line(f"network {number}", q, given.part, target)
    for name, (make, shape, targets) in NETWORKS.items() if not given.draws else ():
        q = quantized(make(), shape, given.seed)
        for target in targets:
            line(name, q, given.part, target)


if __name__ == "__main__":
    main()
