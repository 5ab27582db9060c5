"""Hardware against the simulator, word by word."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hpq_hls.cost.folding import interval_of
from hpq_hls.errors import ConfigError, HpqError, VerificationError
from hpq_hls.graph import Inputs, joined, named
from hpq_hls.project import Project
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.tools.progress import Quiet, Reporter, Step
from hpq_hls.verify.certify.certificate import Certificate, KernelCertificate
from hpq_hls.verify.cosim import SCENARIOS, CosimError, CosimResult
from hpq_hls.verify.cosim_run import ScenarioResult
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.verify.differ.looking import Looked
from hpq_hls.verify.differ.wave import Wave, wave_file
from hpq_hls.verify.schedule import ScheduleRange
from hpq_hls.workflow.records import save_record
from hpq_hls.workflow.results import Check, Reason, VerifyResult
from hpq_hls.workflow.steps import design_fingerprint, expected_design, open_project
from hpq_hls.workflow.workspace import Workspace

CSIM_SAMPLES = 200
COSIM_SAMPLES = 16
"""Cycle-accurate simulation is the slow one."""
CHOSEN_CYCLES = 1 << 18
"""Cycles of a design's slowest kernel that chosen frames may take in each scenario of co-simulation."""

SELF_CHECK, CSIM, COSIM, ALONE = "C++ self-check", "C simulation", "RTL co-simulation", "kernels alone"
SCHEDULE, CLOCKED = "modelled schedule", "C++ as hardware"
EXTERNAL = "external"
"""What the backend is called of RTL that is not the project's."""


