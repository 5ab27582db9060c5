"""What a gauge reads: errors of outputs, weighted by what they do to decisions, without counting hits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from hpq_hls.search.gauge import (
    SOFTER,
    TELLING,
    USUAL_RATE,
    USUAL_SPREAD,
    Gauge,
    ScoreGauge,
    ShareGauge,
    gauge_of,
)
from hpq_hls.search.metric import find_metric

Array = np.ndarray[Any, Any]
CLASSES = 5


def outputs_and_labels(samples: int, seed: int = 0, classes: int = CLASSES) -> tuple[Array, Array]:
    """Outputs of a network, and labels as likely as their softmax says."""
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(samples, classes)) * 3
    return outputs, (outputs + rng.gumbel(size=outputs.shape)).argmax(axis=1)


def errors(reference: Array, size: float, seed: int) -> Array:
    return size * np.random.default_rng((seed, 9)).normal(size=reference.shape)


def share_gauge(reference: Array, labels: Array, metric: str = "top1", typical: Any = ()) -> ShareGauge:
    found = gauge_of(find_metric(metric), reference, labels, typical)
    assert isinstance(found, ShareGauge)
    return found


@pytest.mark.parametrize("metric", ["top1", "top2"])
def test_the_float_networks_own_outputs_read_zero(metric: str) -> None:
    reference, labels = outputs_and_labels(300)
    found = share_gauge(reference, labels, metric)(reference)
    assert (found.noise, found.risk) == (0.0, 0.0)


def test_outputs_are_read_in_any_shape_and_not_by_their_common_part() -> None:
    reference, labels = outputs_and_labels(300)
    gauge, outputs = share_gauge(reference, labels), reference + errors(reference, 0.1, 0)
    assert gauge(outputs.reshape(300, CLASSES, 1, 1)) == gauge(outputs)
    moved = outputs + np.arange(300)[:, None]  # no decision depends on it
    assert gauge(moved).noise == pytest.approx(gauge(outputs).noise, rel=1e-6)  # rounding of sums


def test_noise_of_independent_errors_adds_up() -> None:
    reference, labels = outputs_and_labels(4000)
    gauge = share_gauge(reference, labels)
    first, second = (errors(reference, size, seed) for seed, size in enumerate((0.1, 0.2)))
    one, other, both = (gauge(reference + error).noise for error in (first, second, first + second))
    assert both == pytest.approx(one + other, rel=0.03)  # 4,000 samples' errors are not quite orthogonal
    assert gauge(reference + 2 * first).noise == pytest.approx(4 * one, rel=0.03)  # quadratic if small


def test_errors_count_where_they_may_change_decisions() -> None:
    reference, labels = outputs_and_labels(2000)
    gauge, error = share_gauge(reference, labels), errors(reference, 0.3, 0)
    second, first = np.sort(reference, axis=1)[:, -2:].T
    order = np.argsort(first - second)
    noise = []
    for rows in (order[:500], order[-500:]):
        outputs = reference.copy()
        outputs[rows] += error[rows]
        noise.append(gauge(outputs).noise)
    assert noise[0] > 2 * noise[1] > 0


def test_noise_is_the_mean_of_two_divergences() -> None:
    reference, labels = outputs_and_labels(200)
    gauge, outputs = share_gauge(reference, labels), reference + errors(reference, 0.2, 1)
    parts = []
    for factor in (gauge.factor, gauge.factor / SOFTER):
        before, after = softmax(factor * reference, axis=1), softmax(factor * outputs, axis=1)
        parts.append((before * np.log(before / after)).sum(axis=1).mean())
    assert gauge(outputs).noise == pytest.approx(math.sqrt(parts[0] * parts[1]), rel=1e-9)


def test_the_temperature_is_the_one_at_which_labels_are_likeliest() -> None:
    """Labels are drawn at temperature 1, so outputs that are 7 times as large want 1/7."""
    reference, labels = outputs_and_labels(8000)
    assert share_gauge(reference, labels).factor == pytest.approx(1.0, rel=0.08)  # by 8,000 labels
    one, seven = share_gauge(reference, labels), share_gauge(7 * reference, labels)
    assert seven.factor == pytest.approx(one.factor / 7, rel=1e-3)  # as exactly as it is searched for
    outputs = reference + errors(reference, 0.1, 0)
    assert seven(7 * outputs).noise == pytest.approx(one(outputs).noise, rel=1e-2)


def test_labels_set_the_temperature_and_nothing_else() -> None:
    """Labels of two equal samples are swapped: the temperature is the same, and hits are not."""
    half, labels = outputs_and_labels(200)
    reference = np.concatenate([half, half])
    others = (labels + 1) % CLASSES
    gauges = [share_gauge(reference, np.concatenate(order)) for order in ((labels, others), (others, labels))]
    outputs = reference + errors(reference, 4.0, 2)
    outputs[:200] = half
    assert gauges[0].factor == pytest.approx(gauges[1].factor, rel=1e-9)
    assert gauges[0](outputs).noise == pytest.approx(gauges[1](outputs).noise, rel=1e-9)
    hits = [
        float((outputs.argmax(1) == np.concatenate(o)).mean()) for o in ((labels, others), (others, labels))
    ]
    assert hits[0] != hits[1]


def test_samples_without_labels_are_read_too() -> None:
    reference, labels = outputs_and_labels(400)
    gauge = share_gauge(reference, labels[:100])
    assert gauge.factor == pytest.approx(share_gauge(reference[:100], labels[:100]).factor, rel=1e-3)
    error = errors(reference, 0.2, 0)
    tail = np.where(np.arange(400)[:, None] >= 100, error, 0.0)
    head = error - tail
    assert gauge(reference + tail).noise > 2 * gauge(reference + head).noise > 0


def test_the_rate_is_half_way_from_the_usual_one_to_what_typical_networks_show() -> None:
    reference, labels = outputs_and_labels(1000)
    plain = share_gauge(reference, labels)
    typical = [reference + errors(reference, size, seed) for seed, size in enumerate((0.3, 0.6))]
    gauge = share_gauge(reference, labels, "top1", typical)
    probabilities = softmax(gauge.factor * reference, axis=1)
    rows = np.arange(1000)
    own = changed = noise = 0.0
    for outputs in typical:
        before, after = (probabilities[rows, each.argmax(1)] for each in (reference, outputs))
        assert TELLING[0] <= (before - after).mean() <= TELLING[1]
        own += (before - after).mean()
        changed += (before + after)[reference.argmax(1) != outputs.argmax(1)].sum() / 1000
        noise += plain(outputs).noise
    assert gauge.rate == pytest.approx(math.sqrt(own / noise * USUAL_RATE), rel=1e-9)
    assert gauge.spread == pytest.approx(changed / own, rel=1e-9)
    assert gauge(typical[0]).risk == pytest.approx(gauge.rate * gauge(typical[0]).noise, rel=1e-12)


@pytest.mark.parametrize("size", [0.0, 1e-4, 30.0])
def test_networks_that_lose_next_to_nothing_or_too_much_say_nothing_of_the_rate(size: float) -> None:
    reference, labels = outputs_and_labels(500)
    gauge = share_gauge(reference, labels, "top1", [reference + errors(reference, size, 0)])
    assert (gauge.rate, gauge.spread) == (USUAL_RATE, USUAL_SPREAD)


@pytest.mark.parametrize(("metric", "k"), [("top1", 1), ("top2", 2)])
def test_risk_is_about_what_is_lost_on_other_samples(metric: str, k: int) -> None:
    """Read on 400 samples, counted on 200,000 others."""
    reference, labels = outputs_and_labels(400)
    typical = [reference + errors(reference, size, 50 + at) for at, size in enumerate((0.3, 0.5, 0.8))]
    gauge = share_gauge(reference, labels, metric, typical)
    assert gauge.k == k
    unseen, truth = outputs_and_labels(200_000, seed=1)
    score = find_metric(metric)
    for size in (0.4, 0.6):
        lost = score(unseen, truth) - score(unseen + errors(unseen, size, 3), truth)
        read = gauge(reference + errors(reference, size, 4)).risk
        assert lost / 2 < read < 2 * lost  # a few hundred samples tell the rate to a factor of two


def test_of_equal_outputs_the_first_are_the_answer() -> None:
    """As the metric has it: a tie that turns into the same decision loses nothing."""
    reference = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    gauge = share_gauge(reference, np.array([0, 1]))
    assert gauge.changed(reference + 0.1 * np.eye(3)[[0, 1]]) == (0.0, 0.0)
    lost, changed = gauge.changed(reference + 0.1 * np.eye(3)[[1, 2]])
    assert lost == 0.0 < changed


def score_gauges() -> list[tuple[str, Array, Array]]:
    rng = np.random.default_rng(0)
    column = rng.normal(size=(300, 1))
    return [
        ("mse", rng.normal(size=(300, 3)), rng.normal(size=(300, 3))),
        ("mae", column, rng.normal(size=(300, 1))),
        ("auc", column, (column[:, 0] + rng.normal(size=300) > 0).astype(np.int64)),
        ("top1", column, np.zeros(300, dtype=np.int64)),  # one output: no classes to be told apart
    ]


@pytest.mark.parametrize(("name", "reference", "targets"), score_gauges())
def test_other_scores_are_read_as_they_are(name: str, reference: Array, targets: Array) -> None:
    metric = find_metric(name)
    gauge = gauge_of(metric, reference, targets[:200])
    assert isinstance(gauge, ScoreGauge)
    own = gauge(reference)
    assert (own.noise, own.risk) == (0.0, 0.0)
    outputs = reference + errors(reference, 0.2, 1)
    found = gauge(outputs)
    assert found.risk == metric(reference[:200], targets[:200]) - metric(outputs[:200], targets[:200])
    assert found.noise == pytest.approx(np.square(outputs - reference).mean() / reference.var(), rel=1e-12)
    tail = outputs.copy()
    tail[200:] = reference[200:]
    assert gauge(tail).noise < found.noise


@pytest.mark.parametrize("metric", ["top1", "top2", "mse"])
def test_readings_are_the_same_every_time(metric: str) -> None:
    reference, labels = outputs_and_labels(300)
    targets: Array = reference if metric == "mse" else labels
    outputs = reference + errors(reference, 0.3, 0)

    def made() -> Gauge:
        return gauge_of(find_metric(metric), reference, targets, [outputs])

    assert made()(outputs) == made()(outputs)
    assert made().spread == made().spread
