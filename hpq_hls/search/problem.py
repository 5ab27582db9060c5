"""What a search is asked to do, checked and made ready to be measured."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

import hpq_hls
from hpq_hls.errors import ConfigError, DataError
from hpq_hls.fixed import Rounding
from hpq_hls.graph import Graph, check_input
from hpq_hls.hardware import HardwareConfig
from hpq_hls.ops.layout import Array
from hpq_hls.quantize import Quantizer, QuantizerOptions
from hpq_hls.search.aims import Aims
from hpq_hls.search.confirmation import Split, aims_of, split_rows
from hpq_hls.search.errors import SettingError
from hpq_hls.search.evaluation import Task
from hpq_hls.search.fingerprint import fingerprint
from hpq_hls.search.gauge import gauge_of
from hpq_hls.search.limits import Limits, find_limits
from hpq_hls.search.metric import Function, Kind, Metric, check_targets, find_metric
from hpq_hls.search.objective import Pricer, find_objective
from hpq_hls.search.result import Progress
from hpq_hls.search.space import Space, space_of
from hpq_hls.search.speed import TYPICAL_WIDTH, pricer_of
from hpq_hls.search.strategies import STRATEGIES

FAST, FAST_PER_VARIABLE = 100, 5
"""Evaluations of a fast search."""
SMALL_SPACE = 1024
"""Spaces up to this size are enumerated by strategy "auto"."""
Samples = tuple[npt.ArrayLike, npt.ArrayLike]


class Effort(enum.Enum):
    """How much is measured: FAST some 100 combinations, FULL what the strategy thinks right."""

    FAST = "fast"
    FULL = "full"


def find_effort(given: str | Effort) -> Effort:
    """The effort that is meant.

    Raises:
        SettingError: there is none of this name.
    """
    try:
        return Effort(given)
    except ValueError:
        names = " or ".join(effort.value for effort in Effort)
        raise SettingError(("effort",), f"is {given!r}; choose {names}") from None


@dataclass(frozen=True, kw_only=True)
class Request:
    """The arguments of ``hpq_hls.search`` that are not data; see there."""

    max_drop: float
    confidence: float | None
    effort: Effort
    objective: str | Mapping[str, float]
    strategy: str
    weight_bits: Sequence[int]
    activation_bits: Sequence[int]
    rounding: Sequence[Rounding | str]
    layers: Mapping[str, Mapping[str, Any]] | None
    groups: Sequence[Sequence[str]]
    limits: Limits | Mapping[str, Any] | None
    metric: str | Function | Metric
    quantizer: QuantizerOptions | None
    seed: int
    evaluations: int | None
    part: str
    clock_ns: float
    hardware: HardwareConfig | None
    n_jobs: int | None
    memory_mib: float
    journal: str | Path | None
    resume: bool
    uniform: bool
    progress: Progress | None


@dataclass(frozen=True, eq=False)
class Problem:
    """A search that is ready to run.

    task: measures combinations. split: of the validation samples. aims: what is searched for. strategy: a key
    of ``STRATEGIES``. float_accuracy: of the float network on the validation data. test: inputs and targets
    to score at the end. fingerprint: equal for searches in which each combination measures the same. about:
    what people may want to know of the search. pricer: what networks cost, and at which folding.
    """

    request: Request
    task: Task
    split: Split
    aims: Aims
    strategy: str
    metric: Metric
    float_accuracy: float
    test: tuple[Array, npt.NDArray[np.generic]] | None
    fingerprint: str
    about: Mapping[str, object]
    pricer: Pricer

    @property
    def counts(self) -> bool:
        """Whether the metric is the share of samples that are right."""
        return self.metric.kind is Kind.SHARE

    @property
    def limit(self) -> int | None:
        """The most combinations to evaluate."""
        if self.request.evaluations is not None:
            return self.request.evaluations
        own = STRATEGIES[self.strategy].evaluations(self.space)
        if self.request.effort is Effort.FULL:
            return own
        few = max(FAST, FAST_PER_VARIABLE * len(self.space.variables))
        return few if own is None else min(own, few)

    @property
    def space(self) -> Space:
        """What there is to choose from."""
        return self.task.space


def prepare_problem(
    graph: Graph, calibration_x: npt.ArrayLike, validation: Samples, test: Samples | None, request: Request
) -> Problem:
    """Check everything, calibrate, and score the float network.

    Raises:
        ConfigError, DataError: as ``hpq_hls.search``.
    """
    _check(request)
    metric = find_metric(request.metric)
    metric.check_drop(request.max_drop)
    objective, limits = find_objective(request.objective), find_limits(request.limits)
    quantizer = Quantizer(graph, calibration_x, request.quantizer)
    x, y = _samples(validation, "validation", metric, quantizer.graph)
    scored = None if test is None else _samples(test, "test", metric, quantizer.graph)
    space = space_of(
        quantizer.graph,
        request.weight_bits,
        request.activation_bits,
        rounding=request.rounding,
        layers=request.layers,
        groups=request.groups,
        type_of=quantizer.type_of,
        least_weight_width=quantizer.least_weight_width,
    )
    typical = quantizer.quantize(space.precision(space.near(TYPICAL_WIDTH)))
    pricing = pricer_of(objective, limits, request.part, request.clock_ns, request.hardware, typical)
    reference = quantizer.graph.predict(x)
    jobs = joblib.effective_n_jobs(request.n_jobs)
    split = split_rows(len(x), metric.kind, request.max_drop, request.confidence)
    rows = split.searched
    gauge = gauge_of(metric, reference[rows], y[rows])
    task = Task(quantizer, space, x, y, reference, rows, gauge, metric, pricing, request.memory_mib, jobs)
    score = metric(reference, y)
    aims = aims_of(metric.kind, gauge, len(split.held), score, request.max_drop, request.confidence)
    strategy = request.strategy
    if strategy == "auto":
        strategy = "exhaustive" if space.size <= SMALL_SPACE else "sensitivity"
    about = _about(graph, task, request)
    calibration = check_input(calibration_x, graph.input_shape, graph.input_name)
    mark = fingerprint({**about, **_decisive(task), "graph": graph, "calibration": calibration})
    return Problem(request, task, split, aims, strategy, metric, score, scored, mark, about, pricing)


def _about(graph: Graph, task: Task, request: Request) -> dict[str, object]:
    """What people may want to know of a search that they find in a journal."""
    return {
        "version": hpq_hls.__version__,
        "network": graph.name,
        "objective": task.pricing.objective.name if isinstance(task.pricing, Pricer) else None,
        "metric": task.metric.name,
        "part": request.part,
        "clock_ns": request.clock_ns,
        "samples": len(task.x),
    }


def _decisive(task: Task) -> dict[str, object]:
    """What decides a measurement, network and calibration data apart."""
    return {
        "x": task.x,
        "y": task.targets,
        "rows": task.rows,
        "space": task.space,
        "scored": task.metric,
        "quantizer": task.quantizer.options,
        "pricing": task.pricing,
    }


def _check(request: Request) -> None:
    if request.strategy != "auto" and request.strategy not in STRATEGIES:
        raise ConfigError(f"there is no strategy {request.strategy!r}; choose auto, {', '.join(STRATEGIES)}")
    if request.n_jobs == 0:
        raise ConfigError("n_jobs is 0; give a number of jobs, or -1 for one per processor")
    if not 0 <= request.memory_mib < math.inf:
        raise ConfigError(f"memory_mib is {request.memory_mib}; give a number of MiB from 0 on")
    if request.resume and request.journal is None:
        raise ConfigError("resume needs the journal to continue from; give its file as journal")


def _samples(
    given: Samples, what: str, metric: Metric, graph: Graph
) -> tuple[Array, npt.NDArray[np.generic]]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise DataError(f"{what} must be a pair (x, y) of inputs and labels; give both")
    x = check_input(given[0], graph.input_shape, graph.input_name)
    return x, check_targets(metric, given[1], len(x), graph.output_shape)
