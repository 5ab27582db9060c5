"""search.finetune: training at the widths that a search chose."""

from __future__ import annotations

import time

from hpq_hls.finetune import FinetuneProgress, FinetuneResult, finetune
from hpq_hls.search import SearchResult
from hpq_hls.search.metric import Kind, shown
from hpq_hls.search.significance import TestScore, compare_networks
from hpq_hls.workflow.progress import Reporter, Step
from hpq_hls.workflow.results import Tuned
from hpq_hls.workflow.tuned import forget_tuned, keep_tuned
from hpq_hls.workflow.workspace import Workspace, required

UPDATE_S = 0.1


def tune(work: Workspace, found: SearchResult, show: Reporter) -> Tuned:
    """Fine-tune the best network of a search, keep what is better, and score it once on the test split.

    Trains on ``data.train``, or on the calibration data where there is none.

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
            seed=settings.search.seed,
            progress=_Telling(step, settings.search.metric),
        )
        after = shown(result.metric, result.accuracy_after)
        step.conclude(f"{shown(result.metric, result.accuracy_before)} -> {after} on the validation data")
    forget_tuned(work.project.output)
    file = None
    if result.best_epoch:
        identity = work.identity(found.best_point.precision)
        file = keep_tuned(work.project.output, identity, result.best)
    return Tuned(
        accuracy_before=result.accuracy_before,
        accuracy_after=result.accuracy_after,
        epochs=len(result.history),
        best_epoch=result.best_epoch,
        seconds=round(time.monotonic() - begin, 2),
        file=file,
        test=_tested(work, result),
    )


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
        work.graph.predict(data.x),
        result.best.predict(data.x),
        data.y,
        counts=work.metric.kind is Kind.SHARE,
        seed=work.project.settings.search.seed,
    )
