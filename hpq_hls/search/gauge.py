"""How far outputs are from the float network's, and what that costs on samples nobody looked at.

Counted hits are a coarse signal: on 1,000 samples a network that loses half a point differs in a handful of
them, and of many networks the best count belongs to the luckiest. A gauge sees every sample instead. The
float network's outputs, scaled by one temperature, are probabilities of the classes (Guo et al., "On
Calibration of Modern Neural Networks", arXiv 1706.04599), and from them follow

- noise: the Kullback-Leibler divergence of the outputs' probabilities from the float network's. For small
  errors it is quadratic in them, so that independent errors add up, each weighted by what it does to
  decisions. It is taken at this temperature and at one that is ``SOFTER`` times higher, at which more samples
  have a say, and the two are averaged geometrically;
- risk: the share of right answers that is likely to be lost: the noise times the rate at which networks that
  were not chosen by anything, those of one width everywhere, lose right answers by their decisions.

Neither counts hits; the labels only set the temperature, and samples without labels serve as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy

from hpq_hls.ops.base import FloatArray
from hpq_hls.search.metric import Metric, TopK

TEMPERATURES = (-6.0, 6.0)
"""Logarithms of the least and the largest factor, for outputs of variance 1."""
SOFTER = 3.0
USUAL_RATE, USUAL_SPREAD = 1 / 3, 1.7
"""Where nothing is lost that a rate could be read from; about what trained networks show."""
TELLING = (0.002, 0.05)
"""Losses between which networks say something of the rate."""


@dataclass(frozen=True)
class Reading:
    """What a gauge says of a network's outputs; both are 0 for the float network's own.

    noise: how far they are off, additive over independent errors; at least 0. risk: how much of the score is
    likely to be lost on samples of the same kind.
    """

    noise: float
    risk: float


class Gauge(Protocol):
    """Reads outputs on the samples that it was made for."""

    @property
    def spread(self) -> float:
        """Answers that become right or wrong for each right one that is lost on balance."""
        ...

    def __call__(self, outputs: FloatArray) -> Reading:
        """outputs: (samples, *output_shape)."""
        ...


def gauge_of(
    metric: Metric,
    reference: FloatArray,
    targets: npt.NDArray[np.generic],
    typical: Iterable[FloatArray] = (),
    *,
    like: Gauge | None = None,
) -> Gauge:
    """The gauge of a metric: probabilities for shares of right answers, the score itself for any other.

    reference: the float network's outputs, (samples, *output_shape). targets: of the first so many samples,
    as the metric takes them; the rest has none. typical: outputs of networks that were not chosen by
    accuracy. like: a gauge of other samples whose rate and spread are to be taken instead.
    """
    flat = reference.reshape(len(reference), -1)
    if isinstance(metric, TopK) and flat.shape[1] > 1:
        found = _calibrated(metric.k, flat.astype(np.float64), targets.astype(np.int64))
        if isinstance(like, ShareGauge):
            return ShareGauge(found.k, found.reference, found.factor, like.rate, like.spread)
        return found.rated(typical)
    score = metric(reference[: len(targets)], targets)
    return ScoreGauge(metric, reference, targets, score, float(reference.var()) or 1.0)


@dataclass(frozen=True, eq=False)
class ScoreGauge:
    """Reads scores that are no counts: noise is the mean squared error as a share of the outputs' variance,
    risk the score lost."""

    metric: Metric
    reference: FloatArray
    targets: npt.NDArray[np.generic]
    score: float
    variance: float

    @property
    def spread(self) -> float:
        """Of no use here."""
        return USUAL_SPREAD

    def __call__(self, outputs: FloatArray) -> Reading:
        error = float(np.square(outputs - self.reference).mean()) / self.variance
        return Reading(error, self.score - self.metric(outputs[: len(self.targets)], self.targets))


@dataclass(frozen=True, eq=False)
class ShareGauge:
    """Reads answers by the probabilities of classes.

    k: an answer is right if the class is among the k largest outputs. reference: the float network's
    outputs, (samples, classes). factor: what outputs are multiplied with. rate: right answers lost per unit
    of noise. spread: see Gauge.
    """

    k: int
    reference: FloatArray
    factor: float
    rate: float = USUAL_RATE
    spread: float = USUAL_SPREAD
    _logs: tuple[FloatArray, FloatArray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        logs = tuple(scipy.special.log_softmax(factor * self.reference, axis=1) for factor in self._factors)
        object.__setattr__(self, "_logs", logs)

    @property
    def _factors(self) -> tuple[float, float]:
        return self.factor, self.factor / SOFTER

    def __call__(self, outputs: FloatArray) -> Reading:
        noise = self.noise(outputs)
        return Reading(noise, self.rate * noise)

    def noise(self, outputs: FloatArray) -> float:
        """The geometric mean of the divergences at both temperatures."""
        flat = outputs.reshape(len(outputs), -1).astype(np.float64)
        product = 1.0
        for factor, logs in zip(self._factors, self._logs, strict=True):
            each = np.exp(logs) * (logs - scipy.special.log_softmax(factor * flat, axis=1))
            product *= max(float(each.sum(axis=1).mean()), 0.0)
        return math.sqrt(product)

    def changed(self, outputs: FloatArray) -> tuple[float, float]:
        """Right answers that are likely lost on balance by the decisions as they are, and answers that become
        right or wrong, as shares of the samples."""
        probabilities = np.exp(self._logs[0])
        before = _largest(self.reference, self.k)
        after = _largest(outputs.reshape(len(outputs), -1), self.k)
        left, came = probabilities[before & ~after].sum(), probabilities[after & ~before].sum()
        return float(left - came) / len(outputs), float(left + came) / len(outputs)

    def rated(self, typical: Iterable[FloatArray]) -> ShareGauge:
        """The same with the spread that these outputs show, and a rate between theirs and the usual one: a
        few hundred samples tell it to a factor of two only."""
        noise = lost = changed = 0.0
        for outputs in typical:
            own, both = self.changed(outputs)
            if TELLING[0] <= own <= TELLING[1]:
                noise, lost, changed = noise + self.noise(outputs), lost + own, changed + both
        if lost <= 0 or noise <= 0:
            return self
        rate, spread = math.sqrt(lost / noise * USUAL_RATE), max(changed / lost, 1.0)
        return ShareGauge(self.k, self.reference, self.factor, rate, spread)


def _largest(values: FloatArray, k: int) -> npt.NDArray[np.bool_]:
    """Which are the k largest of each row, of equal ones the first; (samples, classes)."""
    chosen = np.zeros(values.shape, dtype=np.bool_)
    first = np.argsort(-values, axis=1, kind="stable")[:, :k] if k > 1 else values.argmax(axis=1)[:, None]
    np.put_along_axis(chosen, first, True, axis=1)
    return chosen


def _calibrated(k: int, reference: FloatArray, labels: npt.NDArray[np.int64]) -> ShareGauge:
    """The gauge whose temperature makes the labels most likely."""
    deviation = float((reference - reference.mean(axis=1, keepdims=True)).std()) or 1.0

    def loss(log: float) -> float:
        own = scipy.special.log_softmax(reference[: len(labels)] * (math.exp(log) / deviation), axis=1)
        certain = np.take_along_axis(own, labels[:, None], axis=1).mean()
        # One more sample, of which nothing is known: labels that are the network's own answers alone
        # would make it surer and surer without end.
        return -float(certain + own.mean() / len(labels))

    found: Any = scipy.optimize.minimize_scalar(loss, bounds=TEMPERATURES, method="bounded")
    return ShareGauge(k, reference, math.exp(float(found.x)) / deviation)
