"""The demo's folder: a marker says what the demo put there, and only that is ever replaced."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from hpq_hls.errors import OutputError
from hpq_hls.tools.files import make_folder, write_file

MARKER = ".hpq-demo.json"
PROJECT = "project.yaml"
ENTRIES = (
    PROJECT,
    "README.md",
    "cache",
    "data",
    "model.pt2",
    "network.hpq",
    "pareto.csv",
    "pareto.json",
    "precision.yaml",
    "report.html",
    "results",
    "results.json",
    "rtl",
    "search.sqlite",
    "vitis",
)
"""Everything that the demo writes."""


def prepare_folder(out: Path, force: bool) -> None:
    """Make the folder, or clear an earlier demo out of it; files of other names stay.

    Raises:
        OutputError: the folder holds something that would be lost, or cannot be written.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise OutputError(f"{out} exists and is no folder; choose another one with --out")
    make_folder(out)
    try:
        found = sorted(path.name for path in out.iterdir())
        if found and MARKER not in found:
            _check_foreign(out, found, force)
        elif _edited(out) and not force:
            raise OutputError(
                f"{out / PROJECT} was changed since the demo wrote it; move it away, choose another folder "
                "with --out, or let it be replaced with --force"
            )
        for name in ENTRIES:
            _remove(out / name)
    except OSError as error:
        raise OutputError(
            f"folder {out} cannot be used ({error.strerror or error}); choose another one"
        ) from error
    _mark(out, "")


def remember_project(out: Path) -> None:
    """Note what project.yaml looks like, so that a later demo sees whether a user changed it."""
    _mark(out, _digest(out / PROJECT))


def _mark(out: Path, digest: str) -> None:
    text = json.dumps({"written_by": "hpq demo", "entries": ENTRIES, "project": digest}, indent=1)
    write_file(out / MARKER, text + "\n")


def _check_foreign(out: Path, found: list[str], force: bool) -> None:
    taken = [name for name in found if name in ENTRIES]
    if taken:
        raise OutputError(
            f"{out} holds {taken[0]}, which the demo did not write and will not replace; choose another "
            "folder with --out"
        )
    if not force:
        raise OutputError(
            f"{out} is not empty and is no earlier demo; choose another folder with --out, or add the demo "
            "to it with --force"
        )


def _edited(out: Path) -> bool:
    try:
        known = json.loads((out / MARKER).read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return bool(known) and (out / PROJECT).is_file() and _digest(out / PROJECT) != known


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
