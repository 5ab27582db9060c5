"""How sure an accuracy and a drop are: against independent ways to compute the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, norm

from hpq_hls.errors import DataError
from hpq_hls.search.metric import find_metric
from hpq_hls.search.significance import (
    BOOTSTRAP,
    SCORE,
    TestScore,
    compare_networks,
    mcnemar,
    tango,
    wilson,
)

Z = norm.ppf(0.975)


def score_at(lost: int, gained: int, samples: int, drop: float) -> float:
    """Tango's statistic with the restricted maximum of the likelihood found by search."""

    def unlikely(share: float) -> float:  # share: of samples that are gained; lost is share + drop
        cells = ((gained, share), (lost, share + drop), (samples - lost - gained, 1 - drop - 2 * share))
        return -sum(count * math.log(max(each, 1e-300)) for count, each in cells if count)

    low, high = max(0.0, -drop), (1 - drop) / 2
    share = minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-14}).x
    return (lost - gained - samples * drop) / math.sqrt(samples * (2 * share + drop * (1 - drop)))


@pytest.mark.parametrize(
    ("lost", "gained", "samples"), [(12, 2, 50), (0, 1, 44), (3, 1, 360), (40, 38, 1000), (9, 0, 10)]
)
def test_the_interval_of_the_drop_is_what_the_score_test_accepts(lost, gained, samples):
    low, high = tango(lost, gained, samples)
    assert -1 <= low < (lost - gained) / samples < high <= 1
    # The minimum of a likelihood is known to the root of its precision.
    assert score_at(lost, gained, samples, low) == pytest.approx(Z, abs=1e-4)
    assert score_at(lost, gained, samples, high) == pytest.approx(-Z, abs=1e-4)


def test_the_interval_is_the_same_either_way_around():
    low, high = tango(12, 2, 50)
    assert tango(2, 12, 50) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize(
    ("lost", "gained", "samples"), [(0, 0, 100), (100, 0, 100), (0, 100, 100), (0, 0, 1)]
)
def test_extremes_have_intervals_too(lost, gained, samples):
    low, high = tango(lost, gained, samples)
    assert -1 <= low <= (lost - gained) / samples <= high <= 1
    if lost == gained == 0:
        assert high == pytest.approx(Z**2 / (samples + Z**2), abs=1e-9)  # solve (n d)^2 = z^2 n d (1 - d)
        assert low == pytest.approx(-high, abs=1e-9)


def test_intervals_cover_what_they_should():
    """95 % of the samples drawn from networks with a known drop."""
    rng = np.random.default_rng(5)
    draws = rng.multinomial(400, (0.03, 0.01, 0.96), size=600)
    hits = [low <= 0.02 <= high for low, high in (tango(int(a), int(b), 400) for a, b, _ in draws)]
    # The share of hits has a standard error of 0.9 %; three of them on either side.
    assert 0.92 <= np.mean(hits) <= 0.98


def test_wilson_is_the_score_interval_of_a_share():
    low, high = wilson(355, 360)
    for bound, sign in ((low, 1), (high, -1)):
        share = 355 / 360
        assert (share - bound) / math.sqrt(bound * (1 - bound) / 360) == pytest.approx(sign * Z, abs=1e-6)
    assert wilson(0, 10)[0] == pytest.approx(0, abs=1e-12)
    assert wilson(10, 10)[1] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (8, 1), (5, 5), (40, 20), (2, 9)])
def test_mcnemar_adds_up_what_is_as_uneven(lost, gained):
    total = lost + gained
    chances = binom.pmf(range(total + 1), total, 0.5)
    expected = sum(p for count, p in enumerate(chances) if abs(2 * count - total) >= abs(lost - gained))
    assert mcnemar(lost, gained) == pytest.approx(expected, rel=1e-12)


def outputs_of(classes: np.ndarray) -> np.ndarray:
    return np.eye(3)[classes]


def test_networks_are_compared_sample_by_sample():
    targets = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    before = targets.copy()
    before[7] = 2
    after = targets.copy()
    after[[0, 1]] = 2
    found = compare_networks(find_metric("top1"), outputs_of(before), outputs_of(after), targets, counts=True)
    assert found == TestScore(
        8, 7 / 8, 6 / 8, 1 / 8, wilson(7, 8), wilson(6, 8), tango(2, 1, 8), 1.0, 2, 1, SCORE
    )


def test_other_metrics_are_drawn_again_and_again():
    rng = np.random.default_rng(3)
    targets = rng.normal(size=(200, 2))
    before, after = (targets + scale * rng.normal(size=targets.shape) for scale in (0.1, 0.2))
    metric = find_metric("mse")
    found = compare_networks(metric, before, after, targets, counts=False, seed=4)
    assert found == compare_networks(metric, before, after, targets, counts=False, seed=4)
    assert found != compare_networks(metric, before, after, targets, counts=False, seed=5)
    assert (found.method, found.lost, found.gained) == (BOOTSTRAP, None, None)
    each = np.square(after - targets).mean(axis=1) - np.square(before - targets).mean(axis=1)
    low, high = found.drop_interval
    assert found.drop == pytest.approx(each.mean())
    assert low < found.drop < high
    # The bootstrap of a mean of 200 samples is close to the normal interval.
    assert high - low == pytest.approx(2 * Z * each.std() / math.sqrt(200), rel=0.1)
    assert found.p_value == 1 / 1000
    same = compare_networks(metric, before, before, targets, counts=False)
    assert (same.drop, same.drop_interval, same.p_value) == (0.0, (0.0, 0.0), 1.0)


def test_draws_without_a_class_are_left_out():
    metric = find_metric("auc")
    targets = np.array([0] * 29 + [1])
    scores = np.linspace(0, 1, 30)[:, None]
    found = compare_networks(metric, scores, scores, targets, counts=False)
    assert found.accuracy == 1.0
    assert found.interval[1] == 1.0


def test_a_metric_that_no_draw_has_is_said_to_be_one():
    def never(_outputs, _targets):
        raise DataError("never")

    values = iter([1.0, 1.0])

    def twice(outputs, targets):
        return next(values, None) or never(outputs, targets)

    with pytest.raises(DataError, match="too few samples"):
        compare_networks(twice, np.zeros((2, 1)), np.zeros((2, 1)), np.zeros(2), counts=False)
