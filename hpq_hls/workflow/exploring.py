"""hpq explore: a search for each of several objectives, parts, clocks and drops."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.errors import ConfigError
from hpq_hls.exploring import figures_of, listed, table_text
from hpq_hls.search import SearchResult
from hpq_hls.search.objective import find_objective
from hpq_hls.search.telling import Telling
from hpq_hls.settings.config import ProjectFile
from hpq_hls.tools.files import make_folder, write_file
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.workflow import results as r
from hpq_hls.workflow.chosen import Chosen, Source, Statement, now
from hpq_hls.workflow.compare import ComparedRow
from hpq_hls.workflow.digests import data_digests, file_digest, search_inputs, text_digest
from hpq_hls.workflow.guarantee import FIELDS, confirmed
from hpq_hls.workflow.plain import plain
from hpq_hls.workflow.precision_file import precision_text
from hpq_hls.workflow.records import read_record, save_record
from hpq_hls.workflow.searching import JOURNAL_FILE, RESUME, conclusion, searched
from hpq_hls.workflow.steps import estimate_result
from hpq_hls.workflow.workspace import Workspace, required
from hpq_hls.yamlfile import YamlFile

FOLDER, TABLE, RECORD = "explore", "explore.csv", "explore"
KEPT = 500
"""Rows of earlier runs that are remembered."""
USE = "Take it with `--precision <path of this file>`, and the part and clock that it was found for."

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ExploreResult:
    """Outcome of ``hpq explore``.

    rows: one for each variant, in plain form. settings: its own, by dotted key, with the folding; label:
    those that not all have in common; figures: as ``hpq_hls.exploring.figures_of`` has them; design: a
    ``ComparedRow``; file: its precision, None where nothing keeps the accuracy and all limits; up_to_date:
    taken from an earlier run as it was.
    metric: what accuracies are by. evaluations: combinations that the searches looked at; measured: how many
    of them had to be simulated now. file: the table as CSV. interrupted: the user ended it early.
    """

    rows: tuple[Row, ...]
    metric: str
    evaluations: int
    measured: int
    file: Path
    interrupted: bool


def run_explore(
    work: Workspace, varied: Mapping[str, Sequence[Any]], reporter: Reporter | None = None
) -> ExploreResult:
    """Search for every combination of the values given; what is measured for one is not measured again.

    varied: values by dotted key; what is not named there is as the project says. Evaluations
    are kept in the journal of ``hpq search``, and rows by content, so that a second run only does what is
    missing. Ctrl-C ends it with the rows that are done.

    The output folder gets ``explore.csv``, and the precision of each row in ``explore/``.

    Raises:
        ConfigError: there is only one variant, or a setting that a search cannot use.
    """
    show, output = reporter or Quiet(), work.project.output
    _ = required(work.validation, work.project, "validation")
    projects = list(_projects(work.project, varied))
    if len(projects) < 2:
        raise ConfigError(
            "there is nothing to explore; give several values to --objective, --part, --clock or --max-drop, "
            "such as --objective lut,dsp"
        )
    words = _labels([settings for _, settings in projects])
    drops = tuple(dict.fromkeys(project.settings.search.max_drop for project, _ in projects))
    rows: list[Row] = []
    measured, interrupted = 0, False
    for label, (project, settings) in zip(words, projects, strict=True):
        with show.step(f"Row {len(rows) + 1} of {len(projects)}") as step:
            own = work.beside(project)
            row = _kept(output).get(_key(own)) if own.known else None
            if row is not None:
                row = {**row, "up_to_date": True}
                step.conclude(f"{label}: up to date")
            else:
                found = searched(own, Telling(step, output / JOURNAL_FILE, RESUME), drops=drops)
                if found.interrupted:
                    interrupted = True
                    break
                row = _row(own, settings, found)
                measured += row["figures"]["measured"]
                if own.known:
                    _keep(output, _key(own), row)
                step.conclude(f"{label}: {conclusion(found)}")
        number = len(rows) + 1
        written = _write_precision(output, row, work.metric.name)
        design = {**row["design"], "label": f"{number}: {label}"}
        rows.append({"row": number, "label": label, **row, "design": design, "file": written})
    if not rows:
        raise KeyboardInterrupt
    file = output / TABLE
    write_file(file, table_text([{"row": row["row"], **row["figures"]} for row in rows]))
    return ExploreResult(
        rows=tuple(rows),
        metric=work.metric.name,
        evaluations=sum(row["figures"]["evaluations"] for row in rows),
        measured=measured,
        file=file,
        interrupted=interrupted,
    )


def _projects(
    project: ProjectFile, varied: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[ProjectFile, dict[str, Any]]]:
    """Every variant, and what it sets."""
    given = {key: listed(key, values) for key, values in varied.items()}
    for values in itertools.product(*given.values()):
        settings = dict(zip(given, values, strict=True))
        yield project.with_settings(settings), settings


def _labels(variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of each variant those settings that not all have in common, in words."""
    differ = [key for key in variants[0] if any(one[key] != variants[0][key] for one in variants)]
    return [", ".join(_word(key, one[key]) for key in differ) for one in variants]


