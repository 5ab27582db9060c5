"""Measuring precision combinations: accuracy bit-exactly, cost by the objective, many at a time.

The same code runs in this process, in processes that joblib starts (loky), or on the machines of a Dask or
Ray cluster: ``with joblib.parallel_config("dask"): hpq_hls.search(...)``. The answers are the same.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import joblib
import numpy as np
import numpy.typing as npt

from hpq_hls.ops.base import FloatArray
from hpq_hls.ops.layout import Array
from hpq_hls.quantize import Quantizer
from hpq_hls.search.measurement import Measurement, Price
from hpq_hls.search.metric import Metric
from hpq_hls.search.objective import Pricing
from hpq_hls.search.space import Combination, Space
from hpq_hls.simulate import Simulator

CHUNK = 32
"""Combinations that a worker gets at a time; neighbours share the first layers of the network."""


@dataclass(frozen=True, eq=False)
class Task:
    """Everything that it takes to measure a combination.

    x: (batch, *input_shape). targets: what the metric takes. reference: the float network's outputs.
    pricing: what a network costs. memory_mib: most memory in which all workers keep the values of layers
    (see ``Simulator``). jobs: how many workers there are. name: tells tasks apart wherever they are sent.
    """

    quantizer: Quantizer
    space: Space
    x: Array
    targets: npt.NDArray[np.generic]
    reference: FloatArray
    metric: Metric
    pricing: Pricing
    memory_mib: float
    jobs: int = 1
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


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
        outputs = self._simulator.predict(q)
        error = float(np.square(outputs - task.reference).mean()) / self._variance
        return Measurement(task.metric(outputs, task.targets), error, task.pricing(q))

    def price(self, combination: Combination) -> Price:
        """Quantize and price."""
        return self._task.pricing(self._task.quantizer.quantize(self._task.space.precision(combination)))


_worker: tuple[str, Worker] | None = None
_lock = threading.Lock()


def _run_chunk(
    task: Task, combinations: Sequence[Combination], accuracy: bool
) -> Sequence[Measurement | Price]:
    """In a worker process: the worker of a task stays for its next chunk."""
    global _worker  # noqa: PLW0603  (a process has no other memory from one job to the next)
    with _lock:  # a backend of threads gives several chunks to one process
        if _worker is None or _worker[0] != task.name:
            _worker = (task.name, Worker(task))
        return _run(_worker[1], combinations, accuracy)


def _run(
    worker: Worker, combinations: Sequence[Combination], accuracy: bool
) -> Sequence[Measurement | Price]:
    measure = worker.measure if accuracy else worker.price
    return [measure(combination) for combination in combinations]


def measure_all(
    task: Task, worker: Worker, combinations: Sequence[Combination], n_jobs: int | None
) -> Iterator[dict[Combination, Measurement]]:
    """Measurements of all combinations, in portions as they are done.

    worker: measures here, if there is nothing to share out. n_jobs: as in joblib; None is 1 or what the
    surrounding ``joblib.parallel_config`` says.
    """
    for portion in _share_out(task, worker, combinations, n_jobs, accuracy=True):
        yield {key: found for key, found in portion.items() if isinstance(found, Measurement)}


def price_all(
    task: Task, worker: Worker, combinations: Sequence[Combination], n_jobs: int | None
) -> dict[Combination, Price]:
    """Prices of all combinations; parameters as of ``measure_all``."""
    return {
        key: found
        for portion in _share_out(task, worker, combinations, n_jobs, accuracy=False)
        for key, found in portion.items()
        if isinstance(found, Price)
    }


def _share_out(
    task: Task, worker: Worker, combinations: Sequence[Combination], n_jobs: int | None, *, accuracy: bool
) -> Iterator[dict[Combination, Measurement | Price]]:
    jobs = joblib.effective_n_jobs(n_jobs)
    ordered = sorted(combinations)
    if jobs == 1 or len(ordered) < 2:
        for combination in ordered:
            yield {combination: _run(worker, [combination], accuracy)[0]}
        return
    size = min(CHUNK, -(-len(ordered) // jobs))
    chunks = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    with joblib.Parallel(n_jobs=n_jobs) as parallel:
        for start in range(0, len(chunks), jobs):
            portion = chunks[start : start + jobs]
            results = parallel(joblib.delayed(_run_chunk)(task, chunk, accuracy) for chunk in portion)
            yield {
                combination: found
                for chunk, measured in zip(portion, results, strict=True)
                for combination, found in zip(chunk, measured, strict=True)
            }
