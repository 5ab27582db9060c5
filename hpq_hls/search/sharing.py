"""Sharing out combinations to workers, in chunks of neighbours."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence

from hpq_hls.search.evaluation import Found, Task, Worker
from hpq_hls.search.executors import Executor, Pace
from hpq_hls.search.measurement import Measurement, Price
from hpq_hls.search.space import Combination

CHUNK = 32
"""Most combinations that a worker gets at a time; neighbours share the first layers of the network."""
FIRST_CHUNK = 4
CHUNK_S = 0.5
"""How long a chunk should take: what a killed search loses, and what one that is interrupted waits for."""


def measure_all(
    task: Task, worker: Worker, combinations: Sequence[Combination], executor: Executor
) -> Generator[dict[Combination, Measurement], None, None]:
    """Measurements of all combinations, in portions as they are done, which may be empty; whoever does not
    want the rest closes the generator.

    worker: measures here, if there is nothing to share out.
    """
    with contextlib.closing(_share_out(task, worker, combinations, executor, accuracy=True)) as portions:
        for portion in portions:
            yield {key: found for key, found in portion.items() if isinstance(found, Measurement)}


def price_all(
    task: Task, worker: Worker, combinations: Sequence[Combination], executor: Executor
) -> dict[Combination, Price]:
    """Prices of all combinations; parameters as of ``measure_all``."""
    with contextlib.closing(_share_out(task, worker, combinations, executor, accuracy=False)) as portions:
        return {
            key: found for portion in portions for key, found in portion.items() if isinstance(found, Price)
        }


def _share_out(
    task: Task, worker: Worker, combinations: Sequence[Combination], executor: Executor, *, accuracy: bool
) -> Generator[dict[Combination, Found], None, None]:
    ordered = sorted(combinations)
    if not executor.worthwhile(len(ordered)):
        for combination in ordered:
            yield {combination: worker.run(combination, accuracy)}
        return
    chunks = _Chunks(ordered, executor, accuracy)
    with contextlib.closing(executor.run(task, chunks, accuracy=accuracy)) as answers:
        for found, seconds in answers:
            executor.pace.took(accuracy, len(found), seconds)
            yield found


class _Chunks:
    """Parts of a list that each keep a worker busy for about ``CHUNK_S``, and leave none without."""

    def __init__(self, ordered: Sequence[Combination], executor: Executor, accuracy: bool) -> None:
        self._ordered, self._executor, self._accuracy = ordered, executor, accuracy

    def __iter__(self) -> Iterator[Sequence[Combination]]:
        start = 0
        while start < len(self._ordered):
            size = self._size(len(self._ordered))
            yield self._ordered[start : start + size]
            start += size

    def _size(self, count: int) -> int:
        most = min(CHUNK, -(-count // max(self._executor.size, 1)))
        return min(size_for(self._executor.pace, self._accuracy), most)


def size_for(pace: Pace, accuracy: bool) -> int:
    """Combinations that take about ``CHUNK_S``."""
    seconds = pace[accuracy]
    return FIRST_CHUNK if seconds is None else max(1, int(CHUNK_S / max(seconds, 1e-6)))
