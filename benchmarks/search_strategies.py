"""Compare search strategies with the best uniform precision: cost, evaluations, time, accuracy afterwards.

Uniform means one weight width and one activation width for the whole network, of 1 to 16 and of 2 to 16
bits; all 240 pairs are measured, and the cheapest within the allowed drop counts. Everything has the same
quantizer, calibration and validation images, and the same folding, that of the network at 8 bits.
Networks: a CNN on scikit-learn's digits; with --mnist LeNet; with --cifar a CNN on a part of CIFAR-10. They
are trained the first time and kept in --cache. Stage of LUT and DSP: our estimate.

    python benchmarks/search_strategies.py --mnist mnist.npz --cifar cifar10_subset.npz --json search.json
    python benchmarks/search_strategies.py --mnist mnist.npz --bars
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import search_networks
import search_tables
import yaml
from search_bars import measured_bars
from search_networks import Problem
from search_runs import Bench, Found, Front, Settings, plain

from hpq_hls.quantize import QuantizerOptions
from hpq_hls.search.space import WEIGHT_BITS

PEERS = ("greedy", "evolutionary")
OBJECTIVES = ("weight_bits", "lut")
SHOWN = 2.0
"""Points of accuracy that the picture shows."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ("digits", "lenet", "cifar")
    parser.add_argument("--networks", nargs="+", choices=names, help="all whose data is given unless told")
    parser.add_argument("--mnist", type=Path, help=".npz with x_train, y_train, x_test and y_test")
    parser.add_argument("--cifar", type=Path, help=".npz with the same, images (count, 32, 32, 3)")
    parser.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=OBJECTIVES)
    parser.add_argument("--drops", nargs="+", type=float, default=(0.5, 1.0), help="allowed, in points")
    parser.add_argument("--strategies", nargs="*", choices=PEERS, default=PEERS, help="besides the default")
    parser.add_argument("--bars", action="store_true", help="what LeNet has to reach within 0.5 point")
    parser.add_argument("--jobs", type=int, default=2, help="processes of each search")
    parser.add_argument("--cache", type=Path, default=Path("build/benchmarks"), help="folder of weights")
    parser.add_argument("--seed", type=int, default=0, help="of the evolutionary search")
    parser.add_argument("--weight-bits", nargs="+", type=int, default=WEIGHT_BITS, help="to choose from")
    parser.add_argument("--quantizer", nargs="+", default=(), metavar="NAME=VALUE", help="as in project.yaml")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE as well")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write LeNet's fronts to FILE (SVG)")
    given = parser.parse_args()
    known = {"digits": True, "lenet": given.mnist is not None, "cifar": given.cifar is not None}
    given.networks = given.networks or [name for name, there in known.items() if there]
    if not all(known[name] for name in (*given.networks, *(["lenet"] if given.bars else []))):
        parser.error("the data of a network is missing: give --mnist or --cifar")
    if given.picture is not None and "lenet" not in given.networks:
        parser.error("the picture is of LeNet: give --mnist")
    return given


def problems(given: argparse.Namespace) -> dict[str, Callable[[], Problem]]:
    """The networks that were asked for, each made when it is wanted."""
    makers: dict[str, Callable[[], Problem]] = {
        "digits": lambda: search_networks.digits_problem(given.cache),
        "lenet": lambda: search_networks.lenet_problem(given.cache, given.mnist),
        "cifar": lambda: search_networks.cifar_problem(given.cache, given.cifar),
    }
    return {name: makers[name] for name in (["lenet"] if given.bars else given.networks)}


def main() -> None:
    given = arguments()
    options = QuantizerOptions().changed(
        **{name: yaml.safe_load(value) for name, value in (item.split("=", 1) for item in given.quantizer)}
    )
    settings = Settings(given.jobs, given.seed, tuple(given.weight_bits), options)
    found: list[Found] = []
    fronts: list[Front] = []
    for make in problems(given).values():
        bench = Bench(make(), settings)
        print(f"{bench.problem.title}: {bench.summary()}\n", flush=True)
        if given.bars:
            print(measured_bars(bench), flush=True)
            return
        mine: list[Found] = []
        for item in compared(bench, given):
            (mine if isinstance(item, Found) else fronts).append(item)
        print(f"{search_tables.comparison(mine)}\n", flush=True)
        found += mine
    write(given, found, fronts)


def compared(bench: Bench, given: argparse.Namespace) -> Iterable[Found | Front]:
    """All searches on one network, each told about as it ends."""
    drops = [drop / 100 for drop in given.drops]
    for objective in given.objectives:
        for item in bench.compare(objective, drops, given.strategies):
            if isinstance(item, Found):
                told = f"{item.objective} {item.max_drop:.3f} {item.strategy}: {item.cost:,.0f}"
                print(
                    f"{told}, {item.evaluations:,} evaluations, {item.seconds:.1f} s",
                    file=sys.stderr,
                    flush=True,
                )
            yield item


def write(given: argparse.Namespace, found: list[Found], fronts: list[Front]) -> None:
    """The files that were asked for."""
    if given.json is not None:
        figures = [plain(item) for item in (*found, *fronts)]
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    chosen = [front for front in fronts if front.network == search_networks.LENET]
    if given.picture is not None and chosen:
        given.picture.write_text(search_tables.picture(chosen, SHOWN), encoding="utf-8")


if __name__ == "__main__":
    main()
