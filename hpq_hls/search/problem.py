"""What a search is asked to do, checked and made ready to be measured."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.fixed import Rounding
from hpq_hls.graph import Graph, Inputs, check_inputs
from hpq_hls.hardware import CLOCKS_NS, HardwareConfig
from hpq_hls.quantize import Precision, Quantizer, QuantizerOptions
from hpq_hls.search.aims import Aims
from hpq_hls.search.arguments import (
    check_cluster,
    check_confidence,
    check_jobs,
    check_kind,
    check_number,
    check_whole,
)
from hpq_hls.search.confirmation import Split, aims_of, split_rows
from hpq_hls.search.errors import SettingError
from hpq_hls.search.evaluation import Task
from hpq_hls.search.executors import memory_shares
from hpq_hls.search.fingerprint import fingerprint
from hpq_hls.search.limits import Limits, find_limits
from hpq_hls.search.measurement import Price
from hpq_hls.search.metric import Function, Kind, Metric, check_targets, find_metric
from hpq_hls.search.objective import Pricer, find_objective
from hpq_hls.search.result import Progress
from hpq_hls.search.scored import part_of, scored_output, unscored_layers, values_of
from hpq_hls.search.space import Space, space_of
from hpq_hls.search.speed import NARROW_WIDTH, TYPICAL_WIDTH, pricer_of
from hpq_hls.search.strategies import STRATEGIES
from hpq_hls.search.views import Ground
from hpq_hls.version import __version__

FAST, FAST_PER_VARIABLE = 100, 5
"""See ``few_evaluations``."""
CAREFUL_SHARE = 0.6
"""Of a strategy's evaluations, what a careful search takes, but no fewer than a fast one: risks hold less
luck to be looked for than counts."""
MOST_UNLABELLED = 1_000
"""Calibration samples that a careful search looks at beside the validation samples."""
SMALL_SPACE = 1024
"""Spaces up to this size are enumerated by strategy "auto"."""
_NOTHING = type(None)
Samples = tuple[Any, Any]


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
    drops: Sequence[float]
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
    output: str | None
    quantizer: QuantizerOptions | None
    seed: int
    evaluations: int | None
    part: str
    clock_ns: float
    hardware: HardwareConfig | None
    n_jobs: int | None
    cluster: Any
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
    to score at the end. view: mark of the samples that are searched on (see ``View``). fingerprint: equal
    for searches in which each combination measures the same. about: what people may want to know of the
    search. pricer: what networks cost, and at which folding.
    """

    request: Request
    task: Task
    split: Split
    aims: Aims
    strategy: str
    metric: Metric
    float_accuracy: float
    test: tuple[Inputs, npt.NDArray[np.generic]] | None
    view: str
    fingerprint: str
    about: Mapping[str, object]
    pricer: Pricer
    _settled: dict[str, tuple[Pricer, Price]] = field(default_factory=dict, repr=False)

    @property
    def counts(self) -> bool:
        """Whether the metric is the share of samples that are right."""
        return self.metric.kind is Kind.SHARE

    def settled(self, precision: Precision) -> tuple[Pricer, Price]:
        """What prices a network once it is chosen (see ``Pricer.settled``), and what it then costs."""
        key = str(precision.to_dict())
        if key not in self._settled:
            network = self.task.quantizer.quantize(precision)
            pricer = self.pricer.settled(network)
            self._settled[key] = pricer, pricer(network)
        return self._settled[key]

    @property
    def limit(self) -> int | None:
        """The most combinations to evaluate."""
        if self.request.evaluations is not None:
            return self.request.evaluations
        own, few = STRATEGIES[self.strategy].evaluations(self.space), few_evaluations(self.space)
        if own is None:  # what it finds before it is done says little
            return None
        if self.request.effort is Effort.FAST:
            return min(own, few)
        if own >= self.space.size or not self.aims.careful:
            return own
        return max(int(CAREFUL_SHARE * own), min(own, few))

    @property
    def space(self) -> Space:
        """What there is to choose from."""
        return self.task.space


def few_evaluations(space: Space) -> int:
    """Evaluations of a fast search."""
    return max(FAST, FAST_PER_VARIABLE * len(space.variables))


