"""Runs the Python of a page of documentation, and finds the commands that it shows."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
_SHOWN = re.compile(r"^(?:    |\t)?(?:\$ )?(hpq (?!_)[a-z]+\b.*)$", re.M)


def python_blocks(path: Path) -> list[tuple[int, str]]:
    """The ```python blocks of a page: line number of the first line in the file, and text."""
    page = path.read_text(encoding="utf-8")
    return [(page.count("\n", 0, found.start(1)) + 1, found[1]) for found in _PYTHON.finditer(page)]


def run_page(path: Path, folder: Path, given: Mapping[str, Any] | None = None) -> str:
    """Run the blocks of a page in order, in one namespace, with ``folder`` as the current one.

    given: names that the page takes as known. Returns what was printed; an exception points at the line of
    the page.
    """
    space: dict[str, Any] = {"__name__": "page", **(given or {})}
    printed = io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(printed):
            for line, text in python_blocks(path):
                exec(compile("\n" * (line - 1) + text, str(path), "exec"), space)
    finally:
        os.chdir(before)
    return printed.getvalue()


def shown_commands(path: Path) -> Iterator[list[str]]:
    """The words of each ``hpq`` command that stands on a line of its own, indented or behind a ``$``."""
    for found in _SHOWN.finditer(path.read_text(encoding="utf-8")):
        command = re.split(r"\s+#|\s{2,}|[;|>]", found[1])[0]
        with contextlib.suppress(ValueError):  # an apostrophe of prose
            yield shlex.split(command)
