"""How sure an accuracy is, and a drop: both networks see the same samples, so the drop is paired.

Shares of right answers: the score interval of Wilson (1927), see Brown, Cai, DasGupta, "Interval Estimation
for a Binomial Proportion", Statistical Science 16 (2001); for the drop the score interval of Tango,
"Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
Statistics in Medicine 17 (1998), 891-908; and the exact test of McNemar, "Note on the sampling error of the
difference between correlated proportions or percentages", Psychometrika 12 (1947), 153-157.
Any other metric: the bootstrap over samples, paired, see Efron, Tibshirani, "An Introduction to the
Bootstrap" (1993), section 13.3 (percentile interval) and 15.4 (achieved significance).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from hpq_hls.errors import DataError, HpqError
from hpq_hls.ops.base import FloatArray
from hpq_hls.search.metric import Metric

CONFIDENCE = 0.95
BOOTSTRAP_DRAWS = 1000
SCORE, BOOTSTRAP = "Wilson and Tango intervals, exact McNemar test", "paired bootstrap"
Bounds = tuple[float, float]


@dataclass(frozen=True)
class TestScore:
    """A quantized network beside the float one on a test set that the search never saw.

    float_accuracy, accuracy: by the metric. drop: float minus quantized. *_interval: of the confidence
    ``confidence``. p_value: how likely a drop this large, up or down, would be if the two networks were
    equally good; of the two-sided test that ``method`` names. lost, gained: samples that only the float
    network, or only the quantized one, gets right; None for metrics that are no share of right answers.
    """

    __test__ = False  # for pytest, which takes the name for a class of tests

    samples: int
    float_accuracy: float
    accuracy: float
    drop: float
    float_interval: Bounds
    interval: Bounds
    drop_interval: Bounds
    p_value: float
    lost: int | None
    gained: int | None
    method: str
    confidence: float = CONFIDENCE


def compare_networks(
    metric: Metric,
    float_outputs: FloatArray,
    outputs: FloatArray,
    targets: npt.NDArray[np.generic],
    *,
    counts: bool,
    seed: int = 0,
) -> TestScore:
    """Score two networks on the same samples.

    float_outputs, outputs: (samples, *output_shape). counts: whether the metric is the share of samples
    that are right. seed: of the bootstrap.
    """
    before, after = metric(float_outputs, targets), metric(outputs, targets)
    samples = len(targets)
    if not counts:
        intervals, p_value = bootstrap(metric, float_outputs, outputs, targets, seed)
        return TestScore(samples, before, after, before - after, *intervals, p_value, None, None, BOOTSTRAP)
    lost, gained = paired_counts(metric, float_outputs, outputs, targets)
    first, second = (wilson(round(share * samples), samples) for share in (before, after))
    between = tango(lost, gained, samples)
    p_value = mcnemar(lost, gained)
    return TestScore(
        samples, before, after, before - after, first, second, between, p_value, lost, gained, SCORE
    )


def paired_counts(
    metric: Metric, float_outputs: FloatArray, outputs: FloatArray, targets: npt.NDArray[np.generic]
) -> tuple[int, int]:
    """Samples that only the float network gets right, and samples that only the quantized one does.

    metric: a share of right answers.
    """
    before, after = (_right(metric, each, targets) for each in (float_outputs, outputs))
    return int(np.count_nonzero(before & ~after)), int(np.count_nonzero(after & ~before))


def _right(metric: Metric, outputs: FloatArray, targets: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    rows = range(len(targets))
    return np.array([metric(outputs[row : row + 1], targets[row : row + 1]) == 1 for row in rows])


def wilson(right: int, samples: int, confidence: float = CONFIDENCE) -> Bounds:
    """The share of right answers in general, from ``right`` of ``samples``."""
    found = scipy.stats.binomtest(right, samples).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def mcnemar(lost: int, gained: int) -> float:
    """The probability of a split of the samples on which two equally good networks differ that is at least
    as uneven, up or down, as this one: exact, from the binomial distribution. 1 where they never differ."""
    return 1.0 if lost + gained == 0 else float(scipy.stats.binomtest(lost, lost + gained).pvalue)


def tango(lost: int, gained: int, samples: int, confidence: float = CONFIDENCE) -> Bounds:
    """The drop in general, as a share of samples: all drops that a score test does not reject."""
    z = float(scipy.stats.norm.ppf(0.5 + confidence / 2))
    found = (lost - gained) / samples

    def beyond(sign: int) -> Callable[[float], float]:
        return lambda drop: sign * _score(lost, gained, samples, drop) - z

    low = -1.0 if found == -1 else float(scipy.optimize.brentq(beyond(1), -1, found, xtol=1e-12))
    high = 1.0 if found == 1 else float(scipy.optimize.brentq(beyond(-1), found, 1, xtol=1e-12))
    return low, high


def _score(lost: int, gained: int, samples: int, drop: float) -> float:
    """Tango's statistic: standard normal if ``drop`` is the true drop."""
    distance = lost - gained - samples * drop
    if drop in (-1, 1):  # everything would have to differ
        return math.copysign(math.inf, distance) if distance else 0.0
    a, c = 2 * samples, -gained * drop * (1 - drop)
    b = -lost - gained + (2 * samples - lost + gained) * drop
    share = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)  # gained, under the restriction
    variance = samples * (2 * share + drop * (1 - drop))
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def bootstrap(
    metric: Metric,
    float_outputs: FloatArray,
    outputs: FloatArray,
    targets: npt.NDArray[np.generic],
    seed: int,
    confidence: float = CONFIDENCE,
) -> tuple[tuple[Bounds, Bounds, Bounds], float]:
    """Intervals of both scores and of the drop, and the significance of the drop.

    Raises:
        DataError: the metric cannot be computed on any draw of the samples.
    """
    rng = np.random.default_rng(seed)
    draws: list[tuple[float, float]] = []
    for _ in range(2 * BOOTSTRAP_DRAWS):
        if len(draws) == BOOTSTRAP_DRAWS:
            break
        rows = rng.integers(len(targets), size=len(targets))
        try:
            with np.errstate(all="ignore"):
                pair = metric(float_outputs[rows], targets[rows]), metric(outputs[rows], targets[rows])
        except HpqError:
            continue
        if all(map(math.isfinite, pair)):  # not where a draw has a class too few
            draws.append(pair)
    if not draws:
        raise DataError("the test set has too few samples to say how sure its score is; give more")
    before, after = np.array(draws).T
    tails = (0.5 - confidence / 2, 0.5 + confidence / 2)

    def bounds(values: npt.NDArray[Any]) -> Bounds:
        low, high = np.quantile(values, tails)
        return float(low), float(high)

    drops = before - after
    side = min(float(np.mean(drops <= 0)), float(np.mean(drops >= 0)))
    p_value = min(1.0, max(2 * side, 1 / len(draws)))
    return (bounds(before), bounds(after), bounds(drops)), p_value
