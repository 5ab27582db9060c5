"""hpq search: from settings to a precision, its Pareto front, and fine-tuned parameters."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hpq_hls.errors import ConfigError
from hpq_hls.project import hardware_config, priced_by
from hpq_hls.search import Point, SearchResult, search
from hpq_hls.search.export import csv_text, json_text
from hpq_hls.search.limits import exceeded
from hpq_hls.search.objective import find_objective
from hpq_hls.search.significance import TestScore
from hpq_hls.search.telling import Telling
from hpq_hls.tools.files import write_file
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.workflow import results as r
from hpq_hls.workflow.chosen import PRECISION_FILE, Found, Source, Statement, keep, now
from hpq_hls.workflow.digests import folding_inputs, search_inputs
from hpq_hls.workflow.finished import FRONT_FILES, finished, keep_finished
from hpq_hls.workflow.guarantee import beyond, confirmed
from hpq_hls.workflow.precision_file import precision_text
from hpq_hls.workflow.records import graph_fingerprint, save_record
from hpq_hls.workflow.sensitivity import explored, sensitivity
from hpq_hls.workflow.steps import misfit_of_work
from hpq_hls.workflow.tuning import tune
from hpq_hls.workflow.workspace import Workspace, required

JOURNAL_FILE = "search.sqlite"
RESUME = "`hpq search --resume`"


def run_search(work: Workspace, reporter: Reporter | None = None, *, resume: bool = False) -> r.SearchOutcome:
    """Search precisions on the validation split, and score the best one once on the test split.

    The output folder gets ``precision.yaml`` (if a combination keeps the accuracy and all limits),
    ``pareto.csv``, ``pareto.json``, and the journal ``search.sqlite`` that ``resume`` continues from. Ctrl-C
    ends the search with the best so far, and everything is written as if it had ended by itself.

    Raises:
        ConfigError: there is no validation data, or no combination is feasible.
        OutputError: the journal cannot be used, or a file cannot be written.
    """
    show, output = reporter or Quiet(), work.project.output
    if resume and (known := finished(work)) is not None:
        with show.step("Searching") as step:
            keep(output, known.found)
            step.conclude(f"up to date: {known.evaluations:,} combinations measured by an earlier run")
        return replace(known, precision=work.renewed().statement)
    validation, _ = required(work.validation, work.project, "validation")
    begin = time.monotonic()
    with show.step("Searching") as step:
        telling = Telling(step, output / JOURNAL_FILE, RESUME)
        found = searched(work, telling, resume=resume, uniform=True)
        outcome = _outcome(work, found, len(validation), time.monotonic() - begin)
        step.conclude(conclusion(found))
    keep(output, outcome.found)
    texts = (csv_text(found.pareto, found.float_accuracy), json_text(found, found.pareto))
    for name, text in zip(FRONT_FILES, texts, strict=True):
        write_file(output / name, text)
    if found.feasible:
        write_file(output / PRECISION_FILE, precision_text(r.plain(outcome)))
        if work.project.settings.search.finetune and not found.interrupted:
            plain = hardware_config(**work.project.settings.hardware.arguments())
            tuned = tune(work, found, priced_by(plain, work.factors), show)
            warnings = (*outcome.warnings, *_warnings(found, tuned.test, "fine-tuned network's "))
            outcome = replace(outcome, tuned=tuned, warnings=warnings)
            write_file(output / PRECISION_FILE, precision_text(r.plain(outcome)))
    outcome = _stated(work, found, outcome)
    save_record(output, "search", graph_fingerprint(work.graph), _movable(outcome))
    if found.feasible and not found.interrupted:
        keep_finished(work)
    if not found.feasible and not found.interrupted:
        raise ConfigError(_infeasible(work, found))
    return outcome


def searched(
    work: Workspace,
    telling: Telling,
    *,
    resume: bool = True,
    uniform: bool = False,
    drops: Sequence[float] = (),
) -> SearchResult:
    """Search as the settings say, with the journal in the output folder; other arguments are those of
    ``hpq_hls.search``."""
    settings = work.project.settings
    chip = settings.hardware
    validation, labels = required(work.validation, work.project, "validation")
    test = None if work.test is None or work.test.y is None else (work.test.x, work.test.y)
    with work.project.blamed("search"):
        return search(
            work.graph,
            work.calibration.x,
            (validation.x, labels),
            test=test,
            **settings.search.arguments(work.project.folder) | {"output": validation.output},
            quantizer=settings.quantizer.options(),
            part=chip.part,
            clock_ns=chip.clock_ns,
            hardware=priced_by(hardware_config(**chip.arguments()), work.factors),
            journal=work.project.output / JOURNAL_FILE,
            resume=resume,
            uniform=uniform,
            drops=drops,
            progress=telling,
        )


def conclusion(found: SearchResult) -> str:
    """How a search went, in a few words."""
    known = f", {found.resumed:,} of them by an earlier run" if found.resumed else ""
    if found.shared:
        known += f", {found.shared:,} by searches for something else"
    end = "; interrupted" if found.interrupted else ""
    return f"{found.evaluations:,} combinations measured{known}{end}"


def _stated(work: Workspace, found: SearchResult, outcome: r.SearchOutcome) -> r.SearchOutcome:
    """With what the commands use from now on, and a warning where the network does not fit the part."""
    short = misfit_of_work(work, found.best, found.target_interval)
    said = () if short is None else (short.sentence,)
    if not found.feasible:  # then nothing was written that could be used
        return replace(outcome, warnings=(*outcome.warnings, *said))
    return replace(outcome, precision=work.renewed().statement, warnings=(*outcome.warnings, *said))


def _found(work: Workspace, found: SearchResult) -> Found:
    point = found.best_point
    return Found(
        searched=now(),
        strategy=found.strategy,
        objective=find_objective(work.project.settings.search.objective).title,
        cost=point.cost,
        feasible=found.feasible,
        interrupted=found.interrupted,
        row=None,
        precision=point.precision.to_dict(),
        target_interval=found.target_interval,
        inputs=search_inputs(work.project, graph_fingerprint(work.graph)),
        folding=folding_inputs(work.project),
    )


def _outcome(work: Workspace, found: SearchResult, samples: int, seconds: float) -> r.SearchOutcome:
    output = work.project.output
    return r.SearchOutcome(
        objective=found.objective,
        metric=found.metric,
        strategy=found.strategy,
        samples=samples,
        float_accuracy=found.float_accuracy,
        max_drop=found.max_drop,
        confidence=found.confidence,
        certified=found.certified,
        drop_bound=found.drop_bound,
        confirmation=confirmed(found),
        identity=work.identity(found.best_point.precision).text,
        warnings=_warnings(found, found.test),
        feasible=found.feasible,
        interrupted=found.interrupted,
        evaluations=found.evaluations,
        resumed=found.resumed,
        seconds=round(seconds, 2),
        best=_row(found.best_point),
        network=work.network(found.best, r.Origin.TRAINED),
        certificate=r.Certificate(found.narrower, len(found.steps_down), found.minimal),
        limits=tuple(str(check) for check in found.limits),
        test=found.test,
        pareto=tuple(_row(point) for point in found.pareto),
        uniform=tuple(_row(point) for point in found.uniform),
        points=tuple((point.accuracy, point.cost) for point in found.points),
        explored=explored(found.points),
        sensitivity=sensitivity(found.points),
        cost_of=find_objective(work.project.settings.search.objective).title,
        tuned=None,
        file=output / PRECISION_FILE if found.feasible else None,
        exported=tuple(output / name for name in FRONT_FILES),
        journal=output / JOURNAL_FILE,
        found=_found(work, found),
        precision=Statement(Source.SEARCH, "nothing that keeps the accuracy and all limits was found"),
    )


def _warnings(found: SearchResult, test: TestScore | None, whose: str = "") -> tuple[str, ...]:
    said = "" if test is None else beyond(test, found.max_drop, found.metric, "test", whose)
    return (said,) if said else ()


def _row(point: Point) -> r.PointRow:
    return r.PointRow(
        accuracy=point.accuracy,
        cost=point.cost,
        weight_bits=point.weight_bits,
        error=point.error,
        excess=point.excess,
        precision=point.precision.to_dict(),
    )


def _movable(outcome: r.SearchOutcome) -> r.SearchOutcome:
    """The same with paths from the output folder on, which can be moved."""
    tuned = outcome.tuned
    if tuned is not None and tuned.file is not None:
        tuned = replace(tuned, file=Path(tuned.file.name))
    return replace(
        outcome,
        tuned=tuned,
        file=None if outcome.file is None else Path(outcome.file.name),
        exported=tuple(Path(path.name) for path in outcome.exported),
        journal=Path(outcome.journal.name),
    )


def _infeasible(work: Workspace, found: SearchResult) -> str:
    over = exceeded(found.limits)
    if over:
        return (
            f"{work.project.where('search')}: no combination of the widths keeps to all limits; the closest "
            f"exceeds {over}; allow narrower widths or raise the limits"
        )
    return (
        f"{work.project.where('search', 'max_drop')} is {found.max_drop:g}, but no combination of the "
        f"widths keeps the accuracy that well (float {found.float_accuracy:.4f}, best "
        f"{found.best_point.accuracy:.4f}); allow wider weight_bits and activation_bits or a larger max_drop"
    )
