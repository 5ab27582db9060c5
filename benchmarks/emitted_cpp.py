"""The C++ of random networks under other tools than the simulator's g++.

    python benchmarks/emitted_cpp.py compilers --count 20 --seed 900 [--workers 2]
    python benchmarks/emitted_cpp.py hardware --count 20 --seed 900
    python benchmarks/emitted_cpp.py changes --count 30 --seed 900

compilers: warnings of g++ and clang, reports of the address and undefined-behaviour sanitizers while the
testbench runs, tables that clang does not see as constants; of networks from ``tests.dags.drawn``.
hardware: the same networks' C++ as clocked hardware (``Project.cosim_cpp``), in all scenarios.
changes: single changes of the C++ of three designs (``mutation_designs.py``) that alter words of C simulation
(those that make it stop are refused already): does the C++ as hardware differ as well, on the frames that
``hpq verify --hls`` takes; and if it does not, do its kernels alone?

Prints one line each; a network bears its seed.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch

import hpq_hls as hpq
from benchmarks.mutation_changes import Change, changes, drawn
from benchmarks.mutation_designs import DESIGNS
from hpq_hls.graph import joined
from hpq_hls.project import Project
from hpq_hls.verify.cosim import SCENARIOS
from hpq_hls.workflow.checking import COSIM_SAMPLES
from tests import dags
from tests.codegen import compilers
from tests.dags import Drawn, flat

Outcome = tuple[int, str, str, float]
SEEN = 400
"""Random samples that say whether a change alters results."""


def by_compilers(network: Drawn, project: Project) -> tuple[str, str]:
    """Verdict, and what was said."""
    del network
    count, filled = compilers.tables_not_constant(project.path)
    told = {
        "g++": compilers.gxx_warnings(project.path),
        "clang": compilers.clang_warnings(project.path),
        "sanitizers": compilers.sanitizer_reports(project.path),
        "no constants": filled,
    }
    said = "; ".join(f"{who}: {what}" for who, what in told.items() if what)
    return "TOLD" if said else "clean", said or f"{count} tables, all constant"


def by_hardware(network: Drawn, project: Project) -> tuple[str, str]:
    """Verdict, and what was seen."""
    result = project.cosim_cpp(network.x, scenarios=SCENARIOS)
    same = all(
        np.array_equal(made, right)
        for made, right in zip(flat(result.raw), flat(network.q.predict_raw(network.x)), strict=True)
    )
    said = f"{result.words_compared} words in {len(result.scenarios)} scenarios"
    return ("equal" if same and result.passed else "DIFFERS"), "; ".join([said, *result.failures])


CHECKS: dict[str, Callable[[Drawn, Project], tuple[str, str]]] = {
    "compilers": by_compilers,
    "hardware": by_hardware,
}


def checked(seed: int, what: str) -> Outcome:
    """Seed, verdict, what was said, seconds."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    try:
        network = dags.drawn(seed)
        with tempfile.TemporaryDirectory() as folder:
            project = hpq.generate(network.q, Path(folder) / "p", "vitis", oversize=True, **network.hardware)
            verdict, said = CHECKS[what](network, project)
    except hpq.HpqError as error:
        verdict, said = "REFUSED", str(error)
    except Exception:
        verdict, said = "TRACEBACK", traceback.format_exc()[-1500:]
    return seed, verdict, said, time.perf_counter() - start


def altered(project: Project, x: np.ndarray, right: np.ndarray) -> str:
    """What C simulation makes of a changed project: "", or why no words are compared with hardware."""
    try:
        return "same words" if np.array_equal(project.csim(x), right) else ""
    except hpq.HpqError as error:  # the headers stop at indices beyond a number's width, say
        return "no C++" if "compile" in str(error) else "it stops"


def found(project: Project, change: Change, x: np.ndarray, right: np.ndarray) -> tuple[str, str]:
    """Whether hardware of a changed project is refused; the file is as before when this returns."""
    text = change.path.read_text(encoding="utf-8")
    change.path.write_text(change.apply(text), encoding="utf-8")
    try:
        seen = altered(project, x, right)
        if seen:
            return seen, ""
        frames = joined([project.stimuli.inputs(project.q), x[:COSIM_SAMPLES]])
        result = project.cosim_cpp(frames, scenarios=SCENARIOS)
        if not result.passed:
            return "found", "; ".join(result.failures)[:80]
        wrong = project.certify().first_failure
        return ("PASSES", "") if wrong is None else ("by kernel", wrong.sentence[:80])
    except hpq.HpqError as error:
        return "found", f"{type(error).__name__}: {error}"[:80]
    finally:
        change.path.write_text(text, encoding="utf-8")


def change_designs(count: int, seed: int) -> Counter[str]:
    """Draw changes until ``count`` of them altered results."""
    rng, counts = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="hpq_changes_") as home:
        subjects = []
        for name, design in DESIGNS.items():
            project = design.generate(Path(home) / name, "vitis")
            x = design.samples(SEEN)
            right = project.q.predict_raw(x)
            subjects.append((name, project, drawn(changes(project.path, rng), rng), x, right))
        number = 0
        while counts["found"] + counts["by kernel"] + counts["PASSES"] < count:
            name, project, draws, x, right = subjects[number % len(subjects)]
            change, begin, number = next(draws), time.monotonic(), number + 1
            verdict, said = found(project, change, x, right)
            counts[verdict] += 1
            place = f"{change.path.name}:{change.line + 1}: {change.old} -> {change.new}"
            seconds = time.monotonic() - begin
            print(
                f"{seconds:5.1f} s  {name:<8} {change.kind:<12} {verdict:<10} {place:<56} {said}", flush=True
            )
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=(*CHECKS, "changes"))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=900, help="of the first network, or of the changes")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if options.what == "changes":
        os.environ.setdefault("HPQ_TIME_LIMIT", "300")  # a changed loop may never end
        counts = change_designs(options.count, options.seed)
    else:
        counts = Counter[str]()
        seeds = range(options.seed, options.seed + options.count)
        with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
            check = functools.partial(checked, what=options.what)
            for seed, verdict, said, seconds in pool.imap_unordered(check, seeds):
                counts[verdict] += 1
                print(f"seed {seed:5} {verdict:9} {seconds:5.1f} s  {said}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    sys.exit(any(verdict.isupper() for verdict in counts))


if __name__ == "__main__":
    main()
