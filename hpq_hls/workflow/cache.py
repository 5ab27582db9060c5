"""The network as it was read, and as it was quantized, kept by content under the output folder.

Each entry is a file, and a line of ``index.json`` with what it was made from (its key), its digest, and what
else is known of it. An entry of another key is never found, and a file of another digest never read; both are
plain JSON and npz. Deleting the folder is safe at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hpq_hls.errors import HpqError
from hpq_hls.tools.files import make_folder, write_file
from hpq_hls.workflow.digests import file_digest

FOLDER, INDEX = "cache", "index.json"
FORMAT = 1
"""Raised whenever entries of an earlier version may no longer be used."""
KEPT = 8
"""Entries of each kind; the oldest go first."""

Kept = TypeVar("Kept")


class Cache:
    """The cache of an output folder. Whatever is wrong with it means that there is no entry."""

    def __init__(self, output: Path) -> None:
        self._folder = output / FOLDER

    def meta(self, kind: str, key: str) -> Mapping[str, Any] | None:
        """What is known of an entry; None where there is none."""
        entry = self._index().get(f"{kind}-{key}")
        return None if entry is None else entry["meta"]

    def get(self, kind: str, key: str, read: Callable[[Path], Kept]) -> Kept | None:
        """An entry as ``read`` reads its file; None where there is none, or it was changed."""
        name = f"{kind}-{key}"
        entry, path = self._index().get(name), self._folder / name
        if entry is None or file_digest(path) != entry["sha256"]:
            return None
        try:
            return read(path)
        except (HpqError, OSError):
            return None

    def put(self, kind: str, key: str, meta: Mapping[str, Any], write: Callable[[Path], object]) -> None:
        """Keep an entry, if the folder can be written."""
        name = f"{kind}-{key}"
        with contextlib.suppress(HpqError, OSError):
            make_folder(self._folder)
            write(self._folder / name)
            digest = hashlib.sha256((self._folder / name).read_bytes()).hexdigest()
            entries = {other: entry for other, entry in self._index().items() if other != name}
            entries[name] = {"sha256": digest, "meta": dict(meta)}
            same = [other for other in entries if other.startswith(f"{kind}-")]
            for other in same[:-KEPT]:
                del entries[other]
                (self._folder / other).unlink(missing_ok=True)
            text = json.dumps({"format": FORMAT, "entries": entries}, indent=1)
            write_file(self._folder / INDEX, text + "\n")

    def _index(self) -> dict[str, Any]:
        try:
            held = json.loads((self._folder / INDEX).read_text(encoding="utf-8"))
            entries = held["entries"] if held["format"] == FORMAT else {}
            return {name: entry for name, entry in entries.items() if {"sha256", "meta"} <= set(entry)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}
