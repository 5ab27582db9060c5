"""Writing files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hpq_hls.errors import OutputError


def make_folder(path: Path) -> None:
    """Make a folder and those around it.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"folder {path} cannot be made ({error.strerror or error}); choose another place"
        ) from error


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, with its folder.

    Raises:
        OutputError: it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    make_folder(path.parent)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}); choose another place"
        ) from error
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}); choose another place"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
