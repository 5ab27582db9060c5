"""How good a network's outputs are. Every metric is a number of which more is better."""

from __future__ import annotations

import contextlib
import difflib
import enum
import functools
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.importing import brief, foreign_code, importable, imported
from hpq_hls.ops.base import FloatArray, Shape
from hpq_hls.search.errors import SettingError

Targets = npt.NDArray[np.generic]
Function = Callable[[FloatArray, Any], Any]

METRICS = ("top1", "mse", "mae", "auc")
"""Metrics with a name of their own; there are also "top2", "top3", ... and "package.module:function"."""
_TOP = re.compile(r"top([1-9][0-9]{0,5})")


class Kind(enum.Enum):
    """What a metric's number is.

    SHARE: of right answers, 0 to 1. AREA: under the ROC curve, 0 to 1. LOSS: minus an error. FREE: whatever a
    function of the user's own returns.
    """

    SHARE = enum.auto()
    AREA = enum.auto()
    LOSS = enum.auto()
    FREE = enum.auto()


@dataclass(frozen=True, eq=False)
class Metric(ABC):
    """Scores outputs, (batch, *output_shape), by targets that ``check_targets`` made; larger is better."""

    name: str

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """What the number is."""

    @abstractmethod
    def __call__(self, outputs: FloatArray, targets: Targets) -> float:
        """The score; finite."""

    def targets(self, y: Targets, output_shape: Shape) -> Targets:
        """y, as long as x and of finite numbers, as this metric takes it.

        Raises:
            DataError: it is not what the metric needs.
        """
        return y

    def check_drop(self, max_drop: float) -> None:
        """See the function ``check_drop``."""
        check_drop(self.kind, max_drop)


@dataclass(frozen=True, eq=False)
class TopK(Metric):
    """Share of samples whose labelled class is among the k largest outputs; the first of equals counts."""

    k: int

    @property
    def kind(self) -> Kind:
        return Kind.SHARE

    def __call__(self, outputs: FloatArray, targets: Targets) -> float:
        flat = outputs.reshape(len(outputs), -1)
        if self.k == 1:
            return float((flat.argmax(axis=1) == targets).mean())
        labels = targets.astype(np.int64)[:, None]
        own = np.take_along_axis(flat, labels, axis=1)
        before = (flat > own) | ((flat == own) & (np.arange(flat.shape[1]) < labels))
        return float((before.sum(axis=1) < self.k).mean())

    def targets(self, y: Targets, output_shape: Shape) -> Targets:
        classes = math.prod(output_shape)
        if self.k > 1 and self.k >= classes:
            raise DataError(
                f"metric {self.name} is always 1 for a network with {classes} outputs; choose a smaller k"
            )
        return _labels(self.name, y, classes)


@dataclass(frozen=True, eq=False)
class Loss(Metric):
    """Minus the mean squared ("mse") or the mean absolute error ("mae"), over all outputs and samples."""

    @property
    def kind(self) -> Kind:
        return Kind.LOSS

    def __call__(self, outputs: FloatArray, targets: Targets) -> float:
        flat = outputs.reshape(len(outputs), -1)
        difference = flat - targets.reshape(flat.shape).astype(np.float64)
        each = np.abs(difference) if self.name == "mae" else np.square(difference)
        return -float(each.mean())

    def targets(self, y: Targets, output_shape: Shape) -> Targets:
        if y.size != len(y) * math.prod(output_shape):
            raise DataError(f"y has shape {y.shape} but the network's output is (batch, {output_shape})")
        return y


