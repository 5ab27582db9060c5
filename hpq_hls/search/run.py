"""hpq_hls.search: precision combinations, measured exactly -> the cheapest that keeps the accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import joblib
import numpy.typing as npt

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.graph import Graph, check_input
from hpq_hls.hardware import HardwareConfig
from hpq_hls.quantize import Quantizer
from hpq_hls.search.evaluation import Measurement, Task, Worker, measure_all
from hpq_hls.search.metric import check_targets, find_metric
from hpq_hls.search.objective import find_objective
from hpq_hls.search.result import Point, Progress, SearchProgress, SearchResult, pareto_front
from hpq_hls.search.space import Combination, space_of
from hpq_hls.search.strategies import STRATEGIES
from hpq_hls.simulate.simulator import MEMORY_MIB

WEIGHT_BITS = (2, 3, 4, 6, 8)
ACTIVATION_BITS = (3, 4, 6, 8)
SMALL_SPACE = 1024
"""Spaces up to this size are enumerated by strategy "auto"."""


class _Evaluator:
    """Measures combinations, each once."""

    def __init__(
        self, task: Task, n_jobs: int | None, least_accuracy: float, progress: Progress | None
    ) -> None:
        self._task, self._n_jobs, self._least = task, n_jobs, least_accuracy
        self._worker = Worker(task)
        self._progress = progress
        self.points: dict[Combination, Point] = {}
        self.best: Point | None = None

    def evaluate(self, combinations: Iterable[Combination], expected: int | None = None) -> list[Point]:
        wanted = list(combinations)
        unknown = [combination for combination in dict.fromkeys(wanted) if combination not in self.points]
        measured: dict[Combination, Measurement] = {}
        for portion in measure_all(self._task, self._worker, unknown, self._n_jobs):
            measured.update(portion)
            for combination in portion:
                self._add(combination, portion[combination])
            if self._progress is not None:
                self._progress(SearchProgress(len(self.points), expected, self.best))
        return [self.points[combination] for combination in wanted]

    def feasible(self, point: Point) -> bool:
        return point.accuracy >= self._least

    def _add(self, combination: Combination, found: Measurement) -> None:
        precision = self._task.space.precision(combination)
        point = Point(found.accuracy, found.cost, precision, found.weight_bits)
        self.points[combination] = point
        if self.feasible(point) and (self.best is None or _order(point) < _order(self.best)):
            self.best = point


def _order(point: Point) -> tuple[float, float, int]:
    return point.cost, -point.accuracy, point.weight_bits


def search(
    graph: Graph,
    calibration_x: npt.ArrayLike,
    validation: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    max_drop: float = 0.01,
    objective: str = "lut",
    strategy: str = "auto",
    weight_bits: Sequence[int] = WEIGHT_BITS,
    activation_bits: Sequence[int] = ACTIVATION_BITS,
    metric: str = "top1",
    seed: int = 0,  # noqa: ARG001  (these strategies draw nothing)
    part: str = "xc7z020clg400-1",
    clock_ns: float = 5.0,
    hardware: HardwareConfig | None = None,
    n_jobs: int | None = None,
    memory_mib: float = MEMORY_MIB,
    progress: Progress | None = None,
) -> SearchResult:
    """Find the cheapest per-layer precisions that keep the accuracy.

    graph: the float network. calibration_x: (batch, *input_shape). validation: (x, y), y class
    numbers (metric "top1") or targets (metric "mse"). max_drop: how much of the float network's
    accuracy may be lost, absolute. objective: "lut" (LUTs, a DSP counting as 55), "ff", "dsp",
    "bram", "latency", "weight_bits" or "bops". strategy: "exhaustive", "greedy", or "auto", which
    enumerates spaces of up to 1,024 combinations. weight_bits, activation_bits: the widths to choose
    from. seed: kept for strategies that draw; these two do not. Every accuracy is measured
    bit-exactly; none is predicted.

    n_jobs: combinations measured at the same time, as in joblib: None is 1, or what the surrounding
    ``joblib.parallel_config`` says (a Dask or Ray cluster); -1 is one per processor. The result is the
    same. memory_mib: most memory in which they all keep the values of layers, so that a combination
    starts where it first differs from others.

    Raises:
        ConfigError: an unknown objective, metric or strategy, or an impossible width or drop.
        DataError: data that does not fit the network.
    """
    if not 0 <= max_drop <= 1 and metric == "top1":
        raise ConfigError(f"max_drop is {max_drop}; it is a share of accuracy from 0 to 1")
    if strategy != "auto" and strategy not in STRATEGIES:
        raise ConfigError(f"there is no strategy {strategy!r}; choose auto, {', '.join(STRATEGIES)}")
    if n_jobs == 0:
        raise ConfigError("n_jobs is 0; give a number of jobs, or -1 for one per processor")
    if not 0 <= memory_mib < math.inf:
        raise ConfigError(f"memory_mib is {memory_mib}; give a number of MiB from 0 on")
    measure = find_metric(metric)
    quantizer = Quantizer(graph, calibration_x)
    prepared = quantizer.graph
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise DataError("validation must be a pair (x, y) of inputs and labels; give both")
    x = check_input(validation[0], prepared.input_shape, prepared.input_name)
    y = check_targets(metric, validation[1], len(x), prepared.output_shape)
    space = space_of(prepared, weight_bits, activation_bits)
    widest = quantizer.quantize(space.precision(space.widest))
    price = find_objective(objective, part, clock_ns, hardware or HardwareConfig(), widest)
    float_accuracy = measure(prepared.predict(x), y)
    task = Task(quantizer, space, x, y, measure, price, memory_mib, joblib.effective_n_jobs(n_jobs))
    evaluator = _Evaluator(task, n_jobs, float_accuracy - max_drop, progress)
    if strategy == "auto":
        strategy = "exhaustive" if space.size <= SMALL_SPACE else "greedy"
    STRATEGIES[strategy].run(space, evaluator)
    points = tuple(evaluator.points[combination] for combination in sorted(evaluator.points, reverse=True))
    best = evaluator.best or min(points, key=lambda point: (-point.accuracy, *_order(point)))
    return SearchResult(
        best=quantizer.quantize(best.precision),
        best_point=best,
        feasible=evaluator.best is not None,
        pareto=pareto_front(points),
        points=points,
        evaluations=len(points),
        float_accuracy=float_accuracy,
        max_drop=max_drop,
        objective=objective,
        metric=metric,
        strategy=strategy,
    )
