"""Random networks over all operators: numpy = g++ = Verilator on every word, and cycles as estimated.

    python benchmarks/random_networks.py --count 60 --seed 100 [--certify | --no-cosim | --no-tools]

Each is for a part and a clock of its own. --certify: every kernel of both designs is checked alone too.
Prints one line a network; what is wrong bears the seed that ``tests.dags.drawn`` makes it from again.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import random
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

import hpq_hls as hpq
from tests.dags import differences, drawn

Outcome = tuple[int, str, str, str, float]


PARTS = ("xc7z020clg400-1", "xc7a35tcpg236-1", "xczu7ev-ffvc1156-2-e", "xck26-sfvc784-2LV-c")
CLOCKS = (2.5, 3.3, 4.0, 5.0, 6.5, 10.0, 20.0)
"""Nanoseconds."""


def checked(seed: int, csim: bool, cosim: bool, certify: bool) -> Outcome:
    """Seed, verdict, what was drawn, what is wrong, seconds."""
    torch.set_num_threads(1)
    start, described = time.perf_counter(), ""
    try:
        draw = random.Random(f"hardware of {seed}")
        network = drawn(seed)
        chosen = {"part": draw.choice(PARTS), "clock_ns": draw.choice(CLOCKS)}
        network = replace(network, hardware={**network.hardware, **chosen})
        described = f"{network.hardware} {network.described}"
        with tempfile.TemporaryDirectory() as folder:
            problems = differences(network, Path(folder), csim=csim, cosim=cosim, certify=certify)
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
    parser.add_argument("--certify", action="store_true", help="every kernel alone too")
    parser.add_argument("--no-cosim", action="store_true", help="only the C++")
    parser.add_argument("--no-tools", action="store_true", help="only what the kernels say they compute")
    options = parser.parse_args()
    seeds, counts = range(options.seed, options.seed + options.count), dict[str, int]()
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        check = functools.partial(
            checked,
            csim=not options.no_tools,
            cosim=not (options.no_cosim or options.no_tools),
            certify=options.certify,
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