@dataclass(frozen=True, eq=False)
class RocAuc(Metric):
    """Area under the ROC curve, exactly: the share of pairs of a sample of the class and one of another
    whose scores are in the right order, equal ones counting half (Hanley and McNeil 1982).

    One output scores class 1 against class 0; of two, their difference does. More are taken one class against
    the rest, each by its own output, and the mean is over the classes that occur.
    """

    @property
    def kind(self) -> Kind:
        return Kind.AREA

    def __call__(self, outputs: FloatArray, targets: Targets) -> float:
        flat = outputs.reshape(len(outputs), -1)
        classes = flat.shape[1]
        if classes <= 2:
            return area_under_roc(flat[:, 0] if classes == 1 else flat[:, 1] - flat[:, 0], targets == 1)
        areas = [area_under_roc(flat[:, number], targets == number) for number in np.unique(targets)]
        return float(np.mean(areas))

    def targets(self, y: Targets, output_shape: Shape) -> Targets:
        labels = _labels(self.name, y, max(math.prod(output_shape), 2))
        if len(np.unique(labels)) < 2:
            raise DataError(
                f"y holds class {labels[0]} only; metric auc needs samples of two classes or more"
            )
        return labels


def area_under_roc(scores: FloatArray, positive: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve by rank sums; there are samples of both kinds.

    scores, positive: (samples,). Ranks are whole or half numbers, so that the result is exact but for one
    division.
    """
    count = int(positive.sum())
    pairs = count * (len(positive) - count)
    return float((scipy.stats.rankdata(scores)[positive].sum() - count * (count + 1) / 2) / pairs)


@dataclass(frozen=True, eq=False)
class FunctionMetric(Metric):
    """A function of the user's own: (outputs, targets) -> a number of which more is better.

    folder: where not None, the function was imported by ``name`` with this folder first on the import path,
    and another process that gets this metric does the same (``function`` is None there until then).
    """

    function: Function | None = None
    folder: Path | None = field(default=None, init=False)  # no part of what the metric is

    @property
    def kind(self) -> Kind:
        return Kind.FREE

    def __getstate__(self) -> dict[str, Any]:
        by_name = {"function": None} if self.folder is not None else {}
        return {**self.__dict__, **by_name}

    def __call__(self, outputs: FloatArray, targets: Targets) -> float:
        if self.function is None:
            object.__setattr__(self, "function", _imported(self.name, self.folder))
        assert self.function is not None
        try:
            with foreign_code():
                score = float(self.function(outputs, targets))
        except Exception as error:  # anything can come out of user code
            raise SettingError(
                ("metric",),
                f"is {self.name}, which fails with {brief(error)}; it must return a number for "
                "(outputs, targets)",
            ) from error
        if not math.isfinite(score):
            raise SettingError(("metric",), f"is {self.name}, which returned {score}; it must be finite")
        return score


def find_metric(metric: str | Function | Metric, folder: Path | None = None) -> Metric:
    """The metric that is meant: a name, "package.module:function", or a function.

    folder: first on the import path while the function is imported.

    Raises:
        SettingError: there is none of the name, or it cannot be imported.
    """
    if isinstance(metric, Metric):
        return metric
    if not isinstance(metric, str):
        if not callable(metric):
            raise SettingError(("metric",), f"is {metric!r}; give a name or a function")
        where = getattr(metric, "__module__", type(metric).__module__)
        name = getattr(metric, "__qualname__", type(metric).__qualname__)
        return FunctionMetric(f"{where}:{name}", metric)
    try:
        made = _named(check_name(metric))
    except ValueError as error:
        raise SettingError(("metric",), str(error)) from None
    if made is not None:
        return made
    own = FunctionMetric(metric, _imported(metric, folder))
    object.__setattr__(own, "folder", folder)
    return own


def check_name(name: str) -> str:
    """The name, if it can be one of a metric.

    Raises:
        ValueError: it cannot; the text is the rest of a sentence that starts with the setting's name.
    """
    if _named(name) is None and not all(name.partition(":")):
        close = difflib.get_close_matches(name, METRICS, n=1)
        known = f"choose one of {', '.join(METRICS)}, top5 (any number), or package.module:function"
        raise ValueError(f"is {name!r}; {f'did you mean {close[0]!r}?' if close else known}")
    return name


def check_targets(metric: str | Metric, y: npt.ArrayLike, samples: int, output_shape: Shape) -> Targets:
    """Labels or targets as an array that the metric can use; a function of the user's own is not imported.

    Raises:
        DataError: wrong number, shape or type, a label that is no class, or a value that is not finite.
    """
    if hasattr(y, "detach"):
        y = y.detach().cpu().numpy()
    targets = np.asarray(y)
    if targets.dtype.kind not in "fiub" or (targets.dtype.kind == "f" and not np.isfinite(targets).all()):
        raise DataError(f"y must hold finite numbers, not {targets.dtype}; clean or encode the labels first")
    if len(targets.reshape(-1)) == 0 or targets.shape[:1] != (samples,):
        raise DataError(
            f"y has shape {targets.shape} but x has {samples} samples; give one label for each sample"
        )
    known = metric if isinstance(metric, Metric) else _named(metric)
    return targets if known is None else known.targets(targets, output_shape)


def check_drop(kind: Kind, max_drop: float) -> None:
    """Whether so much of a score may be allowed to be lost.

    Raises:
        SettingError: it may not.
    """
    number = isinstance(max_drop, (int, float)) and not isinstance(max_drop, bool)
    most = 1.0 if kind in (Kind.SHARE, Kind.AREA) else np.finfo(float).max
    if not number or not 0 <= max_drop <= most:
        means = {
            Kind.SHARE: "a share of accuracy from 0 to 1",
            Kind.AREA: "a part of the area under the curve from 0 to 1",
            Kind.LOSS: "by how much the error may grow, from 0 on",
            Kind.FREE: "by how much the score may fall, from 0 on",
        }
        raise SettingError(("max_drop",), f"is {max_drop}; it is {means[kind]}")


@functools.cache
def _named(name: str) -> Metric | None:
    """A metric with a name of its own; None if there is none of this name."""
    top = _TOP.fullmatch(name)
    if top:
        return TopK(name, int(top[1]))
    return Loss(name) if name in ("mse", "mae") else RocAuc(name) if name == "auc" else None


def _imported(name: str, folder: Path | None) -> Function:
    try:
        with importable(folder) if folder else contextlib.nullcontext():
            found = imported(name)
    except ConfigError as error:
        raise SettingError(("metric",), str(error)) from error
    if not callable(found):
        raise SettingError(("metric",), f"names {name}, which is a {type(found).__name__} and no function")
    return found  # type: ignore[no-any-return]  # called and checked by FunctionMetric


def _labels(metric: str, y: Targets, classes: int) -> npt.NDArray[np.int64]:
    if y.ndim != 1:
        raise DataError(f"y has shape {y.shape}; metric {metric} takes class numbers of shape ({len(y)},)")
    labels = y.astype(np.int64)
    if (labels != y).any() or labels.min() < 0 or labels.max() >= classes:
        raise DataError(f"y must hold class numbers from 0 to {classes - 1}, the network's outputs")
    return labels


# ---------------------------------------------------------------------------------------------
# For people


def kind_of(name: str) -> Kind:
    """What the numbers of the metric called ``name`` are; nothing is imported."""
    known = _named(name)
    return Kind.FREE if known is None else known.kind


def title(name: str) -> str:
    """What ``shown`` shows, as a heading."""
    if name == "top1":
        return "accuracy"
    match kind_of(name):
        case Kind.SHARE:
            return f"top-{name.removeprefix('top')} accuracy"
        case Kind.AREA:
            return "ROC-AUC"
        case Kind.LOSS:
            return f"{name.upper()} (smaller is better)"
        case Kind.FREE:
            return f"score ({name}, larger is better)"


def shown(name: str, value: float) -> str:
    """A score as people read it: a share in percent, a loss without its minus sign."""
    match kind_of(name):
        case Kind.SHARE:
            return f"{100 * value:.2f} %"
        case Kind.AREA:
            return f"{value:.4f}"
        case Kind.LOSS:
            return f"{-value + 0.0:.6g}"
        case Kind.FREE:
            return f"{value:.6g}"


def shown_drop(name: str, value: float) -> str:
    """How much of a score is lost, as people read it: of a share in percentage points."""
    value += 0.0  # no minus before a zero
    return f"{100 * value:.2f} points" if kind_of(name) is Kind.SHARE else f"{value:.4g}"
