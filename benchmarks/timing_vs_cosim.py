"""Estimated latency and interval beside those of co-simulation, and FIFO depths beside what RTL fills.

Random networks at random widths and targets, from the fastest folding that fits the part to the slowest: for
each the RTL is generated with the FIFO depths that were computed, simulated on a few frames back to back, and
every word is compared. --fills also measures on RTL with room for a frame how full each FIFO gets at the pace
of the slowest kernel, beside what the timing says.

    python benchmarks/timing_vs_cosim.py --networks 40 --seed 1 --fills
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sample_networks import sample_network
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost.engine import UNBOUNDED, follow
from hpq_hls.cost.folding import UNLIMITED, interval_of, reached
from hpq_hls.cost.stages import network_of
from hpq_hls.hardware import HardwareConfig

FRAMES = 40
"""Some designs settle only after a dozen."""
RESIDUAL = 0.3
"""Share of networks that are residual ones."""


@dataclass(frozen=True)
class Compared:
    """Cycles as estimated and as simulated; words that differ, and FIFOs that were filled otherwise."""

    estimated: tuple[int, int]
    simulated: tuple[int | None, int | None]
    mismatches: int
    other_fills: int

    @property
    def equal(self) -> bool:
        return self.estimated == self.simulated and self.mismatches == self.other_fills == 0


class Residual(nn.Module):
    """Two branches of unequal length that are added."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, channels, 3, padding=1)
        self.deep = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)
        self.last = nn.Linear(channels, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        return self.last(torch.relu(x + self.deep(x)).mean((2, 3)))


def residual(draw: random.Random) -> hpq.QuantizedGraph:
    """A small residual network at a random width."""
    torch.manual_seed(draw.getrandbits(32))
    module, side = Residual(draw.choice([3, 4, 6]), draw.choice([1, 3, 5])), draw.choice([5, 6, 8, 9])
    x = torch.randn(8, 2, side, side)
    return hpq.quantize(hpq.from_torch(module.eval(), x[:1]), x.numpy(), draw.choice([2, 3, 4, 6, 8, 11]))


def compared(q: hpq.QuantizedGraph, target: int, fills: bool) -> Compared:
    """One design."""
    report = hpq.estimate(q, target_interval=target)
    x = np.random.default_rng(0).normal(size=(FRAMES, *q.graph.input_shape))
    other = 0
    with tempfile.TemporaryDirectory() as folder:
        project = hpq.generate(q, Path(folder) / "rtl", "rtl", target_interval=target, oversize=True)
        run = project.cosim(x)
        if fills:
            streams, found = project.dataflow.streams, project.fifo_fills(x)
            pace = interval_of(project.dataflow)
            timed = follow(network_of(project.dataflow), [UNBOUNDED] * len(streams), pace=pace, fills=True)
            said = zip(streams, timed.fills, strict=True)
            other = sum(name in found and found[name] != fill for name, fill in said)  # wires hold nothing
    estimated = report.latency_cycles, report.interval_cycles
    return Compared(estimated, (run.latency_cycles, run.interval_cycles), run.mismatches, other)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fills", action="store_true", help="measure how full FIFOs get too")
    given = parser.parse_args()
    draw, found = random.Random(given.seed), []
    for number in range(given.networks):
        q = residual(draw) if draw.random() < RESIDUAL else sample_network(draw)
        floor, slowest = (reached(q, HardwareConfig(), target) for target in (1, UNLIMITED))
        target = round(math.exp(draw.uniform(math.log(floor), math.log(slowest))))
        while target < slowest and not hpq.estimate(q, target_interval=target).fits:
            target *= 2
        found.append(compared(q, target, given.fills))
        print(f"{number}: target {target}, {found[-1]}", flush=True)
    print(f"{sum(item.equal for item in found)} of {len(found)} designs equal in every figure and word")


if __name__ == "__main__":
    main()
