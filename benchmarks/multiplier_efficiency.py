"""How busy the multipliers are: multiply-accumulates over multipliers times interval, by target interval.

LeNet and ResNet-8 with random weights at 8 bits, resources by the estimate, the interval by exact timing. The
first line of each network has no target: the fastest folding of one pixel per beat that fits the part.

    python benchmarks/multiplier_efficiency.py --part xczu7ev-ffvc1156-2-e
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import torch
from sim_networks import LeNet, ResNet8
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import build_design
from hpq_hls.hardware import HardwareConfig

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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", default="xc7z020clg400-1")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    print(f"{'':10}{'target':>8}{'interval':>10}{'multipliers':>13}{'efficiency':>12}{'DSP':>7}{'LUT':>11}")
    for name, (make, shape, targets) in NETWORKS.items():
        x = np.random.default_rng(given.seed).normal(size=(20, *shape)).astype(np.float32)
        q = hpq.quantize(hpq.from_torch(make().eval(), torch.from_numpy(x[:1])), x, 8)
        for target in targets:
            report = hpq.estimate(q, given.part, target_interval=target)
            flow = build_design(q, HardwareConfig(part=given.part, target_interval=target))
            multipliers = sum(kernel.multipliers for kernel in flow.kernels)
            efficiency = products(q) / (multipliers * report.interval_cycles)
            asked = "-" if target is None else f"{target:,}"
            print(
                f"{name:10}{asked:>8}{report.interval_cycles:10,}{multipliers:13,}{efficiency:12.3f}"
                f"{report.dsp:7,}{report.lut:11,}",
                flush=True,
            )


if __name__ == "__main__":
    main()
