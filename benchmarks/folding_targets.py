"""What targets lead to: intervals that are met or spoken about, and costs beside the best of all foldings.

Random networks at random widths, each with targets from below what any folding reaches to the slowest there
is. Where there are few enough ways to choose PE and SIMD of all layers, all that meet the interval are built,
and the cheapest is what the chosen folding's cost is divided by. Costs are LUTs, with flip-flops, DSPs and
block RAMs counted as ``hpq_hls.cost.choosing`` does, at the real widths of the network, FIFOs as deep
as the builder makes them.

    python benchmarks/folding_targets.py --networks 50 --targets 4 --seed 1
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from sample_networks import sample_network

from hpq_hls.cost import find_part, fold
from hpq_hls.cost.choosing import price_of
from hpq_hls.cost.design import build_design
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.cost.folding import UNLIMITED, interval_of, reached
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import HardwareConfig, LayerFolding, build_dataflow
from hpq_hls.kernels import MatVec
from hpq_hls.kernels.lanes import divisors
from hpq_hls.simulate import QuantizedGraph

MOST = 3_000
"""Foldings of a network that are enumerated."""
FAMILY = find_part(HardwareConfig().part).family


@dataclass(frozen=True)
class Outcome:
    """One target. interval: of the design; floor: the least of any folding; measured: by exact timing; ratio:
    of its cost to the cheapest folding's, None where there are too many to enumerate."""

    target: int
    interval: int
    floor: int
    measured: int
    spoken: bool
    ratio: float | None

    @property
    def kept(self) -> bool:
        """Whether the target is met, or the design is the fastest there is and says so."""
        if self.interval <= self.target:
            return not self.spoken and self.measured <= self.target
        return self.spoken and self.interval == self.floor == self.measured


def outcomes(q: QuantizedGraph, targets: int, draw: random.Random) -> Iterator[Outcome]:
    """Of random targets for one network."""
    plain = HardwareConfig()
    floor, slowest = reached(q, plain, 1), reached(q, plain, UNLIMITED)
    for _ in range(targets):
        target = max(1, round(math.exp(draw.uniform(math.log(floor / 2), math.log(slowest * 1.2)))))
        folded = fold(q, replace(plain, target_interval=target))
        measured = time_dataflow(build_design(q, folded.config)).interval
        ratio = _ratio(q, folded.config, max(target, floor))
        yield Outcome(target, folded.interval, floor, measured, bool(folded.note), ratio)


def _price(q: QuantizedGraph, config: HardwareConfig) -> tuple[int, float]:
    flow = build_dataflow(q, config)
    return interval_of(flow), price_of(bill_dataflow(flow, FAMILY))


def _ratio(q: QuantizedGraph, config: HardwareConfig, target: int) -> float | None:
    """The cost of a folding over that of the cheapest of all that meet the target."""
    made = {
        kernel.layer: kernel for kernel in build_dataflow(q, config).kernels if isinstance(kernel, MatVec)
    }
    ways = []
    for name, kernel in made.items():
        products = kernel.vectors * kernel.groups
        ways.append(
            [
                (name, LayerFolding(pe=pe, simd=simd))
                for pe in divisors(kernel.rows)
                for simd in divisors(kernel.cols)
                if products * (kernel.rows // pe) * (kernel.cols // simd) <= target
            ]
        )
    count = math.prod(map(len, ways))
    if not 1 < count <= MOST:
        return None
    prices = []
    for choice in itertools.product(*ways):
        try:
            interval, price = _price(q, HardwareConfig(target_interval=target, layers=dict(choice)))
        except ConfigError:  # a simd that windows cannot be cut into
            continue
        if interval <= target:
            prices.append(price)
    return _price(q, config)[1] / min(prices) if prices else None  # only with several pixels a beat


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", type=int, default=50)
    parser.add_argument("--targets", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw, found = random.Random(given.seed), []
    for number in range(given.networks):
        q = sample_network(draw)
        own = list(outcomes(q, given.targets, draw))
        for outcome in own:
            if not outcome.kept:
                print(f"network {number} ({q}): {outcome}")
        found += own
    ratios = np.array([outcome.ratio for outcome in found if outcome.ratio is not None])
    print(
        f"targets: {len(found)}, met or the floor with its sentence: {sum(outcome.kept for outcome in found)}"
    )
    print(f"at the floor: {sum(outcome.spoken for outcome in found)}")
    print(
        f"enumerated: {len(ratios)}, cost over the best: median {np.median(ratios):.3f}, "
        f"mean {ratios.mean():.3f}, worst {ratios.max():.3f}, within 2 %: {(ratios <= 1.02).mean():.0%}"
    )


if __name__ == "__main__":
    main()
