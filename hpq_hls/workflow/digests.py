"""Content of what a project names, as short texts: equal where the files are equal, whatever their dates."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hpq_hls
from hpq_hls.reading import regular
from hpq_hls.settings.config import ProjectFile

BLOCK = 1 << 20
IGNORED = {"site-packages", "node_modules", "__pycache__"}
"""Folders that hold no source of the user's own; those whose name starts with a dot neither."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file; "" where there is none."""
    try:
        state = regular(path).stat()
        if not state.st_size:  # some of the kernel's files say so, and never end
            return hashlib.sha256().hexdigest()
        return _digest(path, state.st_mtime_ns, state.st_size)
    except OSError:
        return ""


@functools.lru_cache(maxsize=256)
def _digest(path: Path, _changed: int, _size: int) -> str:
    identity = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            identity.update(block)
    return identity.hexdigest()


@functools.cache
def installation_digest() -> str:
    """Of what reads and quantizes networks: the versions of all that is installed beside hpq_hls, and the
    dates of its own files, which change in a checkout without a version."""
    place = Path(sysconfig.get_path("purelib"))
    versions = sorted(path.name for path in place.glob("*.dist-info"))
    home = Path(hpq_hls.__file__).parent
    states = [(path.name, path.stat()) for path in sorted(home.rglob("*.py"))]
    own = [(name, state.st_size, state.st_mtime_ns) for name, state in states]
    return text_digest([hpq_hls.__version__, versions, own])


def text_digest(content: Any) -> str:
    """Of plain data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def model_digest(project: ProjectFile) -> str:
    """Of what the network is made from: the model file; or the factory, its weights, and every Python file in
    the project's folder, because what it imports from there is not known before it runs."""
    model = project.settings.model
    left_out = ["drop_final_ranking"] if model.drop_final_ranking else []
    if model.source is not None:
        content = file_digest(project.path(model.source))
        return text_digest(["source", Path(model.source).suffix, content, _extensions(project), *left_out])
    weights = "" if model.weights is None else file_digest(project.path(model.weights))
    sources = [(str(path), file_digest(project.folder / path)) for path in _sources(project)]
    return text_digest(["factory", model.factory, weights, sources, _extensions(project), *left_out])


def _extensions(project: ProjectFile) -> list[tuple[str, str]]:
    """The files of the packages that bring operators, and their content."""
    found = []
    for name in project.settings.extensions:
        home = Path(sys.modules[name].__file__ or "")
        paths = sorted(home.parent.rglob("*")) if home.name == "__init__.py" else [home]
        found += [
            (path.name, file_digest(path)) for path in paths if path.is_file() and path.suffix != ".pyc"
        ]
    return found


def _sources(project: ProjectFile) -> Iterator[Path]:
    home, output = project.folder, project.output.resolve()
    for path in sorted(home.rglob("*.py")):
        parts = path.relative_to(home).parts
        hidden = any(part in IGNORED or part.startswith(".") for part in parts)
        if not hidden and not path.resolve().is_relative_to(output):
            yield path.relative_to(home)


def data_digests(project: ProjectFile) -> dict[str, str]:
    """Of each data file, by split."""
    splits = project.settings.data.model_dump(exclude_none=True)
    return {split: file_digest(project.path(written)) for split, written in splits.items()}


def search_inputs(project: ProjectFile, model: str) -> dict[str, str]:
    """What a search's result belongs to, by the words that a sentence has for it. model: the network's
    fingerprint."""
    settings, data = project.settings, data_digests(project)
    wish = settings.search.model_dump(mode="json", exclude={"jobs", "cluster", "memory_mib", "finetune"})
    return {
        "the model": model,
        "the calibration data": data["calibration"],
        "the validation data": data.get("validation", ""),
        "the search settings": text_digest(wish),
        "the quantizer settings": text_digest(settings.quantizer.model_dump(mode="json")),
    }


def folding_inputs(project: ProjectFile) -> str:
    """Of the hardware settings that a search's folding belongs to."""
    return text_digest(
        project.settings.hardware.model_dump(
            mode="json", exclude={"backends", "target_interval", "target_fps", "calibration", "tool"}
        )
    )
