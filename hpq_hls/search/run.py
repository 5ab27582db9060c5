"""hpq_hls.search: precision combinations, measured exactly -> the cheapest that keeps the accuracy."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpq_hls.fixed import Rounding
from hpq_hls.graph import Graph
from hpq_hls.hardware import HardwareConfig, check_utilisation, target_of
from hpq_hls.quantize import QuantizerOptions
from hpq_hls.search.arguments import check_kind
from hpq_hls.search.confirmation import Confirmation, Evidence, confirm
from hpq_hls.search.evaluator import JournalledEvaluator
from hpq_hls.search.executors import executor_for
from hpq_hls.search.gauge import gauge_of
from hpq_hls.search.interrupt import Interruption
from hpq_hls.search.journal import SqliteJournal
from hpq_hls.search.limits import Limits, exceeded
from hpq_hls.search.metric import Function, Metric
from hpq_hls.search.point import ROUNDING_ERROR, Point
from hpq_hls.search.problem import Effort, Problem, Request, Samples, find_effort, prepare_problem
from hpq_hls.search.result import Progress, SearchResult, pareto_front
from hpq_hls.search.scored import values_of
from hpq_hls.search.significance import TestScore, compare_networks
from hpq_hls.search.space import ACTIVATION_BITS, WEIGHT_BITS, Combination
from hpq_hls.search.strategies import STRATEGIES, BudgetSpent
from hpq_hls.search.telling import progress_of
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.simulate.simulator import MEMORY_MIB


def search(
    graph: Graph,
    calibration_x: Any,
    validation: Samples,
    *,
    test: Samples | None = None,
    max_drop: float = 0.01,
    drops: Sequence[float] = (),
    confidence: float | None = 0.9,
    objective: str | Mapping[str, float] = "lut",
    strategy: str = "sensitivity",
    effort: str | Effort = "full",
    weight_bits: Sequence[int] = WEIGHT_BITS,
    activation_bits: Sequence[int] = ACTIVATION_BITS,
    rounding: Sequence[Rounding | str] = (),
    layers: Mapping[str, Mapping[str, Any]] | None = None,
    groups: Sequence[Sequence[str]] = (),
    limits: Limits | Mapping[str, Any] | None = None,
    metric: str | Function | Metric = "top1",
    output: str | None = None,
    quantizer: QuantizerOptions | None = None,
    seed: int = 0,
    evaluations: int | None = None,
    part: str = "xc7z020clg400-1",
    clock_ns: float = 5.0,
    hardware: HardwareConfig | None = None,
    target_interval: int | None = None,
    target_fps: float | None = None,
    utilisation: float | None = None,
    n_jobs: int | None = None,
    cluster: Any = None,
    memory_mib: float = MEMORY_MIB,
    journal: str | Path | None = None,
    resume: bool = False,
    uniform: bool = False,
    progress: Progress | bool | None = None,
) -> SearchResult:
    """Find the cheapest per-layer precisions that keep the accuracy.

    graph: the float network. calibration_x: (batch, *input_shape). validation: (x, y), y class
    numbers or targets as the metric takes them. metric: "top1", "top5" (any number), "auc", "mse", "mae",
    "package.module:function", or a function (outputs, targets) -> float; larger is better, errors count
    negative. Several inputs are given by name, or as a tuple in order.

    output: of a network with several, the one that is scored; None: the one that y is given for as a mapping
    by name, else the first. Layers that it does not depend on keep the widest choice, unless ``layers`` says
    otherwise. What the other outputs lose is not looked at.

    max_drop: how much of the float network's score may be lost, absolute. confidence: the probability that
    the drop on data that nobody has seen is within it. A part of the validation samples is held back to
    show that (see ``SearchResult.certified``, ``drop_bound`` and ``confirmation``). None: the drop on the
    validation data is within ``max_drop``, as it is counted and, if any network allows, as a ``Gauge`` reads
    it; nothing is shown of other data. drops: what other searches with the same ``journal`` will allow; what
    they want to know of a combination is kept there too (see ``hpq_hls.explore``).

    objective: "lut" (LUTs, a DSP counting as 55), "ff", "dsp", "bram", "weight_bits", "bops", "throughput"
    (or "interval") or "latency": with these two the folding is found too, and the result is the fastest
    design that fits the part; or a mapping of several to their weights in a sum. limits: see ``Limits``.
    part, clock_ns, hardware: what costs and limits are estimated for, all networks at one folding (see
    ``pricer_of`` and ``SearchResult.target_interval``). target_interval (cycles per inference), target_fps
    (inferences per second) and utilisation (share of the part, 0.8): instead of those of ``hardware``.
    quantizer: as ``hpq_hls.quantize`` takes it.

    strategy: "sensitivity" (measured degradation curves, an integer program, refinement on the truth),
    "exhaustive" (every combination), "greedy" (bit descent), "evolutionary" (NSGA-II; needs optuna), or
    "auto", which is exhaustive for up to 1,024 combinations and sensitivity for more.
    weight_bits, activation_bits: the widths to choose from; rounding: the modes to choose from at each
    layer's output; layers, groups: what differs by layer, and which layers share a type (see ``space_of``).
    effort: "full", or "fast" for about 100 evaluations; "exhaustive" and "greedy" go to their ends anyway.
    seed: for strategies that draw. evaluations: most combinations to
    evaluate; None: what the strategy thinks right (see ``Strategy.evaluations``), at most 5 % of a large
    space. Every accuracy is measured bit-exactly; none is predicted.

    test: (x, y) that the best network and the float one are scored on once, when the search is over; it has
    no part in the search. uniform: also measure the same width everywhere, for each width that all layers
    may have (``SearchResult.uniform``); no part of the search either.

    n_jobs: combinations measured at the same time, as in joblib: None is 1, or what the surrounding
    ``joblib.parallel_config`` says; -1 is one per processor. cluster: instead of that, the address of a Dask
    scheduler ("tcp://host:8786"), a ``distributed.Client``, or "ray" for the Ray cluster of this machine
    (see docs/clusters.md); its workers may fail, join and leave. The result is the same. memory_mib: most
    memory in which all jobs (each worker of a cluster) keep the values of layers, so that a combination
    starts where it first differs from others.

    journal: an SQLite file in which every evaluation is kept as it is made (see ``SqliteJournal``).
    resume: take over what an earlier search of the same network, data and settings left there, instead of
    measuring it again. Limits of drop and evaluations, strategy and seed may differ. Of a search for another
    objective, part or clock on the same samples the accuracies are taken over. The result is that of an
    uninterrupted search of its own.

    progress: a function that is told how the search stands; False: nothing is shown; None: a line on standard
    error, on a terminal and in a notebook (see ``hpq_hls.tools.console.Wish``).

    Ctrl-C ends the search after the evaluations in flight, and the result is the best so far
    (``SearchResult.interrupted``); a second Ctrl-C is a KeyboardInterrupt.

    Raises:
        ConfigError: an unknown objective, metric or strategy, or an impossible width or drop.
        DataError: data that does not fit the network. OutputError: a journal that cannot be used.
        ToolError: a cluster that cannot be reached, or workers that end before their time.
    """
    check_kind("hardware", hardware, (HardwareConfig, type(None)), "a HardwareConfig or None")
    hardware = hardware or HardwareConfig()
    target = target_of(target_interval, target_fps, clock_ns)
    hardware = replace(
        hardware,
        part=part,
        target_interval=hardware.target_interval if target is None else target,
        utilisation=hardware.utilisation if utilisation is None else check_utilisation(utilisation),
    )
    request = Request(
        max_drop=max_drop,
        drops=drops,
        confidence=confidence,
        effort=find_effort(effort),
        objective=objective,
        strategy=strategy,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        rounding=rounding,
        layers=layers,
        groups=groups,
        limits=limits,
        metric=metric,
        output=output,
        quantizer=quantizer,
        seed=seed,
        evaluations=evaluations,
        part=part,
        clock_ns=clock_ns,
        hardware=hardware,
        n_jobs=n_jobs,
        cluster=cluster,
        memory_mib=memory_mib,
        journal=journal,
        resume=resume,
        uniform=uniform,
        progress=None if isinstance(progress, bool) else progress,
    )
    problem = prepare_problem(graph, calibration_x, validation, test, request)
    with progress_of(progress, journal) as telling:
        return run_problem(replace(problem, request=replace(request, progress=telling)))


def run_problem(problem: Problem) -> SearchResult:
    """Search."""
    request = problem.request
    with contextlib.ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        journal = None
        if request.journal is not None:
            journal = stack.enter_context(
                SqliteJournal(
                    request.journal,
                    problem.fingerprint,
                    problem.space,
                    problem.about,
                    resume=request.resume,
                    views=(problem.view, *(other.mark for other in problem.task.others)),
                )
            )
        executor = stack.enter_context(executor_for(request.n_jobs, request.cluster))
        evaluator = JournalledEvaluator(
            problem.task,
            executor=executor,
            aims=problem.aims,
            limit=problem.limit,
            seed=request.seed,
            journal=journal,
            progress=request.progress,
            stop=interruption.check,
            float_accuracy=problem.float_accuracy,
        )
        interrupted = _explore(problem, evaluator, interruption)
        uniform: tuple[Point, ...] = ()
        if request.uniform and not interrupted:
            with contextlib.suppress(KeyboardInterrupt):  # nothing that the result needs
                uniform = tuple(evaluator.aside(uniform_combinations(problem)))
        return _result(problem, evaluator, uniform, interrupted)


def _explore(problem: Problem, evaluator: JournalledEvaluator, interruption: Interruption) -> bool:
    """Run the strategy to its end, or as far as the budget or the user lets it; whether the user ended it."""
    try:
        STRATEGIES[problem.strategy].run(problem.space, evaluator)
    except BudgetSpent:
        return False
    except KeyboardInterrupt:
        if interruption.insisted or not evaluator.points:
            raise
        return True
    except Exception:
        # A worker that was just starting may hear Ctrl-C after all, which breaks joblib's pool.
        if not interruption.requested or interruption.insisted or not evaluator.points:
            raise
        return True
    return False


def uniform_combinations(problem: Problem) -> list[Combination]:
    """The combinations of one width everywhere, widest first."""
    space = problem.space
    widths = {
        int(width) for variable in space.variables for width in variable.choices if isinstance(width, int)
    }
    found = [(width, space.near(width)) for width in sorted(widths, reverse=True)]
    return [
        combination
        for width, combination in found
        if all(
            variable.choices[position] == width or not isinstance(variable.choices[position], int)
            for variable, position in zip(space.variables, combination, strict=True)
        )
    ]


def _result(
    problem: Problem, evaluator: JournalledEvaluator, uniform: tuple[Point, ...], interrupted: bool
) -> SearchResult:
    points, request = evaluator.points, problem.request
    best, feasible, confirmation = chosen(problem, evaluator)
    below = list(problem.space.steps_down(best))
    if not interrupted and confirmation is not None:
        _complete(evaluator, below)
    steps = [key for key in below if key in points]
    network = problem.task.quantizer.quantize(points[best].precision)
    pricer, _ = problem.settled(points[best].precision)
    (best_point,) = _settled(problem, [points[best]])
    checks = pricer.check(network)
    front = pareto_front(point for point in points.values() if point.excess == 0)
    return SearchResult(
        best=network,
        best_point=best_point,
        feasible=feasible and not exceeded(checks),
        pareto=pareto_front(_settled(problem, front)),
        points=tuple(points[combination] for combination in sorted(points, reverse=True)),
        evaluations=len(points),
        float_accuracy=problem.float_accuracy,
        max_drop=request.max_drop,
        objective=problem.pricer.objective.name,
        metric=problem.metric.name,
        strategy=problem.strategy,
        steps_down=tuple(points[key] for key in steps),
        minimal=feasible
        and len(steps) == len(below)
        and not any(evaluator.improves(points[key]) for key in steps),
        interrupted=interrupted,
        narrower=len(below),
        resumed=evaluator.resumed,
        shared=evaluator.shared,
        uniform=_settled(problem, uniform),
        test=_tested(problem, network),
        limits=checks,
        target_interval=pricer.config.target_interval,
        confidence=request.confidence,
        confirmation=confirmation,
    )


def _settled(problem: Problem, points: Iterable[Point]) -> tuple[Point, ...]:
    """Points with the costs of their networks as they would be built."""
    costs = [(point, problem.settled(point.precision)[1].cost) for point in points]
    return tuple(point if point.cost == cost else replace(point, cost=cost) for point, cost in costs)


def chosen(problem: Problem, evaluator: JournalledEvaluator) -> tuple[Combination, bool, Confirmation | None]:
    """The combination that is the result, whether it keeps the accuracy on the validation data and all
    limits, and what was shown of it."""
    confidence = problem.request.confidence
    evaluator.aim(problem.aims.levels[0])
    least = problem.float_accuracy - problem.request.max_drop - ROUNDING_ERROR
    points = evaluator.points
    counted = [key for key in points if points[key].accuracy >= least and evaluator.within(points[key])]
    if not counted:
        return evaluator.closest(), False, None
    if confidence is None:
        best = _spare(counted, evaluator, evaluator.least_score - ROUNDING_ERROR)
        evaluator.aim(min(evaluator.least_score, evaluator.score(points[best])))
        return best, True, None
    found: dict[Combination, float] = {}  # and the level, the safest first
    first = 0
    for index, level in enumerate(problem.aims.path):
        evaluator.aim(level)
        if index == problem.aims.first:
            first = len(found)
        if evaluator.best is not None:
            found.setdefault(evaluator.best, level)
    first = min(first, len(found) - 1) if found else 0
    spare = _spare(counted, evaluator, min(problem.aims.levels))
    candidates, task = [*found, spare], problem.task
    evidence = Evidence(
        metric=problem.metric,
        reference=task.reference,
        targets=task.targets,
        gauge=gauge_of(problem.metric, task.reference, task.targets, like=task.gauge),
        outputs=functools.lru_cache(lambda number: evaluator.outputs(candidates[number])),
        draws=problem.request.seed,
    )
    drop = problem.request.max_drop
    number, shown = confirm(len(found), first, problem.split, evidence, drop, confidence, len(points))
    best = candidates[number]
    evaluator.aim(found.get(best, evaluator.score(points[best])))
    return best, True, shown


def _spare(counted: list[Combination], evaluator: JournalledEvaluator, least: float) -> Combination:
    """Of combinations that keep the accuracy as it is counted, the cheapest of a score of ``least``; the one
    of the best score where none has it."""
    score = {key: evaluator.score(evaluator.points[key]) for key in counted}
    good = [key for key in counted if score[key] >= least]
    return min(good, key=evaluator.order) if good else max(counted, key=lambda key: (score[key], key))


def _complete(evaluator: JournalledEvaluator, steps: list[Combination]) -> None:
    """Measure what the certificate of a confirmed network still lacks, if there are evaluations left."""
    missing = [key for key in steps if key not in evaluator.points]
    if evaluator.remaining is None or evaluator.remaining >= len(missing):
        with contextlib.suppress(KeyboardInterrupt):
            evaluator.evaluate(missing)


def _tested(problem: Problem, network: QuantizedGraph) -> TestScore | None:
    """Both networks on the test set, which is looked at here and nowhere else."""
    if problem.test is None:
        return None
    x, y = problem.test
    return compare_networks(
        problem.metric,
        values_of(problem.task.quantizer.graph.predict(x), problem.task.output),
        values_of(network.predict(x), problem.task.output),
        y,
        counts=problem.counts,
        seed=problem.request.seed,
    )
