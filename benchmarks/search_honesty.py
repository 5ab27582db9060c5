"""Does what a search returns keep the allowed drop on data that it has not seen?

Searches with the default confidence and with none, on samples drawn by seeds (see ``honesty_networks``), at
an allowed drop of 0.5 and 1 point. Each pair runs in one process right after each other, in turns the one and
the other first, with one thread, so that their times compare. Every search is written to --out as it ends;
run again, the same command goes on where it stopped.

    python benchmarks/search_honesty.py --mnist mnist.npz --cifar cifar10_subset.npz --kws kws_1000.npz \\
        --models models --out honesty.jsonl --seeds 0:7 --jobs 2
    python benchmarks/search_honesty.py --out honesty.jsonl --summary
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import honesty_networks
from honesty_networks import Data
from honesty_runs import CONFIDENCE, DEFAULT, Cell, Store, run_all
from honesty_tables import summary

MODES: dict[str, tuple[float | None, ...]] = {"both": (CONFIDENCE, None), "none": (None,)}


def add_data_arguments(parser: argparse.ArgumentParser, *, out: bool = True) -> None:
    """Where networks and their data are. out: with a file of records, and what makes it."""
    parser.add_argument("--mnist", type=Path, help=".npz with x_train, y_train, x_test and y_test")
    parser.add_argument("--cifar", type=Path, help=".npz with the same, images (count, 32, 32, 3)")
    parser.add_argument("--kws", type=Path, help=".npz with x_int8, scale, zero_point and y")
    parser.add_argument("--models", type=Path, help="folder of mlperf_tiny_torch.py and its weights")
    parser.add_argument("--cache", type=Path, default=Path("build/benchmarks"), help="folder of weights")
    parser.add_argument("--only", nargs="+", choices=honesty_networks.NETWORKS, help="networks")
    parser.add_argument("--fresh", action="store_true", help="the networks for final figures instead")
    parser.add_argument("--seeds", type=seeds, default=range(7), metavar="A:B", help="A to B - 1")
    if not out:
        return
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON lines, added to")
    parser.add_argument("--summary", action="store_true", help="only tell what FILE amounts to")


def seeds(text: str) -> range:
    """ "3:7"; "3" is that one."""
    first, _, last = text.partition(":")
    return range(int(first), int(last) if last else int(first) + 1)


def data_of(given: argparse.Namespace) -> Data:
    """The arguments of ``add_data_arguments``."""
    return Data(given.cache, given.mnist, given.cifar, given.kws, given.models)


def networks_of(given: argparse.Namespace, parser: argparse.ArgumentParser) -> list[str]:
    """Those asked for, or all whose data is given."""
    data = data_of(given)
    every = honesty_networks.FRESH if given.fresh else honesty_networks.BARS
    names = given.only or [name for name in every if honesty_networks.missing(name, data) is None]
    for name in names:
        if lacking := honesty_networks.missing(name, data):
            parser.error(f"{name} needs {lacking}")
    return list(names)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_arguments(parser)
    parser.add_argument("--drops", nargs="+", type=float, default=(0.5, 1.0), help="allowed, in points")
    parser.add_argument("--confidence", default="both", help="both (0.9 and none), none, or a number")
    parser.add_argument("--strategy", default=DEFAULT)
    parser.add_argument("--objective", default="lut")
    parser.add_argument("--effort", help="of the search, as hpq.search takes it")
    parser.add_argument("--evaluations", type=int, help="most evaluations of a search")
    given = parser.parse_args()
    if not given.summary:
        given.networks = networks_of(given, parser)
        given.modes = MODES.get(given.confidence) or (float(given.confidence),)
    return given


def groups(given: argparse.Namespace) -> Iterator[list[Cell]]:
    """Searches that are to run right after each other."""
    for network in given.networks:
        for seed in given.seeds:
            for at, drop in enumerate(given.drops):
                modes = given.modes if (seed + at) % 2 else given.modes[::-1]
                yield [
                    Cell(
                        network,
                        seed,
                        round(drop / 100, 9),
                        confidence,
                        given.strategy,
                        given.objective,
                        given.effort,
                        given.evaluations,
                    )
                    for confidence in modes
                ]


def main() -> None:
    given = arguments()
    if not given.summary:
        run_all(groups(given), data_of(given), given.out, given.jobs)
    print(f"\n{summary(list(Store(given.out).records.values()))}")


if __name__ == "__main__":
    main()