def _word(key: str, value: Any) -> str:
    if key == "search.objective":
        return find_objective(value).name
    return {"hardware.clock_ns": "{} ns", "search.max_drop": "drop {}"}.get(key, "{}").format(value)


def _key(work: Workspace) -> str:
    """Of all that decides a row."""
    left_out = {"model", "data", "output", "precision", "finetune", "search"}
    wish = work.project.settings.model_dump(mode="json", exclude=left_out)
    search = search_inputs(work.project, work.loader.model_key)
    factors = work.project.settings.hardware.calibration
    calibrated = "" if factors is None else file_digest(work.project.path(factors))
    return text_digest([search, data_digests(work.project), wish, calibrated])[:24]


def _kept(output: Path) -> dict[str, Row]:
    """Rows of earlier runs by their keys."""
    return read_record(output, RECORD, "") or {}


def _keep(output: Path, key: str, row: Row) -> None:
    save_record(output, RECORD, "", dict([*_kept(output).items(), (key, row)][-KEPT:]))


def _row(work: Workspace, settings: Mapping[str, Any], found: SearchResult) -> dict[str, Any]:
    """What a search found, in plain form."""
    title = find_objective(work.project.settings.search.objective).title
    cost = f"{found.strategy}, {title} {found.best_point.cost:,.0f}"
    said = Statement(Source.SEARCH, f"hpq explore of {now()} ({cost})", (), found.target_interval)
    point = found.best_point
    chosen = Chosen(point.precision, YamlFile(work.project.output / TABLE, None, {}), (), said)
    own = work.beside(work.project, chosen)
    made = estimate_result(own, found.best)
    known = {name: getattr(found, name) for name in FIELDS} | {"confirmation": confirmed(found)}
    design = ComparedRow(
        label="",
        network=own.network(found.best, r.Origin.TRAINED),
        scores=own.scores(found.best),
        estimate=made.estimate,
        capacity=made.capacity,
        guarantee=known,
        precision=said,
        misfit=made.misfit,
        trace=None,
        flow=None,
    )
    folding = {} if found.target_interval is None else {"hardware.target_interval": found.target_interval}
    return {
        "settings": {**settings, **folding},
        "cost_of": title,
        "figures": plain(figures_of(found, made.estimate)),
        "design": plain(design),
        "precision": point.precision.to_dict(),
        "file": f"{FOLDER}/{_file_name(work.project)}" if found.feasible else None,
        "up_to_date": False,
    }


def _file_name(project: ProjectFile) -> str:
    """Of a precision, from what it was searched for."""
    chip, wish = project.settings.hardware, project.settings.search
    words = (find_objective(wish.objective).name, chip.part, f"{chip.clock_ns:g}ns", f"{wish.max_drop:g}")
    return re.sub(r"[^\w.-]+", "-", "_".join(words)) + ".yaml"


def _write_precision(output: Path, row: Row, metric: str) -> str | None:
    """The file of a row, for ``--precision``; None where it has none."""
    if row["file"] is None:
        return None
    path, figures, known = output / row["file"], row["figures"], row["design"]["guarantee"]
    content = {
        "metric": metric,
        "cost_of": row["cost_of"],
        "best": {**figures, "precision": row["precision"]},
        "float_accuracy": figures["float_accuracy"],
        **{name: known[name] for name in ("certified", "drop_bound", "confidence")},
        "tuned": None,
    }
    make_folder(path.parent)
    write_file(path, precision_text(content, "hpq explore", USE))
    return str(path)
