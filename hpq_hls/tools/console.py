"""Progress on standard error: a live line on a terminal and in a notebook, plain lines anywhere else."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.table import Column
from rich.text import Text

from hpq_hls.tools.progress import QuietStep, Reporter, Step

PLAIN_INTERVAL_S = 5.0
"""Where lines cannot be rewritten, a step speaks at most this often."""
PLAIN_WIDTH = 120
UPDATES_PER_S = 8
BAR_WIDTH = 24
ROOM_FOR_SHARE = 8
"""Columns of spinner and percentage; where the words leave less, they say how far the step is."""
NOTEBOOK_INTERVAL_S = 0.25
NOTEBOOK_WIDTH = 78
ROOM_FOR_BAR = 110
"""Columns that a terminal must have; on a narrower one the words of the line need the place."""


def make_console(*, stderr: bool) -> Console:
    """A console on one of the standard streams; wide enough for the tables where there is no terminal."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def _rewrites(console: Console) -> bool:
    """Whether a line on the console can be written again; a terminal of type ``dumb`` cannot."""
    return console.is_terminal and not console.is_dumb_terminal


class TerminalReporter:
    """Shows steps as they run. It implements ``hpq_hls.tools.progress.Reporter``."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or make_console(stderr=True)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[_Shown]:
        """Begin a step; when its block ends well, its time and result are shown."""
        begin = time.monotonic()
        mark = ""
        shown = _Shown(self._console, title)
        with _busy():
            if self._console.is_terminal:
                mark = "✓ " if self._console.encoding.startswith("utf") else "+ "
            with shown.live if _rewrites(self._console) else contextlib.nullcontext():
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
        self._bar, self._share, self._spinner = BarColumn(BAR_WIDTH), TaskProgressColumn(), SpinnerColumn()
        self._words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
        self.live = Progress(
            self._spinner,
            self._words,
            transient=True,
            console=console,
            refresh_per_second=UPDATES_PER_S,
        )
        self._task = self.live.add_task(title, total=None)

    def __call__(self, phrase: str) -> None:
        """See ``hpq_hls.tools.progress.Step``."""
        if _rewrites(self._console):
            self.live.update(self._task, description=f"{self._title}: {phrase}")
        elif time.monotonic() - self._spoke >= PLAIN_INTERVAL_S:
            self._spoke = time.monotonic()
            self._console.print(Text(f"  {self._title}: {phrase} ..."), soft_wrap=True)

    def advance(self, done: int, total: int | None, phrase: str) -> None:
        """See ``hpq_hls.tools.progress.Step``."""
        if _rewrites(self._console) and total is not None:
            width = self._console.width
            bar = (self._bar,) if width >= ROOM_FOR_BAR else ()
            share = (self._share,) if len(f"{self._title}: {phrase}") + ROOM_FOR_SHARE <= width else ()
            self.live.columns = (self._spinner, *bar, *share, self._words)
            self.live.update(self._task, completed=done, total=total)
        self(phrase)

    def note(self, text: str) -> None:
        """See ``hpq_hls.tools.progress.Step``."""
        self._console.print(Text(f"  {text}"), soft_wrap=True)

    def conclude(self, result: str) -> None:
        """See ``hpq_hls.tools.progress.Step``."""
        self.result = result


class NotebookReporter:
    """Shows steps below the cell that is running, in one line that is rewritten."""

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[_Line]:
        """See ``hpq_hls.tools.progress.Reporter``."""
        begin = time.monotonic()
        line = _Line(title)
        with _busy():
            yield line
        result = f": {line.result}" if line.result else ""
        line.write(f"{title}{result} ({time.monotonic() - begin:.1f} s)\n")


class _Line:
    """A step in a notebook."""

    def __init__(self, title: str) -> None:
        self._title, self._spoke, self._width = title, time.monotonic(), 0
        self.result = ""

    def __call__(self, phrase: str) -> None:
        """See ``hpq_hls.tools.progress.Step``."""
        if time.monotonic() - self._spoke >= NOTEBOOK_INTERVAL_S:
            self._spoke = time.monotonic()
            self.write(f"{self._title}: {phrase}"[:NOTEBOOK_WIDTH])

    def advance(self, done: int, total: int | None, phrase: str) -> None:
        """See ``hpq_hls.tools.progress.Step``."""
        self(phrase if total is None else f"{100 * done / total:.0f} %, {phrase}")

    def note(self, text: str) -> None:
        """See ``hpq_hls.tools.progress.Step``."""
        self.write(f"{text}\n")

    def conclude(self, result: str) -> None:
        """See ``hpq_hls.tools.progress.Step``."""
        self.result = result

    def write(self, text: str) -> None:
        """In place of what the line says; with a line break it stays."""
        sys.stderr.write("\r" + text.rstrip("\n").ljust(self._width) + "\n" * text.endswith("\n"))
        sys.stderr.flush()
        self._width = 0 if text.endswith("\n") else len(text)


_steps = 0
"""How many steps are shown just now, one inside the other."""


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    global _steps  # noqa: PLW0603  (there is one screen)
    _steps += 1
    try:
        yield
    finally:
        _steps -= 1


Wish = Callable[[str], None] | bool | None
"""Of a call that takes long: a function that is told what it is doing; True: show that on standard error;
False: do not; None: show it on a terminal and in a notebook, unless the logger "hpq_hls" (or, where that has
no level of its own, the root logger) lets no warnings through."""


@contextlib.contextmanager
def shown(title: str, wish: object) -> Iterator[Step | None]:
    """A step as someone who calls a function wishes it (see ``Wish``); None where nothing is to be shown.
    Inside of a step that is shown already only True shows another.
    """
    reporter = _reporter(wish)
    if reporter is None:
        yield None
    else:
        with reporter.step(title) as step:
            yield step


@contextlib.contextmanager
def told(title: str, wish: Wish) -> Iterator[Callable[[str], None]]:
    """What to tell it to: the function that was given, or a step."""
    if wish is not None and not isinstance(wish, bool):
        yield wish
    else:
        with shown(title, wish) as step:
            yield step or QuietStep()


def _reporter(wish: object) -> Reporter | None:
    if wish is not None and not isinstance(wish, bool):
        return None
    notebook = type(sys.stderr).__module__.startswith("ipykernel.")
    watched = notebook or sys.stderr.isatty()
    if wish is None and (_steps or not watched or not _heard()):
        return None
    return (NotebookReporter() if notebook else TerminalReporter()) if wish is not False else None


def _heard() -> bool:
    return logging.getLogger("hpq_hls").isEnabledFor(logging.WARNING)
