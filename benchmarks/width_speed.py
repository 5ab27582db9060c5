"""What narrow widths buy: the fastest design that fits a part, at widths of one kind everywhere and searched.

Every row is a search for throughput: with one combination for the uniform ones, over all widths for the last.
Each is the fastest that takes no more than 80 % of any resource, by the same cost model and with the same
freedom of folding. Networks, samples and seeds are those of ``search_honesty``. With --cosim the RTL is
simulated on so many samples: words that differ, and whether latency and interval are those of the estimate.

    python benchmarks/width_speed.py --mnist mnist.npz --only lenet --seeds 80:82 --cosim 3
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from honesty_networks import NETWORKS, Draw
from search_honesty import add_data_arguments, data_of, networks_of
from search_tables import table

import hpq_hls as hpq

WIDTHS = {"16": (16, 16), "8": (8, 8), "6": (6, 6), "5": (5, 5), "4": (4, 4), "w2a4": (2, 4)}
HEAD = ["network", "seed", "widths", "interval", "latency", "bits of weights", "LUT", "FF", "DSP", "BRAM"]
HEAD += ["drop seen", "drop unseen", "certified", "limited by", "simulated"]


@dataclass(frozen=True, eq=False)
class Found:
    """The fastest design of one kind of widths. drops: in points, on the validation and on unseen samples;
    simulated: what co-simulation says of it."""

    report: hpq.ResourceEstimate
    seen: float
    unseen: float
    certified: bool | None
    simulated: str


def drop(graph: hpq.Graph, q: hpq.QuantizedGraph, x: np.ndarray, y: np.ndarray) -> float:
    """Right answers lost, in points."""
    right = [float((outputs.argmax(1) == y).mean()) for outputs in (graph.predict(x), q.predict(x))]
    return 100 * (right[0] - right[1])


def fastest(graph: hpq.Graph, draw: Draw, given: argparse.Namespace, widths: tuple[int, int] | None) -> Found:
    """The fastest design at widths (weights, activations), or at what a search finds."""
    single = {} if widths is None else {"weight_bits": widths[:1], "activation_bits": widths[1:]}
    validation = draw.validation.x, draw.validation.y
    result = hpq.search(
        graph,
        draw.calibration,
        validation,
        max_drop=1.0 if widths else given.drop / 100,
        confidence=None if widths else 0.9,
        objective="throughput",
        part=given.part,
        **single,
    )
    folding = {"part": given.part, "target_interval": result.target_interval}
    report = hpq.estimate(result.best, **folding)
    simulated = "–"
    if given.cosim:
        with tempfile.TemporaryDirectory() as folder:
            project = hpq.generate(result.best, Path(folder) / "rtl", "rtl", **folding, oversize=True)
            run = project.cosim(draw.unseen.x[: given.cosim])
        measured = run.latency_cycles, run.interval_cycles
        same = measured == (report.latency_cycles, report.interval_cycles)
        times = "as estimated" if same else f"{run.latency_cycles} / {run.interval_cycles} cycles"
        simulated = f"{run.mismatches} of {run.words_compared} words differ, {times}"
    return Found(
        report,
        drop(graph, result.best, *validation),
        drop(graph, result.best, draw.unseen.x, draw.unseen.y),
        None if widths else result.certified,
        simulated,
    )


def rows(given: argparse.Namespace, names: list[str]) -> Iterator[list[str]]:
    """Of the table, as they are found."""
    for name in names:
        source = NETWORKS[name](data_of(given))
        graph = source.graph()
        for seed in given.seeds:
            draw = source.draw(seed)
            for title, widths in (*WIDTHS.items(), ("searched", None)):
                if title not in (given.widths or [*WIDTHS, "searched"]):
                    continue
                found = fastest(graph, draw, given, widths)
                report = found.report
                counts = report.interval_cycles, report.latency_cycles, report.weight_bits
                cells = report.lut, report.ff, report.dsp, report.bram
                yield [
                    source.title,
                    str(seed),
                    title,
                    *(f"{number:,}" for number in (*counts, *cells)),
                    f"{found.seen:.2f}",
                    f"{found.unseen:.2f}",
                    {None: "–", True: "yes", False: "no"}[found.certified],
                    report.limited_by,
                    found.simulated,
                ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_arguments(parser, out=False)
    parser.add_argument("--part", default="xc7z020clg400-1")
    parser.add_argument("--drop", type=float, default=0.5, help="allowed, in points")
    parser.add_argument("--cosim", type=int, default=0, metavar="N", help="simulate the RTL on N samples")
    parser.add_argument("--widths", nargs="+", choices=[*WIDTHS, "searched"], help="only these")
    given = parser.parse_args()
    found = []
    for row in rows(given, networks_of(given, parser)):
        found.append(row)
        print(" | ".join(row), flush=True)
    print(f"\n{table(HEAD, found)}")


if __name__ == "__main__":
    main()
