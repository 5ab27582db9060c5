"""A running search in words."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from hpq_hls.search.metric import shown_drop
from hpq_hls.search.result import Progress, SearchProgress
from hpq_hls.tools.console import shown
from hpq_hls.tools.progress import Step

UPDATE_S = 0.1
"""Progress is told at most this often."""


class Telling:
    """Says how a search stands, some times a second.

    step: where it is said. journal: the file that evaluations are kept in. again: how they are taken over.
    """

    def __init__(self, step: Step, journal: Path, again: str = "resume=True") -> None:
        self._step, self._journal, self._again = step, journal, again
        self._begin = self._told = time.monotonic()
        self._first: int | None = None
        self.evaluations = 0

    def __call__(self, state: SearchProgress) -> None:
        now, self.evaluations = time.monotonic(), state.evaluations
        if self._first is None:
            self._first = state.evaluations
            if state.unused:
                self._step.note(
                    f"{state.unused:,} evaluations of this search are in {self._journal} already; "
                    f"{self._again} uses them instead of measuring again"
                )
        elif now - self._told < UPDATE_S and state.evaluations != state.expected:
            return
        self._told = now
        rate = (state.evaluations - self._first) / max(now - self._begin, 1e-3)
        self._step.advance(state.evaluations, state.expected, phrase(state, rate))


def phrase(state: SearchProgress, rate: float) -> str:
    """How far of how much, the time left, and the best so far: whole on a terminal of 80 columns. rate:
    evaluations per second."""
    total = f" of {state.expected:,}" if state.expected else ""
    left = ""
    if state.expected and rate > 0:
        left = f", {timedelta(seconds=math.ceil((state.expected - state.evaluations) / rate))} left"
    count = f"{state.evaluations:,}{total}{left}"
    if state.best is None:
        return f"{count}, none feasible yet"
    best = f"{count}, best {state.best.cost:,.0f}"
    if state.float_accuracy is None:
        return best
    return f"{best}, drop {shown_drop(state.metric, state.float_accuracy - state.best.accuracy)}"


@contextlib.contextmanager
def progress_of(
    wish: Progress | bool | None, journal: str | Path | None, title: str = "Searching"
) -> Iterator[Progress | None]:
    """What a search tells its progress to: the function that was given, or a line that shows it (see
    ``hpq_hls.tools.console.Wish``)."""
    if wish is not None and not isinstance(wish, bool):
        yield wish
        return
    with shown(title, wish) as step:
        if step is None:
            yield None
            return
        telling = Telling(step, Path(journal or ""))
        yield telling
        step.conclude(f"{telling.evaluations:,} combinations measured")
