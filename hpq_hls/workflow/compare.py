"""Precision combinations side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hpq_hls.config import PrecisionSettings, ProjectFile, load_config, project_path, read_precision
from hpq_hls.errors import ConfigError
from hpq_hls.workflow.progress import Quiet, Reporter
from hpq_hls.workflow.results import ComparedRow, CompareResult
from hpq_hls.workflow.steps import estimated
from hpq_hls.workflow.workspace import Workspace, open_workspace
from hpq_hls.yamlfile import read_yaml


def run_compare(files: Sequence[str | Path], reporter: Reporter | None = None) -> CompareResult:
    """Accuracy, memory, resources and cycles of several precision combinations.

    files: project files; or files that hold only a precision, which are applied to the first project
    among them, or to ./project.yaml.

    Raises:
        ConfigError: fewer than two files, or one that is neither.
    """
    if len(files) < 2:
        raise ConfigError("there is nothing to compare with; name at least two files")
    opened: dict[str, Workspace] = {}
    rows = []
    for file, project in zip(files, _projects(files), strict=True):
        key = _network_key(project)
        work = opened[key] = _with_project(opened[key], project) if key in opened else open_workspace(project)
        with (reporter or Quiet()).step(f"Measuring {file}") as step:
            q = work.quantized()
            scores, estimate = work.scores(q), estimated(work, q)
            rows.append(ComparedRow(str(file), work.network(q), scores, estimate, work.guarantee))
            step.conclude(f"{q.weight_bits:,} bits of weights")
    return CompareResult(tuple(rows))


def _projects(files: Sequence[str | Path]) -> list[ProjectFile]:
    contents = [read_yaml(project_path(file)).data for file in files]
    whole = [isinstance(data, dict) and ("model" in data or "data" in data) for data in contents]
    bases = [file for file, is_project in zip(files, whole, strict=True) if is_project]
    if not bases and not Path("project.yaml").is_file():
        raise ConfigError(
            f"{files[0]} names no model, and there is no project.yaml here; name a project file to apply "
            "it to"
        )
    base = load_config(bases[0] if bases else "project.yaml")
    return [
        load_config(file) if is_project else _with_precision(base, Path(file))
        for file, is_project in zip(files, whole, strict=True)
    ]


def _with_precision(base: ProjectFile, file: Path) -> ProjectFile:
    read_precision(file)  # its errors name the file alone, without the project around it
    chosen = PrecisionSettings(file=str(file.resolve()))
    return ProjectFile(base.settings.model_copy(update={"precision": chosen}), base.source)


def _network_key(project: ProjectFile) -> str:
    """Equal for projects with the same model and data."""
    settings = project.settings
    paths = [settings.model.source, settings.model.weights, *settings.data.model_dump().values()]
    files = [None if written is None else str(project.path(written).resolve()) for written in paths]
    factory = (
        None if settings.model.factory is None else (str(project.folder.resolve()), settings.model.factory)
    )
    return repr((files, factory, settings.name, settings.search.metric, settings.quantizer))


def _with_project(known: Workspace, project: ProjectFile) -> Workspace:
    """The loaded model and data under other settings."""
    shared = replace(known, project=project)
    for name in ("uniform", "uniform_score", "float_outputs", "float_score", "metric"):
        if name in known.__dict__:
            shared.__dict__[name] = known.__dict__[name]
    return shared
