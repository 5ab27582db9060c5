"""How a search gains from the workers of a cluster: wall times of one search on 1, 2, 4, ... processes.

    python benchmarks/search_workers.py --workers 1 2
    python benchmarks/search_workers.py --workers 1 2 4 8 --sleep 0.5

The same search is run on clusters of more and more processes of this machine, and each time is divided into
that of the first. Where there are more processes than cores, every evaluation sleeps (--sleep): it takes its
time, and no core's. Of --repeats searches on each cluster the median counts, and the fastest and the slowest
are shown too. All results are compared; they must be equal. Network and data are drawn by --seed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq


def problem(seed: int, samples: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """A small network of random weights, and data that it labels itself."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(200, 5),
    ).eval()
    graph = hpq.from_torch(net, torch.zeros(2, 1, 16, 16))
    x = np.random.default_rng(seed).normal(size=(samples, 1, 16, 16))
    return graph, x, graph.predict(x).argmax(1)


def slowed(seconds: float) -> Any:
    """The share of right answers, after some sleep. It has no module, so that it is sent whole."""

    def metric(outputs: np.ndarray, targets: np.ndarray) -> float:
        time.sleep(seconds)
        return float((outputs.argmax(1) == targets).mean())

    return metric


def searched(case: tuple[Any, np.ndarray, np.ndarray], given: argparse.Namespace, **where: Any) -> Any:
    graph, x, y = case
    return hpq.search(
        graph,
        x[:50],
        (x, y),
        metric="top1" if given.sleep is None else slowed(given.sleep),
        objective="weight_bits",
        confidence=None,
        max_drop=0.05,
        strategy=given.strategy,
        weight_bits=(3, 4, 6),
        activation_bits=(4, 8),
        **({"evaluations": given.evaluations} | where),
    )


@contextlib.contextmanager
def dask_of(count: int) -> Iterator[Any]:
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as local,
        Client(local) as client,
    ):
        client.wait_for_workers(count)
        yield client


@contextlib.contextmanager
def ray_of(count: int) -> Iterator[Any]:
    import ray

    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False)
    try:
        yield "ray"
    finally:
        ray.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--sleep", type=float, help="seconds that every evaluation sleeps")
    parser.add_argument("--strategy", default="exhaustive")
    parser.add_argument("--evaluations", type=int, default=256)
    parser.add_argument("--cluster", choices=["dask", "ray"], default="dask")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE as well")
    given = parser.parse_args()
    case = problem(given.seed, 1_000 if given.sleep is None else 100)
    fronts: list[Any] = []
    rows: list[dict[str, Any]] = []
    print(f"{given.strategy}, {given.evaluations} evaluations, {given.cluster}, seed {given.seed}")
    print("| workers | speed-up | slowest to fastest | share of ideal |\n|---|---|---|---|")
    for count in given.workers:
        seconds = []
        with {"dask": dask_of, "ray": ray_of}[given.cluster](count) as cluster:
            searched(
                case, given, cluster=cluster, evaluations=4 * count
            )  # what workers import, they import now
            for _ in range(given.repeats):
                begin = time.monotonic()
                found = searched(case, given, cluster=cluster)
                seconds.append(time.monotonic() - begin)
                fronts.append(
                    [(point.accuracy, point.cost, point.precision.to_dict()) for point in found.points]
                )
        rows.append({"workers": count, "seconds": seconds})
        whole = statistics.median(rows[0]["seconds"]) * given.workers[0]
        gain, low, high = (whole / of(seconds) for of in (statistics.median, max, min))
        print(f"| {count} | {gain:.2f} | {low:.2f} to {high:.2f} | {gain / count:.0%} |", flush=True)
    if any(front != fronts[0] for front in fronts):
        raise SystemExit("the results differ")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
