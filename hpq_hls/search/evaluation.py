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

from hpq_hls.ops.layout import Array
from hpq_hls.quantize import Quantizer
from hpq_hls.search.metric import Metric
from hpq_hls.search.objective import Objective
from hpq_hls.search.space import Combination, Space
from hpq_hls.simulate import Simulator

CHUNK = 32
"""Combinations that a worker gets at a time; neighbours share the first layers of the network."""


@dataclass(frozen=True)
class Measurement:
    """What was measured of one combination."""

    accuracy: float
    cost: float
    weight_bits: int


@dataclass(frozen=True, eq=False)
class Task:
    """Everything that it takes to measure a combination.

    x: (batch, *input_shape). targets: what the metric takes. memory_mib: most memory in which all workers
    keep the values of layers (see ``Simulator``). jobs: how many workers there are. name: tells tasks apart
    wherever they are sent.
    """

    quantizer: Quantizer
    space: Space
    x: Array
    targets: npt.NDArray[np.generic]
    metric: Metric
    objective: Objective
    memory_mib: float
    jobs: int = 1
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


class Worker:
    """Measures one combination after the other; what they share is computed once."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._simulator = Simulator(task.x, memory_mib=task.memory_mib / task.jobs)

    def measure(self, combination: Combination) -> Measurement:
        """Quantize, simulate, score and price."""
        task = self._task
        q = task.quantizer.quantize(task.space.precision(combination))
        accuracy = task.metric(self._simulator.predict(q), task.targets)
        return Measurement(accuracy, task.objective(q), q.weight_bits)


_worker: tuple[str, Worker] | None = None
_lock = threading.Lock()


def _measure_chunk(task: Task, combinations: Sequence[Combination]) -> list[Measurement]:
    """In a worker process: the worker of a task stays for its next chunk."""
    global _worker  # noqa: PLW0603  (a process has no other memory from one job to the next)
    with _lock:  # a backend of threads gives several chunks to one process
        if _worker is None or _worker[0] != task.name:
            _worker = (task.name, Worker(task))
        return [_worker[1].measure(combination) for combination in combinations]


def measure_all(
    task: Task, worker: Worker, combinations: Sequence[Combination], n_jobs: int | None
) -> Iterator[dict[Combination, Measurement]]:
    """Measurements of all combinations, in portions as they are done.

    worker: measures here, if there is nothing to share out. n_jobs: as in joblib; None is 1 or what the
    surrounding ``joblib.parallel_config`` says.
    """
    jobs = joblib.effective_n_jobs(n_jobs)
    ordered = sorted(combinations)
    if jobs == 1 or len(ordered) < 2:
        for combination in ordered:
            yield {combination: worker.measure(combination)}
        return
    size = min(CHUNK, -(-len(ordered) // jobs))
    chunks = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    with joblib.Parallel(n_jobs=n_jobs) as parallel:
        for start in range(0, len(chunks), jobs):
            portion = chunks[start : start + jobs]
            results = parallel(joblib.delayed(_measure_chunk)(task, chunk) for chunk in portion)
            yield {
                combination: measurement
                for chunk, measured in zip(portion, results, strict=True)
                for combination, measurement in zip(chunk, measured, strict=True)
            }
