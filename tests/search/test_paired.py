"""The bound on a drop holds as often as it says: every outcome of a few samples is counted out."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import multinomial

from hpq_hls.search.paired import CLOSE, fewest_samples, p_value, upper_bound
from hpq_hls.search.significance import tango

Array = np.ndarray[Any, Any]
CONFIDENCES = (0.8, 0.9, 0.99)
SAMPLES = (1, 4, 9, 18)


def outcomes(samples: int) -> list[tuple[int, int]]:
    """All (lost, gained) of so many samples."""
    return [(lost, gained) for lost in range(samples + 1) for gained in range(samples + 1 - lost)]


@functools.cache
def bounds(samples: int, confidence: float) -> dict[tuple[int, int], float]:
    return {each: upper_bound(*each, samples, confidence) for each in outcomes(samples)}


def how_often_too_small(found: dict[tuple[int, int], float], samples: int) -> float:
    """The probability, at the worst drop and share of gained answers, that the bound is below the drop."""
    cells = np.array([(lost, gained, samples - lost - gained) for lost, gained in found])
    values = np.array(list(found.values()))
    worst = 0.0
    # Just above a bound is where one outcome more is wrong.
    for drop in sorted({*np.linspace(0.01, 0.97, 25), *(values[values < 0.98] + 1e-9)}):
        most = (1 - drop) / 2
        for share in {*np.linspace(0, most, 15), *np.geomspace(1e-3 * most, most, 8)}:
            chances = np.array([share + drop, share, max(1 - drop - 2 * share, 0)])
            outcome = multinomial.pmf(cells, samples, chances / chances.sum())
            worst = max(worst, float(outcome[values < drop].sum()))
    return worst


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("samples", SAMPLES)
def test_a_true_drop_exceeds_its_bound_no_more_often_than_allowed(samples: int, confidence: float) -> None:
    wrong = how_often_too_small(bounds(samples, confidence), samples)
    assert wrong <= 1 - confidence
    # Nor is the bound careful without need.
    assert wrong >= 0.97 * (1 - confidence) or samples == 1  # of which the few outcomes waste some


def test_tangos_interval_would_not_do() -> None:
    """The measure above can fail."""
    samples, confidence = 18, 0.9
    found = {each: tango(*each, samples, 2 * confidence - 1)[1] for each in outcomes(samples)}
    assert how_often_too_small(found, samples) > 1.5 * (1 - confidence)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("samples", SAMPLES)
def test_more_lost_and_fewer_gained_answers_never_lower_the_bound(samples: int, confidence: float) -> None:
    found = bounds(samples, confidence)
    for lost, gained in found:
        assert (lost - gained) / samples <= found[lost, gained] <= 1
        if lost + gained < samples:
            assert found[lost + 1, gained] >= found[lost, gained] - CLOSE  # bounds are found that exactly
            assert found[lost, gained + 1] <= found[lost, gained] + CLOSE


@pytest.mark.parametrize("counts", [(0, 0, 300), (3, 1, 300), (12, 9, 1600), (40, 10, 1600)])
def test_a_bound_grows_with_confidence_and_shrinks_with_samples(counts: tuple[int, int, int]) -> None:
    lost, gained, samples = counts
    rising = [upper_bound(*counts, confidence) for confidence in (0.6, *CONFIDENCES, 0.999)]
    assert all(low < high for low, high in itertools.pairwise(rising))
    assert upper_bound(4 * lost, 4 * gained, 4 * samples, 0.9) < upper_bound(*counts, 0.9)


@pytest.mark.parametrize("counts", [(0, 0, 300), (3, 1, 300), (12, 9, 1600)])
def test_the_bound_is_where_the_test_turns(counts: tuple[int, int, int]) -> None:
    found, error = upper_bound(*counts, 0.9), 1 - 0.9
    assert p_value(*counts, found, 0.01 * error) <= error
    assert p_value(*counts, found - 2 * CLOSE, 0.01 * error) > error


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("drop", [0.003, 0.01, 0.05, 0.3])
def test_fewest_samples_is_the_least_number_that_shows_a_drop(drop: float, confidence: float) -> None:
    fewest = fewest_samples(drop, confidence)
    assert upper_bound(0, 0, fewest, confidence) <= drop + CLOSE
    assert upper_bound(0, 0, fewest - 1, confidence) > drop if fewest > 1 else confidence < 1


def test_any_sample_shows_that_not_more_than_all_is_lost() -> None:
    assert fewest_samples(1.0, 0.9) == 1
    assert upper_bound(5, 0, 5, 0.9) == 1.0


@pytest.mark.parametrize("counts", [(40, 38, 1000), (120, 60, 4000), (30, 10, 2000)])
def test_of_many_differing_answers_the_bound_is_about_tangos(counts: tuple[int, int, int]) -> None:
    samples = counts[2]
    exact, approximate = upper_bound(*counts, 0.9), tango(*counts, 0.8)[1]
    assert approximate < exact < approximate + 0.15 * (approximate - (counts[0] - counts[1]) / samples)


@pytest.mark.parametrize("counts", [(2.5, 0.7, 400), (0.01, 0.0, 400)])
def test_expected_counts_lie_between_whole_ones(counts: tuple[float, float, int]) -> None:
    lost, gained, samples = counts
    low = upper_bound(int(lost), int(gained) + 1, samples, 0.9)
    high = upper_bound(int(lost) + 1, int(gained), samples, 0.9)
    assert low - CLOSE <= upper_bound(lost, gained, samples, 0.9) <= high + CLOSE
