"""hpq_hls.search: precision combinations, measured exactly -> the cheapest that keeps the accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import joblib
import numpy.typing as npt

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.graph import Graph, check_input
from hpq_hls.hardware import HardwareConfig
from hpq_hls.quantize import Quantizer
from hpq_hls.search.evaluation import Task
from hpq_hls.search.evaluator import JournalledEvaluator
from hpq_hls.search.metric import check_targets, find_metric
from hpq_hls.search.objective import Pricer, find_objective
from hpq_hls.search.result import Progress, SearchResult, pareto_front
from hpq_hls.search.space import ACTIVATION_BITS, WEIGHT_BITS, Space, space_of
from hpq_hls.search.strategies import STRATEGIES, BudgetSpent
from hpq_hls.simulate.simulator import MEMORY_MIB

SMALL_SPACE = 1024
"""Spaces up to this size are enumerated by strategy "auto"."""


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
    seed: int = 0,
    evaluations: int | None = None,
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
    from. seed: for strategies that draw. evaluations: most combinations to evaluate. Every accuracy is
    measured bit-exactly; none is predicted.

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
    pricing = Pricer(find_objective(objective, part, clock_ns, hardware or HardwareConfig(), widest))
    reference = prepared.predict(x)
    float_accuracy = measure(reference, y)
    jobs = joblib.effective_n_jobs(n_jobs)
    task = Task(quantizer, space, x, y, reference, measure, pricing, memory_mib, jobs)
    evaluator = JournalledEvaluator(
        task,
        n_jobs=n_jobs,
        least_accuracy=float_accuracy - max_drop,
        limit=evaluations,
        seed=seed,
        progress=progress,
    )
    if strategy == "auto":
        strategy = "exhaustive" if space.size <= SMALL_SPACE else "greedy"
    interrupted = _run(strategy, space, evaluator)
    best = evaluator.closest() if evaluator.best is None else evaluator.best
    points = evaluator.points
    below = list(space.steps_down(best))
    steps = [key for key in below if key in points]
    return SearchResult(
        best=quantizer.quantize(points[best].precision),
        best_point=points[best],
        feasible=evaluator.best is not None,
        pareto=pareto_front(point for point in points.values() if point.excess == 0),
        points=tuple(points[combination] for combination in sorted(points, reverse=True)),
        evaluations=len(points),
        float_accuracy=float_accuracy,
        max_drop=max_drop,
        objective=objective,
        metric=metric,
        strategy=strategy,
        steps_down=tuple(points[key] for key in steps),
        minimal=evaluator.best is not None and len(steps) == len(below),
        interrupted=interrupted,
    )


def _run(strategy: str, space: Space, evaluator: JournalledEvaluator) -> bool:
    """Run a strategy to its end, or as far as the budget or the user lets it; whether the user ended it."""
    try:
        STRATEGIES[strategy].run(space, evaluator)
    except BudgetSpent:
        return False
    except KeyboardInterrupt:
        if not evaluator.points:
            raise
        return True
    return False
