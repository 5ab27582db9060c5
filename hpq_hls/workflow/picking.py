"""Another row of the last search's Pareto front instead of its own choice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hpq_hls.errors import ConfigError
from hpq_hls.tools.files import write_file
from hpq_hls.workflow import results as r
from hpq_hls.workflow.chosen import PRECISION_FILE, SEARCH, Found, keep, last_found
from hpq_hls.workflow.precision_file import precision_text
from hpq_hls.workflow.records import graph_fingerprint, read_record
from hpq_hls.workflow.results import plain
from hpq_hls.workflow.steps import misfit_of_work
from hpq_hls.workflow.workspace import Workspace

BEST = "best"


def run_pick(work: Workspace, row: str) -> r.PickOutcome:
    """Let all commands use one row of the front that the last search found; nothing is searched.

    row: its number, from 1, as the table and the files list them; or ``BEST``, the search's own choice.

    Raises:
        ConfigError: there is no search, or it is of another model, data or settings; or no such row.
    """
    kept = read_record(work.project.output, "search", graph_fingerprint(work.graph))
    if kept is None:
        raise ConfigError(
            f"{work.project.output} holds no result of a search of this model; run `hpq search` first"
        )
    before = last_found(work.project.output)
    found = _chosen(kept, row)
    keep(work.project.output, found)
    try:
        picked = work.renewed(SEARCH)
        q = picked.quantized()
    except ConfigError:
        if before is not None:  # as it was
            keep(work.project.output, before)
        raise
    shown = shown_search(kept, found, picked.network(q))
    file = work.project.output / PRECISION_FILE
    write_file(file, precision_text(shown))
    now = work.renewed()
    return r.PickOutcome(
        row=found.row,
        best=shown["best"],
        metric=kept["metric"],
        float_accuracy=kept["float_accuracy"],
        network=picked.network(q),
        scores=picked.scores(q),
        file=file,
        precision=now.statement,
        misfit=misfit_of_work(picked, q),
    )


def _chosen(kept: dict[str, Any], row: str) -> Found:
    own, front = Found(**kept["found"]), kept["pareto"]
    if row == BEST:
        return own
    if not row.isdecimal() or not 1 <= int(row) <= len(front):
        raise ConfigError(f"--pick is {row}; give a row of the front, 1 to {len(front)}, or {BEST}")
    point = front[int(row) - 1]
    if point["precision"] == own.precision:
        return own
    return replace(own, feasible=True, row=int(row), precision=point["precision"], cost=point["cost"])


def shown_search(kept: dict[str, Any], found: Found, network: r.Network) -> dict[str, Any]:
    """The record of a search with what was chosen from it as its best, so that it speaks of one network.

    What was measured of the search's own choice alone (on held-back and test data, and the steps down from
    it) is not known of another row.
    """
    if found.row is None:
        return kept
    return {
        **kept,
        "best": kept["pareto"][found.row - 1],
        "network": plain(network),
        "found": plain(found),
        "feasible": True,
        "certified": False,
        "drop_bound": None,
        "confirmation": None,
        "identity": "",
        "certificate": {"steps": 0, "evaluated": 0, "minimal": False},
        "limits": [],
        "test": None,
        "tuned": None,
        "warnings": [],
    }
