"""Hardware against the simulator, word by word."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hpq_hls.cost.folding import interval_of
from hpq_hls.errors import ConfigError, VerificationError
from hpq_hls.graph import Inputs, joined, named
from hpq_hls.project import Project
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.verify.certify.certificate import Certificate
from hpq_hls.verify.cosim import SCENARIOS, CosimResult
from hpq_hls.workflow.progress import Quiet, Reporter, Step
from hpq_hls.workflow.records import save_record
from hpq_hls.workflow.results import Check, VerifyResult
from hpq_hls.workflow.steps import design_fingerprint, expected_design, open_project
from hpq_hls.workflow.workspace import Workspace

CSIM_SAMPLES = 200
COSIM_SAMPLES = 16
"""Cycle-accurate simulation is the slow one."""
CHOSEN_CYCLES = 1 << 18
"""Cycles of a design's slowest kernel that chosen frames may take in each scenario of co-simulation."""

SELF_CHECK, CSIM, COSIM, ALONE = "C++ self-check", "C simulation", "RTL co-simulation", "kernels alone"
EXTERNAL = "external"
"""What the backend is called of RTL that is not the project's."""


def run_verify(
    work: Workspace,
    *,
    rtl_dir: Path | None = None,
    samples: int | None = None,
    scenarios: Sequence[str] = SCENARIOS,
    certify: bool = True,
    reporter: Reporter | None = None,
) -> VerifyResult:
    """Run the projects of the configured backends and compare every output word with the simulator; then each
    of their kernels alone, for all inputs that can reach it (``Project.certify``).

    rtl_dir: check this folder of Verilog instead, such as a vendor tool's export of the C++.
    samples: of the test split (validation, calibration where there is none), for C simulation and
    co-simulation alike; by default ``CSIM_SAMPLES`` and ``COSIM_SAMPLES``. certify: whether kernels are run
    alone; those of an ``rtl_dir`` cannot be.

    Co-simulation gets the frames that were chosen for what they reach (``Project.stimuli``) first, as many as
    ``CHOSEN_CYCLES`` allows, and then samples.

    Wrong words are a result, not an error: see ``VerifyResult.check``.

    Raises:
        ConfigError: a project has not been generated, or samples is below 1. ToolError: a tool fails.
    """
    if samples is not None and samples < 1:
        raise ConfigError(f"samples is {samples}; give a whole number of at least 1")
    checker = _Checker(work, work.quantized(), samples, tuple(scenarios), reporter or Quiet())
    backends = work.project.settings.hardware.backends
    if rtl_dir is not None:
        checker.external(rtl_dir)
    else:
        for project in [open_project(work, checker.q, backend) for backend in backends]:
            checker.rtl(project) if project.backend == "rtl" else checker.cpp(project)
            if certify:
                checker.alone(project)
    timed = checker.timed
    result = VerifyResult(
        checks=tuple(checker.checks),
        latency_cycles=None if timed is None else timed.latency_cycles,
        interval_cycles=None if timed is None else timed.interval_cycles,
        clock_ns=work.project.settings.hardware.clock_ns,
        precision=work.statement,
        certificates=tuple(checker.certificates),
        coverage=checker.stimuli.coverage,
        notes=tuple(checker.notes),
    )
    command = "verify" if rtl_dir is None else "verify-external"
    save_record(work.project.output, command, design_fingerprint(work, checker.q), result)
    return result


