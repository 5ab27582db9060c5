"""hpq run: everything from a model to a certificate, a step only where what it reads has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hpq_hls.codegen.writer import FILES, is_untouched
from hpq_hls.errors import ConfigError
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.verify.certify.kept import kept
from hpq_hls.workflow import results as r
from hpq_hls.workflow.checking import run_verify
from hpq_hls.workflow.chosen import Source, Statement, last_found
from hpq_hls.workflow.digests import file_digest, installation_digest, text_digest
from hpq_hls.workflow.options import keep_options
from hpq_hls.workflow.records import FOLDER, read_record, save_record
from hpq_hls.workflow.searching import run_search
from hpq_hls.workflow.steps import design_fingerprint, open_project, run_estimate, run_generate
from hpq_hls.workflow.workspace import Workspace

GENERATED, PAGE = "generated", "page"
"""Records of what the projects and the page were made from."""

Page = Callable[[Workspace], Path]
"""Writes the page of a project."""


@dataclass(frozen=True)
class StepRow:
    """What became of a step. done: whether it ran; sentence: what came out, or why it did not have to."""

    name: str
    done: bool
    sentence: str


@dataclass(frozen=True)
class RunResult:
    """Outcome of ``hpq run``. passed: every word of the hardware was equal; kernels: proved alone, how many;
    file: the page."""

    steps: tuple[StepRow, ...]
    scores: r.Scores | None
    estimate: r.EstimateResult
    passed: bool
    kernels: int
    words: int
    file: Path
    precision: Statement


def run_all(
    work: Workspace, page: Page, *, force: bool = False, reporter: Reporter | None = None
) -> RunResult:
    """Search, generate, verify, report; a step is left out if what it reads is what it was, by content.

    Where project.yaml or ``--precision`` says the precision, nothing is searched. A search that was
    interrupted goes on.

    force: replace projects that were changed by hand.

    Raises:
        VerificationError: a word differs. KeyboardInterrupt: the search was interrupted. Otherwise as the
            steps.
    """
    show = reporter or Quiet()
    rows = [_search(work, show)]
    work = work.renewed(work.option)
    rows.append(_generate(work, force, show))
    rows.append(_verify(work, show))
    q = work.quantized()
    verified = read_record(work.project.output, "verify", design_fingerprint(work, q))
    assert verified is not None
    estimate = run_estimate(work)
    scores = work.scores(q)
    row, file = _page(work, page)
    return RunResult(
        steps=(*rows, row),
        scores=scores,
        estimate=estimate,
        passed=verified["passed"],
        kernels=sum(len(one["kernels"]) for one in verified["certificates"]),
        words=sum(check["words_compared"] for check in verified["checks"]),
        file=file,
        precision=work.statement,
    )


def _search(work: Workspace, show: Reporter) -> StepRow:
    if work.option is not None or work.project.settings.precision.model_fields_set:
        return StepRow("search", False, f"not needed: the precision is {work.statement.sentence}")
    found = last_found(work.project.output)
    current = work.statement
    if current.origin is Source.SEARCH and not current.notes and found is not None and not found.interrupted:
        return StepRow("search", False, f"up to date: {current.sentence}")
    outcome = run_search(work, show, resume=True)
    if outcome.interrupted:
        raise KeyboardInterrupt
    return StepRow("search", True, f"{outcome.cost_of} {outcome.best.cost:,.0f}")


def _generated_from(work: Workspace) -> str:
    """Of all that the projects are made from."""
    return text_digest([work.key, installation_digest()])


def _is_generated(work: Workspace) -> bool:
    """Whether the projects are what ``hpq generate`` would write now, and nobody changed them."""
    output, backends = work.project.output, work.project.settings.hardware.backends
    made = read_record(output, GENERATED, _generated_from(work))
    if made is None or not work.loader.known or not (output / "network.hpq").is_file():
        return False
    now = {name: file_digest(output / name / FILES) for name in backends}
    return bool(made == now and all(is_untouched(output / name) for name in backends))


def _generate(work: Workspace, force: bool, show: Reporter) -> StepRow:
    output, backends = work.project.output, work.project.settings.hardware.backends
    if _is_generated(work):
        keep_options(work.project)
        return StepRow("generate", False, f"up to date: {', '.join(str(output / name) for name in backends)}")
    made = run_generate(work, force=force, reporter=show)
    digests = {name: file_digest(output / name / FILES) for name in backends}
    save_record(output, GENERATED, _generated_from(work), digests)
    return StepRow("generate", True, ", ".join(str(project.path) for project in made.projects))


def _verify(work: Workspace, show: Reporter) -> StepRow:
    output, backends = work.project.output, work.project.settings.hardware.backends
    q = work.quantized()
    held = read_record(output, "verify", design_fingerprint(work, q))
    certificates = [kept(output / name) for name in backends]
    shown = held is not None and held["passed"] and len(held["certificates"]) == len(backends)
    if shown and all(one is not None and one.passed for one in certificates):
        for name in backends:
            _ = open_project(work, q, name)
        return StepRow("verify", False, "up to date: every word was equal, and every kernel proved alone")
    result = run_verify(work, reporter=show)
    result.check()
    words = sum(check.words_compared for check in result.checks)
    return StepRow("verify", True, f"{words:,} words equal")


def _shown(work: Workspace) -> str:
    """Of all that the page shows."""
    records = sorted(path for path in (work.project.output / FOLDER).glob("*.json") if path.stem != PAGE)
    return text_digest([_generated_from(work), [(path.name, file_digest(path)) for path in records]])


def _page(work: Workspace, page: Page) -> tuple[StepRow, Path]:
    output = work.project.output
    held = read_record(output, PAGE, _shown(work))
    if held is not None and file_digest(output / held["file"]) == held["sha256"]:
        file = output / held["file"]
        return StepRow("report", False, f"up to date: {file}"), file
    file = page(work)
    if not file.is_relative_to(output):
        raise ConfigError(f"the page {file} is not in the output folder {output}; leave it there")
    # Now, because writing the page measures and keeps what it lacks.
    save_record(
        output, PAGE, _shown(work), {"file": str(file.relative_to(output)), "sha256": file_digest(file)}
    )
    return StepRow("report", True, str(file)), file
