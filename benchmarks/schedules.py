"""The modelled schedule of random networks' C++: does anything deadlock, and is the interval the printed one?

    python benchmarks/schedules.py --count 40 --seed 300 [--workers 2]

Each network of ``tests.dags.drawn`` is generated for Vitis HLS, and its schedule modelled at every depth of
pipelines from 2 to 24: as emitted, and with every style forced upon all pipelines. Prints one line a network;
the printed interval is the range of ``hpq estimate --backend vitis``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

import hpq_hls as hpq
from hpq_hls.verify.schedule import DEPTHS, STYLES
from tests.dags import drawn

FRAMES = 60
"""Of which the interval is that of the second half: the first ones fill FIFOs, which hides who is slow."""
MORE = 1_000_000
"""Frames that follow: stalling pipelines do not let go of the last ones until something comes."""

Outcome = tuple[int, str, str, float]


def modelled(seed: int) -> Outcome:
    """Seed, verdict, what was seen, seconds."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    try:
        network = drawn(seed)
        depths = range(min(DEPTHS), max(DEPTHS) + 1)
        with tempfile.TemporaryDirectory() as folder:
            project = hpq.generate(network.q, Path(folder) / "p", "vitis", oversize=True, **network.hardware)
            printed = hpq.estimate(network.q, backend="vitis", **network.hardware).interval_range
            assert printed is not None
            course = project.course()
        own = course.schedules(depths, frames=FRAMES)
        stuck = [("as emitted", one) for one in own if one.deadlock]
        for style in STYLES:
            stuck += [(style, one) for one in course.schedules(depths, style, more=MORE) if one.deadlock]
        intervals = [one.interval_cycles or 0 for one in own]
        ends = (min(intervals), max(intervals))
        off = max(abs(found / told - 1) for found, told in zip(ends, printed, strict=True))
        said = f"{printed} printed, {ends} modelled, off by {off:.1%}"
        if stuck:
            style, one = stuck[0]
            said += f"; {len(stuck)} stuck, first {style} at depth {one.depth}: {one.deadlock}"
        verdict = "STUCK" if stuck else "OFF" if off > 0.02 else "fine"
    except hpq.HpqError as error:
        verdict, said = "refused", str(error)
    except Exception:
        verdict, said = "TRACEBACK", traceback.format_exc()[-1500:]
    return seed, verdict, said, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=300, help="of the first; the others follow")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    counts = dict[str, int]()
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        seeds = range(options.seed, options.seed + options.count)
        for seed, verdict, said, seconds in pool.imap_unordered(modelled, seeds):
            counts[verdict] = counts.get(verdict, 0) + 1
            print(f"seed {seed:5} {verdict:9} {seconds:5.1f} s  {said}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    sys.exit(any(verdict.isupper() for verdict in counts))


if __name__ == "__main__":
    main()
