"""Processes of this machine, or whatever else a backend of joblib runs on."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from typing import Any

import joblib

from hpq_hls.errors import ToolError
from hpq_hls.search.evaluation import Task, run_chunk
from hpq_hls.search.executors.protocol import Answer, Pace
from hpq_hls.search.interrupt import shielded
from hpq_hls.search.space import Combination


class JoblibExecutor:
    """It implements ``Executor``. n_jobs: as in joblib; None is 1 or what the surrounding
    ``joblib.parallel_config`` says."""

    def __init__(self, n_jobs: int | None) -> None:
        self._n_jobs = n_jobs
        self.pace = Pace()

    @property
    def size(self) -> int:
        """See Executor."""
        return int(joblib.effective_n_jobs(self._n_jobs))

    def worthwhile(self, count: int) -> bool:
        """See Executor."""
        return count > 1 and self.size > 1

    def run(
        self, task: Task, chunks: Iterable[Sequence[Combination]], *, accuracy: bool
    ) -> Generator[Answer, None, None]:
        """See Executor."""
        with contextlib.ExitStack() as stack:
            with shielded():  # the first chunks go out, and with them the processes start
                parallel = stack.enter_context(
                    joblib.Parallel(n_jobs=self._n_jobs, return_as="generator_unordered")
                )
                results = parallel(joblib.delayed(run_chunk)(task, chunk, accuracy) for chunk in chunks)
            with _ended(results):
                try:
                    for answer in results:  # noqa: UP028  (it is closed here and not inside: see _ended)
                        yield answer
                except BrokenExecutor as error:
                    raise ToolError(
                        "a worker process of the search ended before its time: it ran out of memory, for "
                        "which fewer jobs help, or code of your own ended it"
                    ) from error


@contextlib.contextmanager
def _ended(results: Generator[Any, None, None]) -> Iterator[None]:
    """Close joblib's results; that the rest of them was not wanted is no news. (``yield from`` would hand
    the end of its own generator to them first, and joblib would warn.)"""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*have been cancelled.*", UserWarning)
            warnings.filterwarnings("ignore", ".*still being processed.*", UserWarning)
            results.close()
