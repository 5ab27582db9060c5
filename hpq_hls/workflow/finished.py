"""The result of a search that ran to its end, kept by the content of all that it was made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hpq_hls.workflow.chosen import PRECISION_FILE
from hpq_hls.workflow.digests import (
    data_digests,
    file_digest,
    installation_digest,
    search_inputs,
    text_digest,
)
from hpq_hls.workflow.plain import restored
from hpq_hls.workflow.records import read_record, save_record
from hpq_hls.workflow.results import SearchOutcome
from hpq_hls.workflow.tuned import TUNED_FILE
from hpq_hls.workflow.workspace import Workspace

RECORD = "finished"
FRONT_FILES = ("pareto.csv", "pareto.json")
_WRITTEN = (PRECISION_FILE, *FRONT_FILES, TUNED_FILE)


def keep_finished(work: Workspace) -> None:
    """Let ``finished`` find the search that was just kept, if all that it was made from is known."""
    if work.known:
        save_record(work.project.output, RECORD, _made_from(work), _written(work.project.output))


def finished(work: Workspace) -> SearchOutcome | None:
    """What the last search found, if it ran to its end, would find the same now, and nobody changed what it
    wrote; with every evaluation taken over."""
    output = work.project.output
    if not work.known or read_record(output, RECORD, _made_from(work)) != _written(output):
        return None
    held = read_record(output, "search", work.loader.fingerprint)
    return None if held is None else _placed(restored(SearchOutcome, held), output)


def _made_from(work: Workspace) -> str:
    """Of all that a search and its result read."""
    project = work.project
    left_out = {"model", "output", "precision", *(() if project.settings.search.finetune else ("finetune",))}
    wish: dict[str, Any] = project.settings.model_dump(mode="json", exclude={*left_out, "search", "data"})
    factors = project.settings.hardware.calibration
    return text_digest(
        [
            installation_digest(),
            search_inputs(project, work.loader.model_key),
            data_digests(project),
            project.settings.search.finetune,
            wish,
            "" if factors is None else file_digest(project.path(factors)),
        ]
    )


def _written(output: Path) -> dict[str, str]:
    return {name: file_digest(output / name) for name in _WRITTEN}


def _placed(outcome: SearchOutcome, output: Path) -> SearchOutcome:
    """With the paths of files, which are kept from the output folder on."""
    tuned = outcome.tuned
    if tuned is not None and tuned.file is not None:
        tuned = replace(tuned, file=output / tuned.file)
    return replace(
        outcome,
        resumed=outcome.evaluations,
        tuned=tuned,
        file=None if outcome.file is None else output / outcome.file,
        exported=tuple(output / name for name in outcome.exported),
        journal=output / outcome.journal,
    )
