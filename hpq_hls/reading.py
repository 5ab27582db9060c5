"""Files that the user names, opened only where they are files: a pipe or a device may never end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MAX_TEXT = 1 << 28
"""Bytes of a file of text."""


def regular(path: str | os.PathLike[str]) -> Path:
    """The path of a file that has an end.

    Raises:
        OSError: there is none, it cannot be looked at, or it is something else than a file.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except ValueError:  # of NUL and of lone surrogates, which no file's name has
        raise OSError(errno.EINVAL, "its name has characters that no file's name can have") from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, no file")
    return path


def read_text(path: str | os.PathLike[str], most: int = MAX_TEXT) -> str:
    """The content of a file in UTF-8. most: bytes that it may have.

    Raises:
        OSError: it cannot be read, or is larger. UnicodeDecodeError: it is no UTF-8.
    """
    with regular(path).open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return content.decode()
