"""Everything known of a project, in one value that a table, a page and results.json show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hpq_hls
from hpq_hls.search.objective import bit_operations
from hpq_hls.synth import TOOLS
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.workflow.chosen import Statement
from hpq_hls.workflow.confusion import Confusion, confusion_of
from hpq_hls.workflow.flow import Flow, flow_of
from hpq_hls.workflow.picking import shown_search
from hpq_hls.workflow.records import graph_fingerprint, read_record
from hpq_hls.workflow.results import EstimateResult, Network, SaturationBySplit, Scores
from hpq_hls.workflow.sources import Sources, outdated, sources_of
from hpq_hls.workflow.steps import design_fingerprint, estimate_result
from hpq_hls.workflow.tracing import kept_trace
from hpq_hls.workflow.workspace import Workspace


@dataclass(frozen=True)
class Summary:
    """A project at its present precision.

    scores: None where no split has y. guarantee: what the search that found this network knows of its drop on
    unseen data, as plain data, or None. bops: multiplications times the widths of both factors. precision:
    where its widths come from. search, verify, external, synth: what ``hpq search``, ``hpq verify`` (without
    and with ``--rtl-dir``) and ``hpq synth`` found earlier about this very network, as plain data; None or
    empty where they did not run since the last change, or found another network; outdated: a sentence on each
    that is there and is not shown. trace: what ``hpq trace`` found, or finds now. confusion: None where
    nothing is classified. flow: the design. sources: what all of it was made from."""

    version: str
    project: str
    model: str
    part: str
    clock_ns: float
    io: str
    backends: tuple[str, ...]
    network: Network
    scores: Scores | None
    guarantee: Any | None
    saturation: SaturationBySplit
    bops: int
    estimate: EstimateResult
    precision: Statement
    search: Any | None
    verify: Any | None
    external: Any | None
    synth: tuple[Any, ...]
    trace: Any
    confusion: Confusion | None
    flow: Flow
    sources: Sources
    outdated: tuple[str, ...]


def _search(work: Workspace, network: Network) -> Any | None:
    """The search that found the network, with that as its best."""
    found = work.chosen.found
    kept = read_record(work.project.output, "search", graph_fingerprint(work.graph))
    if found is None or kept is None or kept["found"]["inputs"] != found.inputs:
        return None
    return shown_search(kept, found, network)


def summarize(work: Workspace, reporter: Reporter | None = None) -> Summary:
    """Score and estimate the network anew, and add what earlier commands found out about it."""
    with (reporter or Quiet()).step("Collecting results") as step:
        q = work.quantized()
        settings, output = work.project.settings, work.project.output
        design = design_fingerprint(work, q)
        kept = (read_record(output, f"synth-{tool}", design) for tool in TOOLS)
        network = work.network(q)
        summary = Summary(
            version=hpq_hls.__version__,
            project=q.name,
            model=settings.model.source or settings.model.factory or "",
            part=settings.hardware.part,
            clock_ns=settings.hardware.clock_ns,
            io=settings.hardware.io,
            backends=settings.hardware.backends,
            network=network,
            scores=work.scores(q),
            guarantee=work.guarantee,
            saturation=work.saturation(q),
            bops=bit_operations(q),
            estimate=estimate_result(work, q),
            search=_search(work, network),
            precision=work.statement,
            verify=read_record(output, "verify", design),
            external=read_record(output, "verify-external", design),
            synth=tuple(record for record in kept if record is not None),
            trace=kept_trace(work, q, step),
            confusion=confusion_of(work, q),
            flow=flow_of(work, q),
            sources=sources_of(work),
            outdated=outdated(work, design),
        )
        step.conclude("done")
    return summary
