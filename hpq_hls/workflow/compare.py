"""Precision combinations side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.cost import Misfit, ResourceEstimate
from hpq_hls.errors import ConfigError
from hpq_hls.settings.config import ProjectFile, load_config, project_path, read_precision
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.workflow.chosen import Chosen, Source, Statement
from hpq_hls.workflow.flow import Flow, flow_of
from hpq_hls.workflow.fronts import front_rows, is_front
from hpq_hls.workflow.results import Capacity, Network, Scores, TraceResult
from hpq_hls.workflow.steps import estimate_result
from hpq_hls.workflow.tracing import traced
from hpq_hls.workflow.workspace import Workspace, open_workspace
from hpq_hls.yamlfile import read_yaml


@dataclass(frozen=True)
class ComparedRow:
    """One precision combination in ``hpq compare``.

    guarantee: what is known of the drop on unseen data, as plain data, where a search found this network.
    trace, flow: None unless they were asked for."""

    label: str
    network: Network
    scores: Scores | None
    estimate: ResourceEstimate
    capacity: Capacity
    guarantee: Mapping[str, Any] | None
    precision: Statement
    misfit: Misfit | None
    trace: TraceResult | None
    flow: Flow | None


@dataclass(frozen=True)
class CompareResult:
    """Outcome of ``hpq compare``: one row for each file, in the order given."""

    rows: tuple[ComparedRow, ...]


@dataclass(frozen=True, eq=False)
class _Entry:
    """One column. chosen: None takes what the project has."""

    label: str
    project: ProjectFile
    chosen: Chosen | None


def run_compare(
    files: Sequence[str | Path], reporter: Reporter | None = None, *, thorough: bool = False
) -> CompareResult:
    """Accuracy, memory, resources and cycles of several precision combinations.

    files: project files; or files that hold only a precision, or the Pareto front of a search (some of its
    rows, or those named: ``pareto.csv:1,4-6``), applied to the first project among them, or
    to ./project.yaml. thorough: the error of each layer and the dataflow too, which takes longer.

    Raises:
        ConfigError: fewer than two combinations, or a file that is none of these.
    """
    entries = _entries(files)
    if len(entries) < 2:
        raise ConfigError("there is nothing to compare with; name at least two files, or rows of a front")
    opened: dict[str, Workspace] = {}
    rows = []
    for entry in entries:
        key = _network_key(entry.project)
        with (reporter or Quiet()).step(f"Measuring {entry.label}") as step:
            if key in opened:
                work = opened[key].beside(entry.project, entry.chosen)
            else:
                work = open_workspace(entry.project, entry.chosen)
            opened[key] = work
            q = work.quantized()
            scores, found = work.scores(q), estimate_result(work, q)
            network = work.network(q)
            rows.append(
                ComparedRow(
                    label=entry.label,
                    network=network,
                    scores=scores,
                    estimate=found.estimate,
                    capacity=found.capacity,
                    guarantee=work.guarantee,
                    precision=work.statement,
                    misfit=found.misfit,
                    trace=traced(work, q, step) if thorough else None,
                    flow=flow_of(work, q) if thorough else None,
                )
            )
            step.conclude(f"{q.weight_bits:,} bits of weights")
    return CompareResult(tuple(rows))


def _entries(files: Sequence[str | Path]) -> list[_Entry]:
    if not files:
        return []
    fronts = [is_front(file) for file in files]
    contents = [None if front else _content(file) for file, front in zip(files, fronts, strict=True)]
    whole = [isinstance(data, dict) and ("model" in data or "data" in data) for data in contents]
    bases = [file for file, is_project in zip(files, whole, strict=True) if is_project]
    if not bases and not Path("project.yaml").is_file():
        raise ConfigError(
            f"{files[0]} names no model, and there is no project.yaml here; name a project file to apply "
            "it to"
        )
    base = load_config(bases[0] if bases else "project.yaml")
    found: list[_Entry] = []
    for file, front, is_project in zip(files, fronts, whole, strict=True):
        if is_project:
            found.append(_Entry(str(file), load_config(file), None))
        elif front:
            found += [_Entry(label, base, chosen) for label, chosen in front_rows(file)]
        else:
            precision, source, keys = read_precision(file)
            chosen = Chosen(precision, source, keys, Statement(Source.OPTION, str(file)))
            found.append(_Entry(str(file), base, chosen))
    return found


def _content(file: str | Path) -> object:
    return read_yaml(project_path(file)).data


def _network_key(project: ProjectFile) -> str:
    """Equal for projects with the same model and data."""
    settings = project.settings
    paths = [settings.model.source, settings.model.weights, *settings.data.model_dump().values()]
    files = [None if written is None else str(project.path(written).resolve()) for written in paths]
    factory = (
        None if settings.model.factory is None else (str(project.folder.resolve()), settings.model.factory)
    )
    return repr((files, factory, settings.name, settings.search.metric, settings.quantizer))