class _Checker:
    """Runs checks one after the other and collects what they say."""

    def __init__(
        self,
        work: Workspace,
        q: QuantizedGraph,
        samples: int | None,
        scenarios: tuple[str, ...],
        reporter: Reporter,
    ) -> None:
        self.work, self.q = work, q
        self._samples, self._scenarios, self._reporter = samples, scenarios, reporter
        self.checks: list[Check] = []
        self.timed: CosimResult | None = None
        self.certificates: list[Certificate] = []
        self.stimuli = work.stimuli(q)
        self.notes = list(self.stimuli.notes)

    def cpp(self, project: Project) -> None:
        """The emitted testbench on its own vectors, then samples through the same C++."""
        begin = time.monotonic()
        with self._reporter.step(f"{SELF_CHECK} of {project.backend} with g++") as step:
            own = project.selfcheck(progress=step)
            failures = () if own.passed else (own.message,)
            vectors = len(project.stimuli)
            self._add(step, begin, SELF_CHECK, project.backend, vectors, own.words, own.mismatches, failures)
        begin = time.monotonic()
        with self._reporter.step(f"{CSIM} of {project.backend}") as step:
            x = self._inputs(CSIM_SAMPLES)
            outputs = self.q.graph.outputs
            made, right = (
                named(project.csim(x, progress=step), outputs),
                named(self.q.predict_raw(x), outputs),
            )
            wrong = np.concatenate(
                [(made[name] != right[name]).reshape(len(x), -1) for name in outputs], axis=1
            )
            different = int(np.count_nonzero(wrong))
            first = f"first in sample {int(np.argwhere(wrong)[0][0])}" if different else ""
            self._add(
                step, begin, CSIM, project.backend, len(x), wrong.size, different, (first,) if first else ()
            )

    def rtl(self, project: Project) -> None:
        """Chosen frames and samples through the project's RTL."""
        self._cosim(lambda x, step: project.cosim(x, scenarios=self._scenarios, progress=step), project)

    def alone(self, project: Project) -> None:
        """Every kernel of the project, for all inputs."""
        begin = time.monotonic()
        with self._reporter.step(f"{ALONE} ({project.backend})") as step:
            found = project.certify(progress=step)
            wrong = found.first_failure
            failures = () if wrong is None else (wrong.sentence,)
            count, checked = len(found.kernels), found.checked
            self._add(step, begin, ALONE, project.backend, count, checked, found.different, failures)
        self.certificates.append(found)

    def external(self, rtl_dir: Path) -> None:
        """Chosen frames and samples through somebody's RTL."""
        home = self.work.project.output / EXTERNAL
        project = Project(home, EXTERNAL, self.q, expected_design(self.work, self.q))
        self._cosim(
            lambda x, step: project.cosim(x, rtl_dir=rtl_dir, scenarios=self._scenarios, progress=step),
            project,
        )

    def _cosim(self, run: Callable[[Inputs, Step], CosimResult], project: Project) -> None:
        begin, backend = time.monotonic(), project.backend
        x = joined([*self._chosen(project), self._inputs(COSIM_SAMPLES)])
        with self._reporter.step(f"{COSIM} ({backend}) with Verilator and cocotb") as step:
            try:
                result = run(x, step)
            except VerificationError as error:  # some packets never came out
                words = len(x) * sum(math.prod(shape) for shape in self.q.output_shapes.values())
                self._add(step, begin, COSIM, backend, len(x), words, words, (str(error),))
                return
            for item in result.scenarios:
                self.checks.append(
                    Check(
                        what=COSIM,
                        backend=backend,
                        scenario=item.name,
                        samples=item.packets,
                        words_compared=item.words_compared,
                        words_different=item.mismatches,
                        passed=item.passed,
                        failures=item.failures,
                        seconds=round(item.seconds, 1),
                    )
                )
            step.conclude(_verdict(result.words_compared, result.mismatches, result.passed))
            self.timed = result

    def _add(
        self,
        step: Step,
        begin: float,
        what: str,
        backend: str,
        samples: int,
        words: int,
        different: int,
        failures: tuple[str, ...],
    ) -> None:
        if words == 0 and not failures:
            failures = ("no words were compared",)
        passed = different == 0 and not failures
        seconds = round(time.monotonic() - begin, 1)
        self.checks.append(Check(what, backend, None, samples, words, different, passed, failures, seconds))
        step.conclude(_verdict(words, different, passed))

    def _chosen(self, project: Project) -> list[Inputs]:
        """The chosen frames that co-simulation has time for."""
        cycles = interval_of(project.dataflow)
        count = min(max(CHOSEN_CYCLES // cycles, 1), len(self.stimuli))
        if count < len(self.stimuli):
            self.notes.append(
                f"co-simulation runs {count} of the {len(self.stimuli)} chosen frames, which take {cycles:,} "
                f"cycles each: {CHOSEN_CYCLES:,} cycles in each scenario at most"
            )
        return [self.stimuli.inputs(self.q)[:count]]

    def _inputs(self, default: int) -> Inputs:
        return self.work.samples.x[: default if self._samples is None else self._samples]


def _verdict(words: int, different: int, passed: bool) -> str:
    if passed:
        return f"{words:,} words compared, 0 different"
    return f"{words:,} words compared, {different:,} different, FAILED"
