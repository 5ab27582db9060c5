"""How close the default strategy comes to the true optimum, on networks small enough to enumerate.

    python benchmarks/search_optimality.py [--networks mlp,cnn] [--objectives lut] [--drops 0.01] [--jobs 2]

Every combination of each network is measured once per objective; the optimum for a drop is the cheapest of
them that is accurate enough, which without a confidence means by what is counted and by the risk that the
gauge reads. The default then searches the same space from nothing. The bar: a cost of at most 1.02 times the
optimum's with at most 5 % of the evaluations.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits, make_classification
from torch import nn

import hpq_hls as hpq
from hpq_hls.graph import Graph

Array = np.ndarray[Any, Any]
RATIO, SHARE = 1.02, 0.05
OBJECTIVES = ("weight_bits", "bops", "lut")
DROPS = (0.005, 0.01, 0.02)


@dataclass(frozen=True, eq=False)
class Case:
    """A trained network, its data, and the widths to choose from."""

    graph: Graph
    calibration: Array
    validation: tuple[Array, Array]
    weight_bits: tuple[int, ...]
    activation_bits: tuple[int, ...]


def digits_mlp(seed: int) -> Case:
    """64-32-10 on 8x8 digits; five variables, 16,807 combinations."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return _digits(net, (64,), seed, tuple(range(2, 9)), tuple(range(2, 9)))


def digits_cnn(seed: int) -> Case:
    """Two convolutions and a linear layer on 8x8 digits; seven variables, 16,384 combinations."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(48, 10),
    )
    return _digits(net, (1, 8, 8), seed, (2, 3, 4, 6), (2, 3, 4, 6))


def jets_mlp(seed: int) -> Case:
    """16-32-16-16-5 on 16 synthetic features of five classes; nine variables, 19,683 combinations."""
    x, y = make_classification(
        6000, 16, n_informative=10, n_redundant=3, n_classes=5, class_sep=1.6, random_state=seed
    )
    x = (x / x.std(axis=0)).astype(np.float32)
    torch.manual_seed(seed)
    sizes = (16, 32, 16, 16, 5)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    return _case(net, x, y, 5000, 25, (2, 3, 5), (3, 4, 6))


NETWORKS: dict[str, Callable[[int], Case]] = {"mlp": digits_mlp, "cnn": digits_cnn, "jets": jets_mlp}


def _digits(
    net: nn.Module, shape: tuple[int, ...], seed: int, weights: tuple[int, ...], outputs: tuple[int, ...]
) -> Case:
    data = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.data))
    x = (data.data[order] / 16).astype(np.float32).reshape(-1, *shape)
    return _case(net, x, data.target[order], 1437, 60, weights, outputs)


def _case(
    net: nn.Module,
    x: Array,
    y: Array,
    trained: int,
    epochs: int,
    weights: tuple[int, ...],
    outputs: tuple[int, ...],
) -> Case:
    """Train on the first samples, validate on the rest."""
    inputs, labels = torch.from_numpy(x[:trained]), torch.from_numpy(y[:trained]).long()
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(trained).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    graph = hpq.from_torch(net.eval(), inputs[:1])
    return Case(graph, x[:200], (x[trained:], y[trained:]), weights, outputs)


def _search(case: Case, objective: str, drop: float, jobs: int, **settings: Any) -> Any:
    return hpq.search(
        case.graph,
        case.calibration,
        case.validation,
        objective=objective,
        max_drop=drop,
        confidence=None,  # what is confirmed depends on samples held back, which no enumeration sees
        weight_bits=case.weight_bits,
        activation_bits=case.activation_bits,
        n_jobs=jobs,
        **settings,
    )


def _rows(name: str, objective: str, drops: Sequence[float], seed: int, jobs: int) -> list[str]:
    case = NETWORKS[name](seed)
    every = _search(case, objective, 0.0, jobs, strategy="exhaustive")
    rows = []
    for drop in drops:
        least = every.float_accuracy - drop - 1e-9
        costs = [point.cost for point in every.points if point.accuracy >= least and point.risk <= drop]
        start = time.perf_counter()
        found = _search(case, objective, drop, jobs, seed=seed)
        seconds = time.perf_counter() - start
        if not costs:
            rows.append(f"| {name} {seed} | {objective} | {drop} | {every.evaluations:,} | none | | | | | |")
            continue
        ratio = found.best_point.cost / min(costs) if found.feasible else float("inf")
        share = found.evaluations / every.evaluations
        good = ratio <= RATIO and share <= SHARE and found.minimal
        rows.append(
            f"| {name} {seed} | {objective} | {drop} | {every.evaluations:,} | {min(costs):,.0f} | "
            f"{found.best_point.cost:,.0f} | {ratio:.4f} | {100 * share:.1f} % | {seconds:.1f} | "
            f"{'yes' if good else 'NO'} |"
        )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--objectives", default=",".join(OBJECTIVES))
    parser.add_argument("--drops", default=",".join(map(str, DROPS)))
    parser.add_argument("--seeds", default="0,1", help="of training and of the search")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    columns = ("network, seed", "objective", "drop", "combinations", "optimum", "found", "ratio", "evaluated")
    print("| " + " | ".join((*columns, "s", "in the bar")) + " |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    drops = [float(drop) for drop in given.drops.split(",")]
    failed = total = 0
    for seed in map(int, given.seeds.split(",")):
        for name in given.networks.split(","):
            for objective in given.objectives.split(","):
                for row in _rows(name, objective, drops, seed, given.jobs):
                    print(row, flush=True)
                    total, failed = total + 1, failed + row.endswith("NO |")
    print(f"\n{total - failed} of {total} within the bar.")


if __name__ == "__main__":
    main()
