"""Programs that were built once and are kept: used only while they are what the compiler wrote.

A file that is cut off, by a full disk or a copy that was not finished, may still run. So each is sealed with
its digest in a file beside it, which is written last; what has no seal, or another one, is built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

SUFFIX = ".sha256"
DAY_S = 86400.0


def seal(program: Path) -> None:
    """Say that a file is complete.

    Raises:
        OSError: nothing can be written beside it.
    """
    # Through a name of its own, because another process may be doing the same.
    handle, name = tempfile.mkstemp(prefix=".seal-", dir=program.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(_digest(program))
        partial.replace(_seal_of(program))
    finally:
        partial.unlink(missing_ok=True)


def is_sealed(program: Path) -> bool:
    """Whether a file is there and complete."""
    try:
        return _seal_of(program).read_text(encoding="ascii") == _digest(program)
    except (OSError, UnicodeDecodeError):
        return False


def sweep(folder: Path, *patterns: str) -> None:
    """Remove what builds that were killed have left in a folder a day ago or earlier."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                if time.time() - path.lstat().st_mtime < DAY_S:
                    continue
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _seal_of(program: Path) -> Path:
    return program.with_name(program.name + SUFFIX)


def _digest(program: Path) -> str:
    identity = hashlib.sha256()
    with program.open("rb") as stream:
        while block := stream.read(1 << 20):
            identity.update(block)
    return identity.hexdigest()
