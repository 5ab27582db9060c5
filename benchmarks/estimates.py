"""How far estimates of whole designs are from synthesis: random small networks as RTL, mapped by Yosys.

    python benchmarks/estimates.py --count 30 --seed 7000             # the error table
    python benchmarks/estimates.py --part xczu7ev-ffvc1156-2-e        # of one family alone
    python benchmarks/estimates.py --orders 3                         # Kendall's tau over widths
    python benchmarks/estimates.py --worst 5                          # and where the worst ones are off

Relative errors are |estimate - measured| / measured, over the designs that have any. "exact" counts, among
the designs that have any or are said to, those with the very number.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from estimate_designs import PARTS, Drawn, combinations, drawn
from scipy.stats import kendalltau

import hpq_hls as hpq
from hpq_hls.billing.parts import find_part

RELATIVE, COUNTED = ("lut", "ff"), ("dsp", "bram")
COMBINATIONS = 8
"""Combinations of widths of a network that are put in order."""


@dataclass(frozen=True)
class Sample:
    """A design: what it was drawn from, and (lut, ff, dsp, bram) as estimated and as measured."""

    seed: int
    family: str
    described: str
    estimated: dict[str, int]
    measured: dict[str, int]
    layers: list[str]

    def error(self, name: str) -> float:
        """Relative error of a resource in percent, with its sign."""
        return 100 * (self.estimated[name] - self.measured[name]) / max(self.measured[name], 1)


def measured(one: Drawn, known: Mapping[str, int] | None = None) -> Sample:
    """Estimate a design, generate it, and have Yosys map it, unless that is ``known``."""
    said, names = hpq.estimate(one.q, **one.hardware), (*RELATIVE, *COUNTED)
    if known is None:
        with tempfile.TemporaryDirectory() as folder:
            project = hpq.generate(one.q, Path(folder) / "rtl", backend="rtl", oversize=True, **one.hardware)
            found = project.synth(tool="yosys")
        known = {name: getattr(found, name) for name in names}
    layers = [
        f"{layer.name} {'+'.join(layer.kinds)}: "
        f"{layer.lut} LUT, {layer.ff} FF, {layer.dsp} DSP, {layer.bram} BRAM"
        for layer in said.layers
    ]
    return Sample(
        one.seed,
        find_part(one.hardware["part"]).family.value,
        one.described,
        {name: getattr(said, name) for name in names},
        dict(known),
        layers,
    )


def table(samples: Sequence[Sample]) -> str:
    """The errors as a table in Markdown, a row for each family and resource."""
    lines = [
        "| family | designs | resource | median | 90th percentile | largest | exact |",
        "|---|---|---|---|---|---|---|",
    ]
    for family in sorted({sample.family for sample in samples}):
        mine = [sample for sample in samples if sample.family == family]
        for name in (*RELATIVE, *COUNTED):
            having = [one for one in mine if one.measured[name] or one.estimated[name]]
            exact = sum(one.measured[name] == one.estimated[name] for one in having)
            cells = ["–"] * 3
            if name in RELATIVE:
                errors = np.abs([one.error(name) for one in having])
                cells = [
                    f"{value:.1f} %" for value in (np.median(errors), np.quantile(errors, 0.9), errors.max())
                ]
            lines.append(
                f"| {family} | {len(mine)} | {name.upper()} | {' | '.join(cells)} "
                f"| {exact} of {len(having)} |"
            )
    return "\n".join(lines)


def orders(count: int, seed: int, part: str) -> list[float]:
    """Kendall's tau between estimated and measured LUTs over combinations of widths of each network."""
    found = []
    for number in range(count):
        samples = []
        for one in combinations(seed + number, part, COMBINATIONS):
            samples.append(measured(one))
            luts = [getattr(samples[-1], kind)["lut"] for kind in ("estimated", "measured")]
            print(f"seed {one.seed} {one.described}: LUT {luts[0]}/{luts[1]}", file=sys.stderr, flush=True)
        said, truth = ([getattr(one, kind)["lut"] for one in samples] for kind in ("estimated", "measured"))
        found.append(float(kendalltau(said, truth).statistic))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=30, help="designs of each part")
    parser.add_argument("--seed", type=int, default=0, help="of the first design; the others follow")
    parser.add_argument("--part", action="append", help="part to build for; one of each family without it")
    parser.add_argument(
        "--orders", type=int, default=0, help="networks to put combinations of widths in order of"
    )
    parser.add_argument("--worst", type=int, default=0, help="designs to show in detail")
    parser.add_argument(
        "--json",
        type=Path,
        help="file to keep each design in, a line each; those in it are estimated again, not synthesized",
    )
    given = parser.parse_args()
    parts, samples = given.part or PARTS, list[Sample]()
    kept = given.json.read_text(encoding="utf-8").splitlines() if given.json and given.json.exists() else []
    known = {(one["seed"], one["family"]): one["measured"] for one in map(json.loads, kept)}
    for seed in range(given.seed, given.seed + given.count):
        for part in parts:
            start = time.perf_counter()
            try:
                before = known.get((seed, find_part(part).family.value))
                one = measured(drawn(seed, part), before)
            except hpq.HpqError as error:
                print(f"seed {seed} {part}: {error}", file=sys.stderr)
                continue
            samples.append(one)
            errors = ", ".join(
                f"{name} {one.estimated[name]}/{one.measured[name]}" for name in (*RELATIVE, *COUNTED)
            )
            seconds = time.perf_counter() - start
            print(f"seed {seed} {one.family}: {errors}, {seconds:.0f} s", file=sys.stderr, flush=True)
            if given.json and before is None:
                with given.json.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(one.__dict__) + "\n")
    print(table(samples))
    for part in parts if given.orders else ():
        values = orders(given.orders, given.seed, part)
        print(
            f"\nKendall's tau of LUTs, {find_part(part).family.value}: "
            + ", ".join(f"{value:.3f}" for value in values)
        )
    for one in sorted(samples, key=lambda one: -max(abs(one.error(name)) for name in RELATIVE))[
        : given.worst
    ]:
        errors = ", ".join(f"{name} {one.error(name):+.1f} %" for name in RELATIVE)
        print(f"\nseed {one.seed} {one.family}: {errors}\n  {one.described}")
        print("".join(f"    {layer}\n" for layer in one.layers), end="")


if __name__ == "__main__":
    main()
