"""Writing a project folder whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hpq_hls.codegen.base import Files
from hpq_hls.codegen.manifest import FILE_NAME
from hpq_hls.errors import OutputError


def check_target(out: Path, force: bool) -> None:
    """Check that ``out`` may become a project folder.

    Raises:
        OutputError: it is a file, or holds something that would be lost.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise OutputError(f"output {out} exists and is no folder; choose another folder")
    try:
        empty = not out.exists() or not any(out.iterdir())
    except OSError as error:
        raise OutputError(f"output folder {out} cannot be read ({error.strerror})") from error
    if empty:
        return
    if not force:
        raise OutputError(
            f"output folder {out} is not empty; choose another one or overwrite it with --force"
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
        for name, content in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
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
