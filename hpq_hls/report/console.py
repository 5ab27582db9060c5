"""Progress on standard error: a live line on a terminal, plain lines anywhere else."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.table import Column
from rich.text import Text

PLAIN_INTERVAL_S = 5.0
"""Where lines cannot be rewritten, a step speaks at most this often."""
PLAIN_WIDTH = 120
UPDATES_PER_S = 8
BAR_WIDTH = 24
ROOM_FOR_BAR = 110
"""Columns that a terminal must have; on a narrower one the words of the line need the place."""


def make_console(*, stderr: bool) -> Console:
    """A console on one of the standard streams; wide enough for the tables where there is no terminal."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


class TerminalReporter:
    """Shows steps as they run. It implements ``hpq_hls.workflow.Reporter``."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or make_console(stderr=True)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[_Shown]:
        """Begin a step; when its block ends well, its time and result are shown."""
        begin = time.monotonic()
        mark = ""
        shown = _Shown(self._console, title)
        if self._console.is_terminal:
            mark = "✓ " if self._console.encoding.startswith("utf") else "+ "
            with shown.live:
                yield shown
        else:
            yield shown
        result = f": {shown.result}" if shown.result else ""
        seconds = f" ({time.monotonic() - begin:.1f} s)"
        line = Text.assemble((mark, "green"), f"{title}{result}", (seconds, "dim"))
        self._console.print(line, soft_wrap=True)


class _Shown:
    """A step on the screen. live: the line that is rewritten, on a terminal."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title = console, title
        self._spoke = time.monotonic()
        self.result = ""
        self._bar, self._share = BarColumn(BAR_WIDTH), TaskProgressColumn()
        self.live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            transient=True,
            console=console,
            refresh_per_second=UPDATES_PER_S,
        )
        self._task = self.live.add_task(title, total=None)

    def __call__(self, phrase: str) -> None:
        """See ``hpq_hls.workflow.Step``."""
        if self._console.is_terminal:
            self.live.update(self._task, description=f"{self._title}: {phrase}")
        elif time.monotonic() - self._spoke >= PLAIN_INTERVAL_S:
            self._spoke = time.monotonic()
            self._console.print(Text(f"  {self._title}: {phrase} ..."), soft_wrap=True)

    def advance(self, done: int, total: int | None, phrase: str) -> None:
        """See ``hpq_hls.workflow.Step``."""
        if self._console.is_terminal and total is not None:
            if self._share not in self.live.columns:
                bar = (self._bar,) if self._console.width >= ROOM_FOR_BAR else ()
                self.live.columns = (SpinnerColumn(), *bar, self._share, *self.live.columns[1:])
            self.live.update(self._task, completed=done, total=total)
        self(phrase)

    def note(self, text: str) -> None:
        """See ``hpq_hls.workflow.Step``."""
        self._console.print(Text(f"  {text}"), soft_wrap=True)

    def conclude(self, result: str) -> None:
        """See ``hpq_hls.workflow.Step``."""
        self.result = result
