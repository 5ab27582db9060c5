"""search.finetune: training at the widths that a search chose.

Types and widths stay, but hardware is made of integers: accumulators are as wide as the weights' values need,
and adder graphs are solved for them. So what comes out is priced, and its limits are checked, once more.
"""

from __future__ import annotations

import time
from dataclasses import replace

from hpq_hls.finetune import FinetuneProgress, FinetuneResult, finetune
from hpq_hls.hardware import HardwareConfig
from hpq_hls.search import SearchResult
from hpq_hls.search.limits import exceeded
from hpq_hls.search.metric import Kind, shown
from hpq_hls.search.objective import Pricer, find_objective
from hpq_hls.search.scored import values_of
from hpq_hls.search.significance import TestScore, compare_networks
from hpq_hls.tools.progress import Reporter, Step
from hpq_hls.workflow.results import Tuned
from hpq_hls.workflow.tuned import forget_tuned, keep_tuned
from hpq_hls.workflow.workspace import Workspace, required

UPDATE_S = 0.1


def tune(work: Workspace, found: SearchResult, hardware: HardwareConfig, show: Reporter) -> Tuned:
    """Fine-tune the best network of a search, keep what is better and within the search's limits, and score
    it once on the test split.

    Trains on ``data.train``, or on the calibration data where there is none. hardware: what the search
    estimated for.

    Raises:
        ConfigError, DataError: settings or data that do not suit the network.
    """
    settings, begin = work.project.settings, time.monotonic()
    validation, labels = required(work.validation, work.project, "validation")
    data = work.train or work.calibration
    with show.step(f"Fine-tuning on the {data.split} data") as step:
        result = finetune(
            found.best,
            data.x if data.y is None else (data.x, data.y),
            (validation.x, labels),
            **settings.finetune.model_dump(),
            metric=work.metric,
            output=validation.output,
            seed=settings.search.seed,
            progress=_Telling(step, settings.search.metric),
        )
        pricer = _pricer(work, found, hardware)
        checks = pricer.check(result.best)
        tuned = Tuned(
            accuracy_before=result.accuracy_before,
            accuracy_after=result.accuracy_after,
            epochs=len(result.history),
            best_epoch=result.best_epoch,
            seconds=round(time.monotonic() - begin, 2),
            cost=pricer(result.best).cost,
            limits=tuple(str(check) for check in checks),
            exceeded=exceeded(checks),
            file=None,
            test=None,
        )
        step.conclude(_conclusion(found, tuned))
    forget_tuned(work.project.output)
    if not tuned.used:
        return tuned
    identity = work.identity(found.best_point.precision)
    file = keep_tuned(work.project.output, identity, result.best)
    return replace(tuned, file=file, test=_tested(work, result))


def _pricer(work: Workspace, found: SearchResult, hardware: HardwareConfig) -> Pricer:
    """Prices as the search did: at its folding."""
    wish, chip = work.project.settings.search, work.project.settings.hardware
    bounds = wish.limits.to_limits().bounds(chip.part, chip.clock_ns)
    config = replace(hardware, target_interval=found.target_interval)
    return Pricer(find_objective(wish.objective), bounds, chip.part, chip.clock_ns, config)


def _conclusion(found: SearchResult, tuned: Tuned) -> str:
    after = shown(found.metric, tuned.accuracy_after)
    cost = f"{found.objective} {found.best_point.cost:,.0f} -> {tuned.cost:,.0f}"
    said = f"{shown(found.metric, tuned.accuracy_before)} -> {after} on the validation data, {cost}"
    return f"{said}; not used, as it exceeds {tuned.exceeded}" if tuned.exceeded else said


class _Telling:
    """Says how training stands, some times a second."""

    def __init__(self, step: Step, metric: str) -> None:
        self._step, self._metric, self._told = step, metric, 0.0

    def __call__(self, state: FinetuneProgress) -> None:
        now = time.monotonic()
        if now - self._told < UPDATE_S and state.step < state.steps:
            return
        self._told = now
        best = shown(self._metric, state.accuracy)
        phrase = f"epoch {state.epoch} of {state.epochs}, loss {state.loss:.4g}, best so far {best}"
        self._step.advance(state.step, state.steps, phrase)


def _tested(work: Workspace, result: FinetuneResult) -> TestScore | None:
    data = work.test
    if data is None or data.y is None:
        return None
    return compare_networks(
        work.metric,
        values_of(work.graph.predict(data.x), data.output),
        values_of(result.best.predict(data.x), data.output),
        data.y,
        counts=work.metric.kind is Kind.SHARE,
        seed=work.project.settings.search.seed,
    )