def prepare_problem(
    graph: Graph, calibration_x: Any, validation: Samples, test: Samples | None, request: Request
) -> Problem:
    """Check everything, calibrate, and score the float network.

    Raises:
        ConfigError, DataError: as ``hpq_hls.search``.
    """
    _check(request)
    metric = find_metric(request.metric)
    for drop in (request.max_drop, *request.drops):
        metric.check_drop(drop)
    objective, limits = find_objective(request.objective), find_limits(request.limits)
    quantizer = Quantizer(graph, calibration_x, request.quantizer)
    output = scored_output(quantizer.graph, request.output, _pair(validation, "validation")[1])
    x, y = _samples(validation, "validation", metric, quantizer.graph, output)
    scored = None if test is None else _samples(test, "test", metric, quantizer.graph, output)
    space = space_of(
        quantizer.graph,
        request.weight_bits,
        request.activation_bits,
        rounding=request.rounding,
        layers=request.layers,
        groups=request.groups,
        type_of=quantizer.type_of,
        least_weight_width=quantizer.least_weight_width,
        unscored=unscored_layers(quantizer.graph, output),
    )
    typical = quantizer.quantize(space.precision(space.near(TYPICAL_WIDTH)))
    narrow = quantizer.quantize(space.precision(space.near(NARROW_WIDTH)))
    pricing = pricer_of(objective, limits, request.part, request.clock_ns, request.hardware, typical, narrow)
    reference = values_of(quantizer.graph.predict(x), output)
    jobs = memory_shares(request.n_jobs, request.cluster)
    splits = [
        split_rows(len(x), metric.kind, drop, request.confidence)
        for drop in (request.max_drop, *request.drops)
    ]
    split, calibration = splits[0], check_inputs(calibration_x, graph.inputs)
    more = _thinned(calibration, MOST_UNLABELLED)  # risks need no labels
    ground = Ground(graph, quantizer, space, metric, x, y, reference, more, output, calibration)
    view, *others = ground.views(splits)
    task = Task(
        quantizer,
        space,
        ground.everything(),
        y,
        reference,
        view.rows,
        view.gauge,
        metric,
        pricing,
        request.memory_mib,
        output,
        tuple(others),
        jobs,
    )
    score = metric(reference, y)
    aims = aims_of(metric.kind, view.gauge, split, score, request.max_drop, request.confidence)
    strategy = request.strategy
    if strategy == "auto":
        most = few_evaluations(space) if request.effort is Effort.FAST else SMALL_SPACE
        strategy = "exhaustive" if space.size <= most else "sensitivity"
    about = _about(graph, task, request)
    mark = fingerprint({**about, "view": view.mark, "pricing": pricing})
    return Problem(
        request, task, split, aims, strategy, metric, score, scored, view.mark, mark, about, pricing
    )


def _thinned(x: Inputs, most: int) -> Inputs:
    """At most ``most`` of the samples, evenly spaced."""
    return x[np.linspace(0, len(x) - 1, min(most, len(x))).round().astype(int)]


def _about(graph: Graph, task: Task, request: Request) -> dict[str, object]:
    """What people may want to know of a search that they find in a journal."""
    return {
        "version": __version__,
        "network": graph.name,
        "objective": task.pricing.objective.name if isinstance(task.pricing, Pricer) else None,
        "metric": task.metric.name,
        "part": request.part,
        "clock_ns": request.clock_ns,
        "samples": len(task.x),
    }


def _check(request: Request) -> None:
    if request.strategy not in ("auto", *STRATEGIES):
        raise ConfigError(f"there is no strategy {request.strategy!r}; choose auto, {', '.join(STRATEGIES)}")
    if request.evaluations is not None:
        check_whole("evaluations", request.evaluations, 1)
    check_whole("seed", request.seed, 0)
    check_confidence("confidence", request.confidence)
    check_jobs("n_jobs", request.n_jobs)
    check_cluster("cluster", request.cluster)
    if request.cluster is not None and request.n_jobs is not None:
        raise ConfigError("n_jobs and cluster are both given, but a cluster has workers of its own; give one")
    check_number("memory_mib", request.memory_mib, "a number of MiB from 0 on")
    least, most = CLOCKS_NS
    wanted = f"the clock's period in nanoseconds, {least} to {most:,}"
    check_number("clock_ns", request.clock_ns, wanted, least, most)
    check_kind("layers", request.layers, (Mapping, _NOTHING), "a mapping of names of layers to rules")
    check_kind("quantizer", request.quantizer, (QuantizerOptions, _NOTHING), "QuantizerOptions or None")
    check_kind("journal", request.journal, (str, os.PathLike, _NOTHING), "the name of a file, or None")
    functions = (Callable, _NOTHING)
    check_kind("progress", request.progress, functions, "a function, or None")  # type: ignore[arg-type]
    for name in ("resume", "uniform"):
        check_kind(name, getattr(request, name), (bool, np.bool_), "True or False")
    if request.resume and request.journal is None:
        raise ConfigError("resume needs the journal to continue from; give its file as journal")


def _pair(given: Samples, what: str) -> Samples:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise DataError(f"{what} must be a pair (x, y) of inputs and labels; give both")
    return given[0], given[1]


def _samples(
    given: Samples, what: str, metric: Metric, graph: Graph, output: str
) -> tuple[Inputs, npt.NDArray[np.generic]]:
    x, y = _pair(given, what)
    x = check_inputs(x, graph.inputs)
    return x, check_targets(metric, part_of(y, output), len(x), graph.output_shapes[output])
