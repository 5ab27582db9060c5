"""Which files a user's code reads: what cannot be known to be unchanged is not kept."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hpq_hls

_SYSTEM = tuple(Path(place) for place in ("/proc", "/sys", "/dev", "/etc"))
_listening: list[list[str]] = []


@contextlib.contextmanager
def opened() -> Iterator[list[str]]:
    """Paths of the files that Python opens meanwhile, in this thread or another."""
    _listen()
    paths: list[str] = []
    _listening.append(paths)
    try:
        yield paths
    finally:
        _listening.remove(paths)


@functools.cache
def _listen() -> None:
    """A hook stays until the process ends."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _listening and isinstance(arguments[0], (str, bytes)):
        for paths in _listening:
            paths.append(os.fsdecode(arguments[0]))


def foreign(paths: list[str], home: Path, known: Path | None) -> list[Path]:
    """Those of ``paths`` that a digest of the model does not cover: neither the installation's, nor
    ``known``, nor Python files of the project's folder ``home``."""
    installed = {Path(place).resolve() for place in (sys.prefix, sys.base_prefix)}
    installed |= {Path(hpq_hls.__file__).parent.resolve(), *_SYSTEM}
    found = []
    for path in dict.fromkeys(map(_resolved, paths)):
        own = path.suffix in (".py", ".pyc") and path.is_relative_to(home.resolve())
        if own or (known is not None and path == known.resolve()):
            continue
        if not any(path.is_relative_to(place) for place in installed):
            found.append(path)
    return found


def _resolved(path: str) -> Path:
    return Path(path).resolve()
