"""What prices take: prices per second, interactions, and how many prices a model of the costs needs.

Prices are exact and cost no evaluation, but a search asks for thousands. Seconds are processor time of one
thread, those of 1,000 prices without and with quantizing.

    python benchmarks/search_prices.py
    python benchmarks/search_prices.py --networks resnet8 --prices --combinations 1000
    python benchmarks/search_prices.py --networks resnet8 --searches --json prices.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from sim_networks import ResNet8
from threadpoolctl import threadpool_limits
from torch import nn

from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.quantize import Quantizer
from hpq_hls.search import SearchResult, evaluator, search
from hpq_hls.search.interactions import interactions_of
from hpq_hls.search.limits import Limits
from hpq_hls.search.measurement import Price
from hpq_hls.search.objective import Pricer, find_objective
from hpq_hls.search.space import Combination, Space, space_of
from hpq_hls.search.speed import TYPICAL_WIDTH, pricer_of
from hpq_hls.search.strategies.terms import measure_terms

PART, CLOCK = "xc7z045", 5.0
WIDTHS = tuple(range(2, 9))
RANGE = (1, 4)
"""Positions that the models of costs are made for: 3 to 6 bits."""
PORTION = 20
"""Networks that are kept at a time."""


class Block(nn.Module):
    """Two convolutions and what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same shape."""
        return torch.relu(x + self.second(torch.relu(self.first(x))))


def deep(blocks: int = 49, channels: int = 8) -> nn.Module:
    """150 layers with hardware: 99 convolutions, 49 adds, a pool and a linear layer; 1x16x16 inputs."""
    stem = [nn.Conv2d(1, channels, 3, padding=1), nn.ReLU()]
    body = [Block(channels) for _ in range(blocks)]
    return nn.Sequential(*stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def depthwise(blocks: int = 4, channels: int = 64) -> nn.Module:
    """The keyword spotter of MLPerf Tiny: a convolution, blocks of a depthwise one and a pointwise one;
    1x49x10 inputs."""
    body = [nn.Conv2d(1, channels, (10, 4), 2, (5, 1)), nn.ReLU()]
    for _ in range(blocks):
        body += [nn.Conv2d(channels, channels, 3, padding=1, groups=channels), nn.ReLU()]
        body += [nn.Conv2d(channels, channels, 1), nn.ReLU()]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 12))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "resnet8": (ResNet8, (3, 32, 32)),
    "dscnn": (depthwise, (1, 49, 10)),
    "deep": (deep, (1, 16, 16)),
}


class Prices:
    """What ``measure_terms`` asks of an evaluator; counts the different prices."""

    def __init__(self, quantizer: Quantizer, space: Space, pricer: Pricer) -> None:
        self._quantizer, self._space, self._pricer = quantizer, space, pricer
        self.known: dict[Combination, Price] = {}

    def prices(self, combinations: Iterable[Combination]) -> list[Price]:
        """Exact."""
        wanted = list(combinations)
        for key in wanted:
            if key not in self.known:
                self.known[key] = self._pricer(self._quantizer.quantize(self._space.precision(key)))
        return [self.known[key] for key in wanted]

    def interactions(self) -> tuple[tuple[int, int], ...]:
        """From the graph."""
        return interactions_of(self._space, self._quantizer.graph)


def measured(name: str, combinations: int, seed: int, *, models: bool = True) -> dict[str, Any]:
    """Everything about one network that needs no search. models: those of the costs too."""
    torch.manual_seed(seed)
    make, shape = NETWORKS[name]
    draw = np.random.default_rng(seed)
    started = time.process_time()
    quantizer = Quantizer(from_torch(make().eval(), torch.zeros(2, *shape)), draw.normal(size=(64, *shape)))
    space = space_of(quantizer.graph, WIDTHS, WIDTHS, type_of=quantizer.type_of)
    typical = quantizer.quantize(space.precision(space.near(TYPICAL_WIDTH)))
    pricer = pricer_of(find_objective("lut"), Limits(utilisation=0.8), PART, CLOCK, None, typical)
    ready = time.process_time() - started
    heights = [len(variable.choices) for variable in space.variables]
    base = tuple(draw.integers(heights).tolist())

    def near() -> Combination:
        at = int(draw.integers(len(heights)))
        return (*base[:at], int(draw.integers(heights[at])), *base[at + 1 :])

    found: dict[str, Any] = {
        "network": name,
        "layers": len(quantizer.graph.nodes),
        "variables": len(space.variables),
        "ready_s": ready,
    }
    for label, drawn in (("random", lambda: tuple(draw.integers(heights).tolist())), ("near", near)):
        priced, whole = _seconds(quantizer, space, pricer, drawn, combinations)
        found |= {f"{label}_s": priced, f"{label}_whole_s": whole}
    return found | (_terms(quantizer, space, typical) if models else {})


def _seconds(
    quantizer: Quantizer, space: Space, pricer: Pricer, draw: Callable[[], Combination], count: int
) -> tuple[float, float]:
    """For 1,000 prices, without and with quantizing."""
    pricer(quantizer.quantize(space.precision(draw())))
    priced = whole = 0.0
    for _ in range(0, count, PORTION):
        began = time.process_time()
        networks = [quantizer.quantize(space.precision(draw())) for _ in range(PORTION)]
        started = time.process_time()
        for network in networks:
            pricer(network)
        ended = time.process_time()
        priced, whole = priced + ended - started, whole + ended - began
    each = 1000 / (PORTION * len(range(0, count, PORTION)))
    return each * priced, each * whole


def _terms(quantizer: Quantizer, space: Space, typical: Any) -> dict[str, Any]:
    """Prices that models take: without limits, with one that never binds, and with one that does."""
    pricer = pricer_of(find_objective("lut"), Limits(), PART, CLOCK, None, typical)
    ranges = [(min(RANGE[0], top), min(RANGE[1], top)) for top in space.widest]
    top = tuple(high for _, high in ranges)
    widest = pricer.figures(quantizer.quantize(space.precision(top)), pricer.objective.figures)
    found: dict[str, Any] = {}
    for label, share in (("none", None), ("loose", 2.0), ("tight", 0.8)):
        limits = Limits() if share is None else Limits(lut=int(share * max(widest.values())))
        own = pricer_of(find_objective("lut"), limits, PART, CLOCK, None, typical)
        own = Pricer(own.objective, own.bounds, own.part, own.clock_ns, pricer.config)  # at the same folding
        prices = Prices(quantizer, space, own)
        started = time.process_time()
        terms = measure_terms(top, ranges, prices)  # type: ignore[arg-type]
        found[f"terms_{label}"] = {
            "prices": len(prices.known),
            "seconds": time.process_time() - started,
            "may_interact": len(prices.interactions()),
            "interact": len(terms.cost.pairs),
            "limits": len(terms.limits),
        }
    rows = np.random.default_rng(1).integers(RANGE[0], RANGE[1] + 1, (50, len(top)))
    rows = np.minimum(rows, space.widest)
    exact = np.array([price.cost for price in prices.prices(map(tuple, rows.tolist()))])
    found["model_error"] = float(np.abs(terms.cost.total(rows) / exact - 1).max())
    return found


def searched(seed: int) -> list[dict[str, Any]]:
    """Searches of ResNet-8 without a limit, and with limits that the widest combination exceeds."""
    torch.manual_seed(seed)
    make, shape = NETWORKS["resnet8"]
    graph = from_torch(make().eval(), torch.zeros(2, *shape))
    x = np.random.default_rng(seed).normal(size=(200, *shape)).astype(np.float32)
    y = graph.predict(x).argmax(1)
    free, prices = _search(graph, x, y, None)
    rows = [{"limit": "none", "cost": free.best_point.cost, "prices": prices}]
    for share in (1.3, 1.02):
        limit = int(share * free.best_point.weight_bits)
        bound, prices = _search(graph, x, y, limit)
        widest = max(point.weight_bits for point in bound.points)
        rows.append(
            {
                "limit": f"weight_bits {limit}, the widest has {widest}",
                "cost": bound.best_point.cost,
                "prices": prices,
            }
        )
    return rows


def _search(graph: Graph, x: Any, y: Any, limit: int | None) -> tuple[SearchResult, int]:
    asked = 0
    real = evaluator.price_all

    def counted(task: Any, worker: Any, combinations: Any, n_jobs: Any) -> Any:
        nonlocal asked
        asked += len(combinations)
        return real(task, worker, combinations, n_jobs)

    with mock.patch.object(evaluator, "price_all", counted):
        found = search(
            graph,
            x[:64],
            (x, y),
            max_drop=0.1,
            objective="weight_bits",
            weight_bits=WIDTHS,
            activation_bits=WIDTHS,
            evaluations=250,
            limits={} if limit is None else {"weight_bits": limit},
            part=PART,
        )
    return found, asked


def markdown(rows: list[dict[str, Any]]) -> str:
    """Tables for docs/benchmarks.md."""
    lines = [
        "| network | layers | variables | 1,000 random prices (with quantizing) | 1,000 near one "
        "(with quantizing) |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{row[f'{label}_s']:.2f} s ({row[f'{label}_whole_s']:.2f} s)" for label in ("random", "near")
        ]
        lines.append(f"| {row['network']} | {row['layers']} | {row['variables']} | {' | '.join(cells)} |")
    if "model_error" not in rows[0]:
        return "\n".join(lines)
    lines += [
        "",
        "| network | pairs by the graph (of all) | that interact | error of the model |",
        "|---|---|---|---|",
    ]
    for row in rows:
        count = row["variables"] * (row["variables"] - 1) // 2
        terms = row["terms_none"]
        lines.append(
            f"| {row['network']} | {terms['may_interact']} ({count}) | {terms['interact']} | "
            f"{100 * row['model_error']:.2f} % |"
        )
    lines += [
        "",
        "| network | limit | prices of the model | seconds, with quantizing | bounds that may bind |",
    ]
    lines.append("|---|---|---|---|---|")
    for row in rows:
        for label in ("none", "loose", "tight"):
            terms = row[f"terms_{label}"]
            lines.append(
                f"| {row['network']} | {label} | {terms['prices']:,} | {terms['seconds']:.1f} | "
                f"{terms['limits']} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--combinations", type=int, default=200, help="prices that are timed")
    parser.add_argument(
        "--searches", action="store_true", help="also search ResNet-8 with and without limits"
    )
    parser.add_argument("--prices", action="store_true", help="prices alone, no models of costs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with threadpool_limits(1):
        rows = [
            measured(name, given.combinations, given.seed, models=not given.prices) for name in given.networks
        ]
        print(markdown(rows))
        searches = searched(given.seed) if given.searches else []
    if searches:
        print("\n| search of resnet8, limit | cost | prices |\n|---|---|---|")
        for row in searches:
            print(f"| {row['limit']} | {row['cost']:,.0f} | {row['prices']:,} |")
    if given.json is not None:
        given.json.write_text(json.dumps({"networks": rows, "searches": searches}, indent=1) + "\n")


if __name__ == "__main__":
    main()
