"""hpq_hls.search: precision combinations, measured exactly -> the cheapest that keeps the accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.graph import Graph, check_input
from hpq_hls.hardware import HardwareConfig
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize import Quantizer
from hpq_hls.search.metric import Metric, check_targets, find_metric
from hpq_hls.search.objective import Objective, find_objective
from hpq_hls.search.result import Point, Progress, SearchProgress, SearchResult, pareto_front
from hpq_hls.search.space import Combination, Space, space_of
from hpq_hls.search.strategies import STRATEGIES

WEIGHT_BITS = (2, 3, 4, 6, 8)
ACTIVATION_BITS = (3, 4, 6, 8)
SMALL_SPACE = 1024
"""Spaces up to this size are enumerated by strategy "auto"."""


class _Evaluator:
    """Quantizes, simulates and prices combinations, each once."""

    def __init__(
        self,
        quantizer: Quantizer,
        space: Space,
        validation: tuple[FloatArray, npt.NDArray[np.generic]],
        metric: Metric,
        objective: Objective,
        least_accuracy: float,
        progress: Progress | None,
    ) -> None:
        self._quantizer, self._space, self._validation = quantizer, space, validation
        self._metric, self._objective, self._least = metric, objective, least_accuracy
        self._progress = progress
        self.points: dict[Combination, Point] = {}
        self.best: Point | None = None

    def evaluate(self, combinations: Iterable[Combination], expected: int | None = None) -> list[Point]:
        return [self._measure(combination, expected) for combination in combinations]

    def feasible(self, point: Point) -> bool:
        return point.accuracy >= self._least

    def _measure(self, combination: Combination, expected: int | None) -> Point:
        if combination in self.points:
            return self.points[combination]
        precision = self._space.precision(combination)
        q = self._quantizer.quantize(precision)
        accuracy = self._metric(q.predict(self._validation[0]), self._validation[1])
        point = Point(accuracy, self._objective(q), precision, q.weight_bits)
        self.points[combination] = point
        if self.feasible(point) and (self.best is None or _order(point) < _order(self.best)):
            self.best = point
        if self._progress is not None:
            self._progress(SearchProgress(len(self.points), expected, self.best))
        return point


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

    Raises:
        ConfigError: an unknown objective, metric or strategy, or an impossible width or drop.
        DataError: data that does not fit the network.
    """
    if not 0 <= max_drop <= 1 and metric == "top1":
        raise ConfigError(f"max_drop is {max_drop}; it is a share of accuracy from 0 to 1")
    if strategy != "auto" and strategy not in STRATEGIES:
        raise ConfigError(f"there is no strategy {strategy!r}; choose auto, {', '.join(STRATEGIES)}")
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
    evaluator = _Evaluator(quantizer, space, (x, y), measure, price, float_accuracy - max_drop, progress)
    if strategy == "auto":
        strategy = "exhaustive" if space.size <= SMALL_SPACE else "greedy"
    STRATEGIES[strategy].run(space, evaluator)
    points = tuple(evaluator.points.values())
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
