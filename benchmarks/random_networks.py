"""Random networks over all operators: numpy = g++ = Verilator on every word, and cycles as estimated.

    python benchmarks/random_networks.py --count 60 --seed 100 [--workers 2] [--no-cosim | --no-tools]

Prints one line a network; what is wrong bears the seed that ``tests.dags.drawn`` makes it from again.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

import hpq_hls as hpq
from tests.dags import differences, drawn

Outcome = tuple[int, str, str, str, float]


def checked(seed: int, csim: bool, cosim: bool) -> Outcome:
    """Seed, verdict, what was drawn, what is wrong, seconds."""
    torch.set_num_threads(1)
    start, described = time.perf_counter(), ""
    try:
        network = drawn(seed)
        described = f"{network.hardware} {network.described}"
        with tempfile.TemporaryDirectory() as folder:
            problems = differences(network, Path(folder), csim=csim, cosim=cosim)
        verdict, said = ("DIFFERS" if problems else "equal"), "; ".join(problems)
    except hpq.HpqError as error:
        verdict, said = "refused", str(error)
    except Exception:
        verdict, said = "TRACEBACK", traceback.format_exc()[-1500:]
    return seed, verdict, described, said, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=100, help="of the first; the others follow")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-cosim", action="store_true", help="only the C++")
    parser.add_argument("--no-tools", action="store_true", help="only what the kernels say they compute")
    options = parser.parse_args()
    seeds, counts = range(options.seed, options.seed + options.count), dict[str, int]()
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        check = functools.partial(
            checked, csim=not options.no_tools, cosim=not (options.no_cosim or options.no_tools)
        )
        for seed, verdict, described, said, seconds in pool.imap_unordered(check, seeds):
            counts[verdict] = counts.get(verdict, 0) + 1
            print(
                f"seed {seed:5} {verdict:9} {seconds:5.1f} s  {described}"
                + (f"\n    {said}" if said else ""),
                flush=True,
            )
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    sys.exit(any(verdict.isupper() for verdict in counts))


if __name__ == "__main__":
    main()
