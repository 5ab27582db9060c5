"""How far outputs are from the float network's, and what that costs on samples nobody looked at.

Counted hits are a coarse signal: on 1,000 samples a network that loses half a point differs in a handful of
them, and of many networks the best count belongs to the luckiest. A gauge sees every sample instead. The
float network's outputs, scaled by one temperature, are probabilities of the classes (Guo et al., "On
Calibration of Modern Neural Networks", arXiv 1706.04599), and from them follow

- noise: the Kullback-Leibler divergence of the outputs' probabilities from the float network's. For small
  errors it is quadratic in them, so that independent errors add up, each weighted by what it does to
  decisions;
- risk: the share of right answers that is likely to be lost, the mean of two estimates. One takes the
  decisions as they are: the probability of the float network's answer less that of the answer given. The
  other is the noise times the rate at which random errors of the same divergence lose right answers.

Neither looks at the labels, which only set the temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from hpq_hls.ops.base import FloatArray
from hpq_hls.search.metric import Metric, TopK

TEMPERATURES = (-6.0, 6.0)
"""Logarithms of the least and the largest factor, for outputs of variance 1."""
TYPICAL_RISK = 0.01
"""The loss at which random errors are compared with real ones."""
SIZES = np.geomspace(1e-3, 3.0, 24)
"""Random errors, in units of the outputs' standard deviation."""
DRAWS = 4


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
        """Samples on which the answers' rightness changes, up or down, for each one that is lost on
        balance."""
        ...

    def __call__(self, outputs: FloatArray) -> Reading:
        """outputs: (samples, *output_shape)."""
        ...


def gauge_of(metric: Metric, reference: FloatArray, targets: npt.NDArray[np.generic]) -> Gauge:
    """The gauge of a metric: probabilities for shares of right answers, the score itself for any other.

    reference: the float network's outputs, (samples, *output_shape). targets: as the metric takes them.
    """
    flat = reference.reshape(len(reference), -1)
    if isinstance(metric, TopK) and flat.shape[1] > 1:
        return _calibrated(metric.k, flat, targets.astype(np.int64))
    return ScoreGauge(metric, reference, targets, metric(reference, targets), float(reference.var()) or 1.0)


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
        return 1.0

    def __call__(self, outputs: FloatArray) -> Reading:
        error = float(np.square(outputs - self.reference).mean()) / self.variance
        return Reading(error, self.score - self.metric(outputs, self.targets))


@dataclass(frozen=True, eq=False)
class ShareGauge:
    """Reads answers by the probabilities of classes.

    k: an answer is right if the class is among the k largest outputs. factor: what outputs are multiplied
    with. logs: logarithms of the float network's probabilities, (samples, classes). rate: right answers lost
    per unit of noise. spread: see Gauge.
    """

    k: int
    factor: float
    logs: FloatArray
    rate: float
    spread: float

    def __call__(self, outputs: FloatArray) -> Reading:
        flat = outputs.reshape(len(outputs), -1).astype(np.float64)
        noise, lost, _ = self._compare(flat)
        return Reading(noise, (lost + self.rate * noise) / 2)

    def _compare(self, flat: FloatArray) -> tuple[float, float, float]:
        """Divergence, right answers lost, and those lost or gained, as shares of the samples."""
        probabilities = np.exp(self.logs)
        noise = float(
            (probabilities * (self.logs - log_softmax(self.factor * flat, axis=1))).sum(axis=1).mean()
        )
        before, after = _largest(self.logs, self.k), _largest(flat, self.k)
        left, came = probabilities[before & ~after].sum(), probabilities[after & ~before].sum()
        samples = len(flat)
        return max(noise, 0.0), float(left - came) / samples, float(left + came) / samples


def _largest(values: FloatArray, k: int) -> npt.NDArray[np.bool_]:
    """Which are the k largest of each row, of equal ones the first; (samples, classes)."""
    chosen = np.zeros(values.shape, dtype=np.bool_)
    first = np.argsort(-values, axis=1, kind="stable")[:, :k] if k > 1 else values.argmax(axis=1)[:, None]
    np.put_along_axis(chosen, first, True, axis=1)
    return chosen


def _calibrated(k: int, reference: FloatArray, labels: npt.NDArray[np.int64]) -> ShareGauge:
    """The gauge whose temperature makes the labels most likely."""
    reference = reference.astype(np.float64)
    deviation = float((reference - reference.mean(axis=1, keepdims=True)).std()) or 1.0

    def loss(log: float) -> float:
        own = log_softmax(reference * (np.exp(log) / deviation), axis=1)
        return float(-np.take_along_axis(own, labels[:, None], axis=1).mean())

    found: Any = minimize_scalar(loss, bounds=TEMPERATURES, method="bounded")
    factor = float(np.exp(found.x)) / deviation
    plain = ShareGauge(k, factor, log_softmax(factor * reference, axis=1), 0.0, 1.0)
    noise, lost, changed = _random_errors(plain, reference, deviation)
    return ShareGauge(
        k,
        factor,
        plain.logs,
        lost / noise if noise > 0 else 0.0,
        max(changed / lost, 1.0) if lost > 0 else 1.0,
    )


def _random_errors(gauge: ShareGauge, reference: FloatArray, deviation: float) -> tuple[float, float, float]:
    """What ``_compare`` says of random errors as large as lose about TYPICAL_RISK."""
    draw = np.random.default_rng(0)
    found = (0.0, 0.0, 0.0)
    for size in SIZES:
        errors = [draw.normal(scale=size * deviation, size=reference.shape) for _ in range(DRAWS)]
        noise, lost, changed = np.mean([gauge._compare(reference + error) for error in errors], axis=0)
        found = (float(noise), float(lost), float(changed))
        if lost >= TYPICAL_RISK:
            break
    return found
