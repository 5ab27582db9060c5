"""A copy of the sources for a tool to work in.

Tools run inside the copy and see only relative, harmless names, whatever the project's own path
holds, and nothing they write can reach the project.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import DataError, OutputError

FILE_LIST = "rtl/files.f"

_SAFE = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_./-]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def top_name(manifest: Manifest) -> str:
    """The top-level module or function.

    Raises:
        DataError: it is no identifier, so that no tool script could name it.
    """
    if not _IDENTIFIER.fullmatch(manifest.name):
        raise DataError(
            f"design.json names the top {manifest.name!r}, which is no identifier; generate it again"
        )
    return manifest.name


def stage_rtl(path: Path, work: Path) -> list[str]:
    """Copy the sources in ``rtl/files.f`` and the memory files into the emptied folder ``work``.

    Returns the sources, relative to ``work``, each after what it uses.

    Raises:
        DataError: the list or a source is missing.
        OutputError: ``work`` cannot be written.
    """
    sources = _listed(path)
    memories = [f"rtl/{memory.name}" for memory in sorted((path / "rtl").glob("*.mem"))]
    _copy(path, [*sources, *memories], work)
    return sources


def stage_tree(path: Path, folders: tuple[str, ...], files: tuple[str, ...], work: Path) -> None:
    """Copy whole folders and single files of a project into the emptied folder ``work``.

    Raises:
        DataError: one of them is missing.
        OutputError: ``work`` cannot be written.
    """
    names = list(files)
    for folder in folders:
        if not (path / folder).is_dir():
            raise DataError(f"project {path} has no folder {folder}; generate it again")
        found = sorted(item for item in (path / folder).rglob("*") if item.is_file())
        names.extend(item.relative_to(path).as_posix() for item in found)
    _copy(path, names, work)


def _listed(path: Path) -> list[str]:
    listing = path / FILE_LIST
    try:
        lines = [line.strip() for line in listing.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise DataError(
            f"{listing} cannot be read ({error.strerror}); name a project of backend rtl"
        ) from error
    sources = [line for line in lines if line and not line.startswith(("//", "#", "+", "-"))]
    for source in sources:
        if not _SAFE.fullmatch(source):
            raise DataError(
                f"{listing} names {source!r}; only plain relative paths are read, generate it again"
            )
    if not sources:
        raise DataError(f"{listing} names no source; generate the project again")
    return sources


def _copy(path: Path, names: list[str], work: Path) -> None:
    for name in names:
        if not (path / name).is_file():
            raise DataError(f"project {path} lacks {name}; generate it again")
    try:
        if work.exists():
            shutil.rmtree(work)
        for name in names:
            target = work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path / name, target)
    except OSError as error:
        raise OutputError(
            f"{work} cannot be written ({error.strerror}); free it or choose another place"
        ) from error