def run_verify(
    work: Workspace,
    *,
    rtl_dir: Path | None = None,
    samples: int | None = None,
    scenarios: Sequence[str] = SCENARIOS,
    certify: bool = True,
    hls: bool = False,
    wave: str | Path | None = None,
    reporter: Reporter | None = None,
) -> VerifyResult:
    """Run the projects of the configured backends and compare every output word with the simulator; then each
    of their kernels alone, for all inputs that can reach it (``Project.certify``).

    rtl_dir: check this folder of Verilog instead, such as a vendor tool's export of the C++.
    samples: of the test split (validation, calibration where there is none), for C simulation and
    co-simulation alike; by default ``CSIM_SAMPLES`` and ``COSIM_SAMPLES``. certify: whether kernels are run
    alone; those of an ``rtl_dir`` cannot be. hls: whether C++ runs as clocked hardware too
    (``Project.cosim_cpp``). wave: write an FST of co-simulation there, of the first scenario
    that fails, or of the first.

    Co-simulation gets the frames that were chosen for what they reach (``Project.stimuli``) first, as many as
    ``CHOSEN_CYCLES`` allows, and then samples.

    Where something differs, it is looked at again, and ``VerifyResult.reasons`` say which kernel is the first
    that does. Wrong words are a result, not an error: see ``VerifyResult.check``.

    Raises:
        ConfigError: a project has not been generated, samples is below 1, or there is nothing that a wave
            could show. ToolError: a tool fails. OutputError: the wave cannot be written.
    """
    if wave is not None:
        wave_file(wave)
        if rtl_dir is None and "rtl" not in work.project.settings.hardware.backends:
            raise ConfigError(
                "there is no RTL to write a wave of; add rtl to "
                f"{work.project.where('hardware', 'backends')}, or give --rtl-dir"
            )
    if samples is not None and samples < 1:
        raise ConfigError(f"samples is {samples}; give a whole number of at least 1")
    backends = work.project.settings.hardware.backends
    if hls and (rtl_dir is not None or all(backend == "rtl" for backend in backends)):
        raise ConfigError(
            "--hls runs the C++ of the projects as hardware, and there is none; add vitis to "
            f"{work.project.where('hardware', 'backends')}"
        )
    checker = _Checker(work, work.quantized(), samples, tuple(scenarios), wave, reporter or Quiet())
    if rtl_dir is not None:
        checker.external(rtl_dir)
    else:
        for project in [open_project(work, checker.q, backend) for backend in backends]:
            if project.backend == "rtl":
                checker.rtl(project)
            else:
                checker.cpp(project)
                checker.schedule(project)
                if hls:
                    checker.clocked(project)
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
        schedules=tuple(checker.schedules),
        reasons=tuple(checker.reasons),
        wave=checker.wave,
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
        wave: str | Path | None,
        reporter: Reporter,
    ) -> None:
        self.work, self.q = work, q
        self._samples, self._scenarios, self._reporter = samples, scenarios, reporter
        self._wave = wave
        self.wave: Wave | None = None
        self.reasons: list[Reason] = []
        self.checks: list[Check] = []
        self.timed: CosimResult | None = None
        self.certificates: list[Certificate] = []
        self.schedules: list[ScheduleRange] = []
        self.stimuli = work.stimuli(q)
        self.notes = list(self.stimuli.notes)

    def cpp(self, project: Project) -> None:
        """The emitted testbench on its own vectors, then samples through the same C++."""
        begin = time.monotonic()
        with self._reporter.step(f"{SELF_CHECK} of {project.backend} with g++") as step:
            own = project.selfcheck(progress=step)
            failures: tuple[str, ...] = () if own.passed else (own.message,)
            vectors = len(project.stimuli)
            self._add(step, begin, SELF_CHECK, project.backend, vectors, own.words, own.mismatches, failures)
            if failures:
                self._explain(lambda: project.first_difference(progress=step))
        begin = time.monotonic()
        with self._reporter.step(f"{CSIM} of {project.backend}") as step:
            x = self._inputs(CSIM_SAMPLES)
            size, different, failures = self._csim(project, x, step)
            self._add(step, begin, CSIM, project.backend, self._count(x), size, different, failures)
            if failures:
                self._explain(lambda: project.first_difference(x, progress=step))

    def _csim(self, project: Project, x: Inputs, step: Step) -> tuple[int, int, tuple[str, ...]]:
        """Words compared, words that differ, and where the first does."""
        outputs = self.q.graph.outputs
        right = named(self.q.predict_raw(x), outputs)
        size = sum(part.size for part in right.values())
        try:
            made = named(project.csim(x, progress=step), outputs)
        except VerificationError as error:
            return size, size, (str(error),)
        wrong = np.concatenate(
            [(made[name] != right[name]).reshape(len(right[name]), -1) for name in outputs], axis=1
        )
        different = int(np.count_nonzero(wrong))
        return size, different, (f"first in sample {int(np.argwhere(wrong)[0][0])}",) if different else ()

    def schedule(self, project: Project) -> None:
        """The C++ as pipelines between FIFOs: does it deadlock, and what is its interval."""
        begin = time.monotonic()
        with self._reporter.step(f"{SCHEDULE} of {project.backend}") as step:
            found = project.course(progress=step).spread(project.backend)
            failures = () if found.deadlock is None else (f"deadlock {found.deadlock}",)
            runs, beats = len(found.depths), found.beats + found.missing
            self._add(step, begin, SCHEDULE, project.backend, runs, beats, found.missing, failures)
        self.schedules.append(found)

    def clocked(self, project: Project) -> None:
        """Chosen frames and samples through the project's C++ as clocked hardware, whose cycles mean
        nothing."""
        x = joined([*self._chosen(project), self._inputs(COSIM_SAMPLES)])
        with self._reporter.step(f"{CLOCKED} ({project.backend}) with clang and Verilator") as step:
            try:
                scenarios = project.cosim_cpp(x, scenarios=self._scenarios, progress=step).scenarios
            except CosimError as error:  # some packets never came out
                scenarios = error.scenarios
            compared = sum(item.words_compared for item in scenarios)
            different = sum(item.mismatches for item in scenarios)
            passed = all(item.passed for item in scenarios)
            self.checks += [replace(_check(item, project.backend), what=CLOCKED) for item in scenarios]
            step.conclude(_verdict(compared, different, passed))

    def rtl(self, project: Project) -> None:
        """Chosen frames and samples through the project's RTL."""
        self._cosim(project, None)

    def alone(self, project: Project) -> None:
        """Every kernel of the project, for all inputs."""
        begin = time.monotonic()
        with self._reporter.step(f"{ALONE} ({project.backend})") as step:
            found = project.certify(progress=step)
            wrong = found.first_failure
            failures: tuple[str, ...] = () if wrong is None else (wrong.sentence,)
            count, checked = len(found.kernels), found.checked
            self._add(step, begin, ALONE, project.backend, count, checked, found.different, failures)
        self.certificates.append(found)
        if wrong is not None:  # what was seen from end to end need not be said again
            for place, reason in enumerate(self.reasons):
                if reason.backend == project.backend and _agree(reason.difference, wrong):
                    self.reasons[place] = replace(reason, checks=(*reason.checks, ALONE))

    def external(self, rtl_dir: Path) -> None:
        """Chosen frames and samples through somebody's RTL."""
        home = self.work.project.output / EXTERNAL
        self._cosim(Project(home, EXTERNAL, self.q, expected_design(self.work, self.q, "rtl")), rtl_dir)

    def _cosim(self, project: Project, rtl_dir: Path | None) -> None:
        backend = project.backend
        x = joined([*self._chosen(project), self._inputs(COSIM_SAMPLES)])
        with self._reporter.step(f"{COSIM} ({backend}) with Verilator and cocotb") as step:
            try:
                result = project.cosim(x, rtl_dir=rtl_dir, scenarios=self._scenarios, progress=step)
                self.timed, scenarios = result, result.scenarios
            except CosimError as error:  # some packets never came out
                scenarios = error.scenarios
            compared = sum(item.words_compared for item in scenarios)
            different = sum(item.mismatches for item in scenarios)
            passed = all(item.passed for item in scenarios)
            self.checks += [_check(item, backend) for item in scenarios]
            if not passed or self._wave is not None:
                self._look(
                    lambda: project.look(x, scenarios, rtl_dir=rtl_dir, wave=self._wave, progress=step)
                )
            step.conclude(_verdict(compared, different, passed))

    # ------------------------------------------------------------------ reasons

    def _explain(self, look: Callable[[], Difference | None]) -> None:
        """Say why the last check failed."""
        try:
            found = look()
        except HpqError as error:
            self._unexplained(error)
            return
        if found is not None and found.fault is not Fault.UNSEEN:
            self._reason(self.checks[-1], found)

    def _look(self, look: Callable[[], Looked]) -> None:
        """Say why scenarios failed; and a wave that was asked for must come."""
        try:
            looked = look()
        except HpqError as error:
            if self._wave is not None:
                raise
            self._unexplained(error)
            return
        self.wave = looked.wave
        for check in self.checks:
            found = looked.differences.get(check.scenario or "")
            if found is not None:
                self._reason(check, found)

    def _unexplained(self, error: HpqError) -> None:
        """The last check says why nothing more is known."""
        last, said = self.checks[-1], str(error).splitlines()[0]
        told = f"where it goes wrong first could not be found: {said}"
        self.checks[-1] = replace(last, failures=(*last.failures, told))

    def _reason(self, check: Check, found: Difference) -> None:
        """Checks that fail in the same way have one reason."""
        label, words = check.scenario or check.what, (check.words_compared, check.words_different)
        for place, reason in enumerate(self.reasons):
            if (reason.backend, reason.difference.reason) == (check.backend, found.reason):
                self.reasons[place] = replace(
                    reason,
                    checks=(*reason.checks, label),
                    words_compared=reason.words_compared + words[0],
                    words_different=reason.words_different + words[1],
                )
                return
        self.reasons.append(Reason(check.backend, found, (label,), *words))

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

    def _count(self, x: Inputs) -> int:
        return len(next(iter(named(x, self.q.graph.inputs).values())))

    def _chosen(self, project: Project) -> list[Inputs]:
        """The chosen frames that co-simulation has time for."""
        cycles = interval_of(project.dataflow)
        count = min(max(CHOSEN_CYCLES // cycles, 1), len(self.stimuli))
        if count < len(self.stimuli):
            note = (
                f"co-simulation runs {count} of the {len(self.stimuli)} chosen frames, which take {cycles:,} "
                f"cycles each: {CHOSEN_CYCLES:,} cycles in each scenario at most"
            )
            self.notes += [] if note in self.notes else [note]
        return [self.stimuli.inputs(self.q)[:count]]

    def _inputs(self, default: int) -> Inputs:
        return self.work.samples.x[: default if self._samples is None else self._samples]


def _check(item: ScenarioResult, backend: str) -> Check:
    return Check(
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


def _agree(found: Difference, alone: KernelCertificate) -> bool:
    """Whether what is wrong from end to end is what is wrong alone; FIFOs and ports that are alike are
    examined once, under the name of the first."""
    if alone.kind in ("fifo", "port"):
        return found.kind == alone.kind
    return found.kernel == alone.name


def _verdict(words: int, different: int, passed: bool) -> str:
    if passed:
        return f"{words:,} words compared, 0 different"
    return f"{words:,} words compared, {different:,} different, FAILED"
