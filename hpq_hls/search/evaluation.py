"""Measuring precision combinations: accuracy bit-exactly, cost by the objective, many at a time.

The same code runs in this process, in processes that joblib starts (loky), or on the machines of a Dask or
Ray cluster: ``with joblib.parallel_config("dask"): hpq_hls.search(...)``. The answers are the same.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
import warnings
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from hpq_hls.errors import ToolError
from hpq_hls.graph import Inputs
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize import Quantizer
from hpq_hls.search.gauge import Gauge
from hpq_hls.search.interrupt import end_with, shielded
from hpq_hls.search.measurement import Measurement, Price
from hpq_hls.search.metric import Metric
from hpq_hls.search.objective import Pricing
from hpq_hls.search.scored import values_of
from hpq_hls.search.space import Combination, Space
from hpq_hls.simulate import Simulator

CHUNK = 32
"""Most combinations that a worker gets at a time; neighbours share the first layers of the network."""
FIRST_CHUNK = 4
CHUNK_S = 0.5
"""How long a chunk should take: what a killed search loses, and what one that is interrupted waits for."""


@dataclass(frozen=True, eq=False)
class Task:
    """Everything that it takes to measure a combination.

    x: (batch, *input_shape). targets: what the metric takes. reference: the float network's outputs. rows:
    the samples that are searched on. gauge: of these. pricing: what a network costs. memory_mib: most memory
    in which all workers keep the values of layers (see ``Simulator``). output: the one that is scored, which
    reference and gauge are of. jobs: how many workers there are. name: tells tasks apart wherever they are
    sent. owner: the process that searches.
    """

    quantizer: Quantizer
    space: Space
    x: Inputs
    targets: npt.NDArray[np.generic]
    reference: FloatArray
    rows: npt.NDArray[np.int64]
    gauge: Gauge
    metric: Metric
    pricing: Pricing
    memory_mib: float
    output: str
    jobs: int = 1
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    owner: int = field(default_factory=os.getpid)


class Worker:
    """Measures one combination after the other; what they share is computed once."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._simulator = Simulator(task.x, memory_mib=task.memory_mib / task.jobs)
        self._variance = float(task.reference.var()) or 1.0

    def measure(self, combination: Combination) -> Measurement:
        """Quantize, simulate, score and price."""
        task = self._task
        q = task.quantizer.quantize(task.space.precision(combination))
        outputs = values_of(self._simulator.predict(q), task.output)
        seen = task.gauge(outputs[task.rows])
        outputs = outputs[: len(task.targets)]
        error = float(np.square(outputs - task.reference).mean()) / self._variance
        accuracy = task.metric(outputs, task.targets)
        return Measurement(accuracy, error, seen.noise, seen.risk, task.pricing(q))

    def outputs(self, combination: Combination) -> FloatArray:
        """What the network of a combination puts out for the samples with targets, (batch, *output_shape)."""
        q = self._task.quantizer.quantize(self._task.space.precision(combination))
        return values_of(self._simulator.predict(q), self._task.output)[: len(self._task.targets)]

    def price(self, combination: Combination) -> Price:
        """Quantize and price."""
        return self._task.pricing(self._task.quantizer.quantize(self._task.space.precision(combination)))


_worker: tuple[str, Worker] | None = None
_lock = threading.Lock()


Found = Measurement | Price


def _run_chunk(
    task: Task, combinations: Sequence[Combination], accuracy: bool
) -> tuple[dict[Combination, Found], float]:
    """In a worker process: the worker of a task stays for its next chunk. What it found, and the seconds
    that it took."""
    global _worker  # noqa: PLW0603  (a process has no other memory from one job to the next)
    end_with(task.owner)
    with _lock:  # a backend of threads gives several chunks to one process
        begin = time.monotonic()
        if _worker is None or _worker[0] != task.name:
            _worker = (task.name, Worker(task))
        found = {combination: _run(_worker[1], combination, accuracy) for combination in combinations}
        return found, time.monotonic() - begin


def _run(worker: Worker, combination: Combination, accuracy: bool) -> Found:
    return worker.measure(combination) if accuracy else worker.price(combination)


def measure_all(
    task: Task, worker: Worker, combinations: Sequence[Combination], n_jobs: int | None
) -> Generator[dict[Combination, Measurement], None, None]:
    """Measurements of all combinations, in portions as they are done; whoever does not want the rest closes
    the generator.

    worker: measures here, if there is nothing to share out. n_jobs: as in joblib; None is 1 or what the
    surrounding ``joblib.parallel_config`` says.
    """
    with contextlib.closing(_share_out(task, worker, combinations, n_jobs, accuracy=True)) as portions:
        for portion in portions:
            yield {key: found for key, found in portion.items() if isinstance(found, Measurement)}


def price_all(
    task: Task, worker: Worker, combinations: Sequence[Combination], n_jobs: int | None
) -> dict[Combination, Price]:
    """Prices of all combinations; parameters as of ``measure_all``."""
    with contextlib.closing(_share_out(task, worker, combinations, n_jobs, accuracy=False)) as portions:
        return {
            key: found for portion in portions for key, found in portion.items() if isinstance(found, Price)
        }


def _share_out(
    task: Task, worker: Worker, combinations: Sequence[Combination], n_jobs: int | None, *, accuracy: bool
) -> Generator[dict[Combination, Found], None, None]:
    jobs = joblib.effective_n_jobs(n_jobs)
    ordered = sorted(combinations)
    if jobs == 1 or len(ordered) < 2:
        for combination in ordered:
            yield {combination: _run(worker, combination, accuracy)}
        return
    chunks = _Chunks(ordered, jobs)
    with contextlib.ExitStack() as stack:
        with shielded():  # the first chunks go out, and with them the processes start
            parallel = stack.enter_context(joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered"))
            results = parallel(joblib.delayed(_run_chunk)(task, chunk, accuracy) for chunk in chunks)
        with _ended(results):
            try:
                for found, seconds in results:
                    chunks.took(len(found), seconds)
                    yield found
            except BrokenExecutor as error:
                raise ToolError(
                    "a worker process of the search ended before its time: it ran out of memory, for which "
                    "fewer jobs help, or code of your own ended it"
                ) from error


@contextlib.contextmanager
def _ended(results: Generator[Any, None, None]) -> Iterator[None]:
    """Close joblib's results; that the rest of them was not wanted is no news."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*have been cancelled.*", UserWarning)
            warnings.filterwarnings("ignore", ".*still being processed.*", UserWarning)
            results.close()


class _Chunks:
    """Parts of a list that each keep a worker busy for about ``CHUNK_S``."""

    def __init__(self, ordered: Sequence[Combination], jobs: int) -> None:
        self._ordered = ordered
        self._most = min(CHUNK, -(-len(ordered) // jobs))
        self._size = min(FIRST_CHUNK, self._most)

    def __iter__(self) -> Iterator[Sequence[Combination]]:
        start = 0
        while start < len(self._ordered):
            size = self._size
            yield self._ordered[start : start + size]
            start += size

    def took(self, count: int, seconds: float) -> None:
        """Learn how long a chunk of this many took."""
        self._size = max(1, min(int(CHUNK_S * count / max(seconds, 1e-6)), self._most))
