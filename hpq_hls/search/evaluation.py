"""Measuring precision combinations: accuracy bit-exactly, cost by the objective.

The same code runs in the process that searches, in processes of the same machine, or on a cluster (see
``executors``). The answers are the same.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hpq_hls.graph import Inputs
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize import Quantizer
from hpq_hls.search.gauge import Gauge
from hpq_hls.search.interrupt import end_with
from hpq_hls.search.measurement import Measurement, Price, Seen
from hpq_hls.search.metric import Metric
from hpq_hls.search.objective import Pricing
from hpq_hls.search.scored import values_of
from hpq_hls.search.space import Combination, Space
from hpq_hls.simulate import Simulator

Found = Measurement | Price


@dataclass(frozen=True, eq=False)
class View:
    """The samples that a search looks at. mark: equal where a combination is seen the same way. rows: which
    samples these are. gauge: of these."""

    mark: str
    rows: npt.NDArray[np.int64]
    gauge: Gauge


@dataclass(frozen=True, eq=False)
class Task:
    """Everything that it takes to measure a combination.

    x: (batch, *input_shape). targets: what the metric takes. reference: the float network's outputs. rows:
    the samples that are searched on. gauge: of these. pricing: what a network costs. memory_mib: most memory
    in which ``jobs`` workers keep the values of layers (see ``Simulator``). output: the one that is scored,
    which reference and gauge are of. others: views of searches that will want the same combinations. name:
    tells tasks apart wherever they are sent. owner: the process that searches.
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
    others: tuple[View, ...] = ()
    jobs: int = 1
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    owner: int = field(default_factory=os.getpid)


class Worker:
    """Measures one combination after the other; what they share is computed once."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._simulator = Simulator(task.x, memory_mib=task.memory_mib / task.jobs)
        self._variance = float(task.reference.var()) or 1.0

    def measure(self, combination: Combination) -> Measurement:
        """Quantize, simulate, score and price."""
        task = self.task
        q = task.quantizer.quantize(task.space.precision(combination))
        outputs = values_of(self._simulator.predict(q), task.output)
        own = task.gauge(outputs[task.rows])
        read = [view.gauge(outputs[view.rows]) for view in task.others]
        outputs = outputs[: len(task.targets)]
        error = float(np.square(outputs - task.reference).mean()) / self._variance
        accuracy = task.metric(outputs, task.targets)
        others = tuple(Seen(accuracy, error, each.noise, each.risk) for each in read)
        return Measurement(accuracy, error, own.noise, own.risk, task.pricing(q), others)

    def outputs(self, combination: Combination) -> FloatArray:
        """What the network of a combination puts out for the samples with targets, (batch, *output_shape)."""
        q = self.task.quantizer.quantize(self.task.space.precision(combination))
        return values_of(self._simulator.predict(q), self.task.output)[: len(self.task.targets)]

    def price(self, combination: Combination) -> Price:
        """Quantize and price."""
        return self.task.pricing(self.task.quantizer.quantize(self.task.space.precision(combination)))

    def run(self, combination: Combination, accuracy: bool) -> Found:
        """Measure, or price only."""
        return self.measure(combination) if accuracy else self.price(combination)


_worker: tuple[str, Worker] | None = None
_lock = threading.Lock()


def run_chunk(
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
        found = {combination: _worker[1].run(combination, accuracy) for combination in combinations}
        return found, time.monotonic() - begin


def task_of_process(name: str) -> Task | None:
    """The task of this name, if it is what this process measured last."""
    held = _worker
    return held[1].task if held is not None and held[0] == name else None
