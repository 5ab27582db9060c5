"""Writing a project folder whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hpq_hls.codegen.base import Files
from hpq_hls.codegen.manifest import FILE_NAME
from hpq_hls.errors import OutputError

FILES = ".hpq-files.json"
"""In each project: what was written there, and the SHA-256 of each file."""
CERTIFICATE = "certificate.json"
SCRATCH = "build"
"""What verification leaves beside the files of a project, and the folder that it compiles in."""


def is_untouched(out: Path) -> bool:
    """Whether a folder holds just what ``write_project`` wrote there, all of it unchanged, and at most what
    verification leaves beside it."""
    try:
        written = json.loads((out / FILES).read_text(encoding="utf-8"))
        found = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if not path.is_dir()}
        own = {name for name in found if name.split("/")[0] not in (FILES, CERTIFICATE, SCRATCH)}
        return own == written.keys() and all(_digest(found[n].read_bytes()) == written[n] for n in own)
    except (OSError, ValueError, AttributeError):
        return False


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _encoded(files: Files) -> Mapping[str, bytes]:
    """The files as bytes, with the list of them."""
    data = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    digests = {name: _digest(data[name]) for name in sorted(data)}
    return {**data, FILES: (json.dumps(digests, indent=1) + "\n").encode()}


def check_target(out: Path, force: bool) -> None:
    """Check that ``out`` may become a project folder.

    A project that nobody changed since it was written is replaced without ``force``.

    Raises:
        OutputError: it is a file, or holds something that would be lost.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise OutputError(f"output {out} exists and is no folder; choose another folder")
    try:
        empty = not out.exists() or not any(out.iterdir())
    except OSError as error:
        raise OutputError(f"output folder {out} cannot be read ({error.strerror})") from error
    if empty or is_untouched(out):
        return
    if not force:
        raise OutputError(
            f"output folder {out} is not empty, and holds more than hpq wrote there or something that was "
            "changed since; choose another one or overwrite it with --force"
        )
    if not (out / FILE_NAME).is_file():
        raise OutputError(
            f"output folder {out} holds files that are no generated project; --force only replaces projects, "
            "so choose another folder"
        )


def write_project(files: Files, out: Path, force: bool = False) -> None:
    """Write ``files`` into the folder ``out``: first beside it, then renamed into place.

    force: replace an earlier project. Nothing but a generated project is ever replaced, and the old
    one stays until the new one is complete.

    Raises:
        OutputError: the folder cannot be written or would lose something.
    """
    check_target(out, force)
    staging: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
        fresh = staging / "new"
        for name, content in _encoded(files).items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if out.exists():
            out.rename(staging / "old")
        fresh.rename(out)
    except OSError as error:
        raise OutputError(
            f"output folder {out} cannot be written ({error.strerror or error}); choose another place"
        ) from error
    finally:
        if staging is not None:
            old = staging / "old"
            if old.exists() and not out.exists():
                old.rename(out)
            shutil.rmtree(staging, ignore_errors=True)
