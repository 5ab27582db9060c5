"""Single changes of a generated project: does `hpq verify` refuse them?

    python benchmarks/mutations.py --backend rtl --count 100 --seed 1 --json rtl.jsonl

One word of one source file is changed at a time (`mutation_changes.py`): a bit of a memory, an end of a
range, a width, a shift, a counter, a pointer, an enable, a reset. The classes take turns, the three designs
too (`mutation_designs.py`), and of a class all files alike. Prints one line a change. Of a change that the
certificate does not refuse it says whether the compiler makes the same program of it (`mutation_same.py`),
which no input can tell from the right one; otherwise the project runs from port to port on samples, as `hpq
verify` has it, and what then survives is for people to judge.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import hpq_hls as hpq
from benchmarks.mutation_changes import Change, changes, drawn
from benchmarks.mutation_designs import DESIGNS, Design
from benchmarks.mutation_same import program
from hpq_hls.codegen.registry import find_backend
from hpq_hls.kernels import Kernel
from hpq_hls.verify.certify.bench import Bench
from hpq_hls.verify.certify.certificate import examine_on
from hpq_hls.verify.certify.cpp_bench import CppBench
from hpq_hls.verify.certify.intervals import stream_intervals
from hpq_hls.verify.certify.rtl_bench import RtlBench
from hpq_hls.verify.certify.rtl_top import Top
from hpq_hls.verify.certify.rtl_unit import Library, kernel_unit
from hpq_hls.verify.cosim import SCENARIOS
from hpq_hls.verify.cosim_sources import find_sources

SAMPLES = 16
BETWEEN = ("FIFOs", "ports, TLAST")
"""Classes of changes between the kernels."""


@dataclass(frozen=True)
class Told:
    """What is said against a change. by: which check, "" if none."""

    by: str
    text: str


NOTHING = Told("", "")


class Subject:
    """A project whose files are changed."""

    def __init__(self, name: str, design: Design, backend: str, home: Path) -> None:
        self.name, self.design = name, design
        self.project = design.generate(home / name, backend)
        self.printed = find_backend(backend).files(self.project.design)
        self.intervals = stream_intervals(self.project.dataflow, self.project.built)
        self.project.certify().check()
        self.program, self.units = program(self.project), self._made_of()

    def against(self, change: Change) -> Told:
        """What the certificate says, of the kernels that have the change: the others are as they were."""
        flow, now = self.project.dataflow, self._made_of()
        touched = [k for k in flow.kernels if k.name not in now or now[k.name] != self.units[k.name]]
        try:
            bench = self._bench()
            if change.kind in BETWEEN:
                return self._between(bench) or self._kernels(bench, touched) or NOTHING
            return self._kernels(bench, touched) or self._between(bench) or NOTHING
        except hpq.HpqError as error:
            return Told("build", f"{type(error).__name__}: {error}")

    def _bench(self) -> Bench:
        if self.project.backend == "rtl":
            return RtlBench(self.project.path, self.project.dataflow, self.printed, lambda _: None)
        return CppBench(self.project.path, self.project.dataflow, self.printed, lambda _: None)

    def _made_of(self) -> dict[str, Sequence[str]]:
        """By kernel of RTL: the text of all that it is made of. C++ is compiled as a whole."""
        if self.project.backend != "rtl":
            return {}
        flow, path = self.project.dataflow, self.project.path
        sources = find_sources(path, ignore=path / "build")
        library = Library.of(sources, flow.name)
        found = {}
        for kernel in flow.kernels:
            with contextlib.suppress(hpq.HpqError):
                top = Top.read((path / "rtl" / f"{flow.name}.sv").read_text(encoding="utf-8"))
                unit = kernel_unit(top, kernel, flow, library)
                files = [*library.under(unit.body), *(path / "rtl" / name for _, name in unit.memories)]
                found[kernel.name] = [unit.body, *(file.read_text(encoding="utf-8") for file in files)]
        return found

    def _kernels(self, bench: Bench, kernels: Sequence[Kernel]) -> Told | None:
        flow = self.project.dataflow
        for kernel in kernels:
            found = examine_on(bench, kernel, flow.streams, self.intervals)
            if not found.passed:
                return Told("build" if "compile" in found.first else "kernel", found.sentence)
        return None

    @staticmethod
    def _between(bench: Bench) -> Told | None:
        for found in bench.streams():
            if not found.passed:
                return Told(found.kind, found.sentence)
        return None

    def on_samples(self) -> Told:
        """What the runs from port to port say."""
        x = self.design.samples(SAMPLES)
        try:
            if self.project.backend == "rtl":
                result = self.project.cosim(x, scenarios=SCENARIOS)
                return NOTHING if result.passed else Told("samples", "words differ")
            own = self.project.selfcheck()
            right, made = self.project.q.predict_raw(x), self.project.csim(x)
            return NOTHING if own.passed and np.array_equal(right, made) else Told("samples", "words differ")
        except hpq.HpqError as error:
            return Told("samples", f"{type(error).__name__}: {error}")

    def verdict(self, change: Change) -> Told:
        """What is said of a change; the file is as before when this returns."""
        text = change.path.read_text(encoding="utf-8")
        change.path.write_text(change.apply(text), encoding="utf-8")
        try:
            told = self.against(change)
            if not told.by and program(self.project) == self.program:
                return Told("same", "the same program")
            return told if told.by else self.on_samples()
        finally:
            change.path.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=("vitis", "vivado", "rtl"), default="rtl")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", help="classes of changes; all of them")
    parser.add_argument("--json", type=Path, help="a line for each change is added to this file")
    options = parser.parse_args()
    rng, counts = random.Random(options.seed), Counter[tuple[str, str]]()
    with tempfile.TemporaryDirectory(prefix="hpq_mutations_") as home:
        subjects = [Subject(name, design, options.backend, Path(home)) for name, design in DESIGNS.items()]
        draws = []
        for subject in subjects:
            possible = changes(subject.project.path, rng)
            wanted = {kind: possible[kind] for kind in possible if kind in (options.kinds or possible)}
            draws.append(drawn(wanted, rng))
        for number in range(options.count):
            subject = subjects[number % len(subjects)]
            change, begin = next(draws[number % len(subjects)]), time.monotonic()
            told = subject.verdict(change)
            counts[change.kind, told.by] += 1
            _tell(subject, change, told, time.monotonic() - begin, options.json)
    _summary(counts)


def _tell(subject: Subject, change: Change, told: Told, seconds: float, path: Path | None) -> None:
    place = f"{change.path.name}:{change.line + 1}.{change.start + 1}: {change.old} -> {change.new}"
    row = change.path.read_text(encoding="utf-8").splitlines()[change.line].strip()
    text = " ".join(told.text.split())[:90] if told.by not in ("", "same") else f"in {row[:90]!r}"
    head = f"{seconds:5.1f} s  {subject.name:<8} {change.kind:<12} {told.by or 'SURVIVES':<8}"
    print(f"{head} {place:<60} {text}", flush=True)
    if path is not None:
        record = {
            "design": subject.name,
            "kind": change.kind,
            "file": change.path.name,
            "line": change.line + 1,
            "column": change.start + 1,
        }
        record |= {"row": row, "old": change.old, "new": change.new, "by": told.by, "told": told.text}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record | {"seconds": round(seconds, 1)}) + "\n")


def _summary(counts: Counter[tuple[str, str]]) -> None:
    """By class: how many were refused by what, and what was not."""
    columns = ("text", "kernel", "fifo", "port", "build", "samples", "same", "")
    print(f"\n{'class':<14}" + "".join(f"{column or 'SURVIVE':>9}" for column in columns))
    for kind in sorted({kind for kind, _ in counts}):
        print(f"{kind:<14}" + "".join(f"{counts[kind, column]:>9}" for column in columns))
    print(f"{'all':<14}" + "".join(f"{sum(counts[k] for k in counts if k[1] == c):>9}" for c in columns))


if __name__ == "__main__":
    main()
