"""Rounding that makes up for its errors: against brute force, against nearest, and in hopeless cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hpq_hls.quantize.compensate import descended, fed_back, feedback_factor, nearest, output_error


def problem(
    seed: int, groups: int = 1, rows: int = 3, columns: int = 4, patches: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (groups, rows, columns) and second moments of strongly correlated inputs."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(groups, columns, columns)) + 1.5
    x = np.matmul(rng.normal(size=(groups, patches, columns)), mixing)
    moments = np.matmul(x.transpose(0, 2, 1), x) / patches + 1e-3 * np.eye(columns)
    return rng.normal(size=(groups, rows, columns)), moments


def both_passes(
    weights: np.ndarray, moments: np.ndarray, scale: np.ndarray, low: int, high: int
) -> np.ndarray:
    codes = fed_back(weights, scale, low, high, moments, feedback_factor(moments))
    return descended(weights, codes, scale, low, high, moments)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 6])
def test_never_worse_than_nearest_and_mostly_better(width: int) -> None:
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    better = 0
    for seed in range(20):
        weights, moments = problem(seed, groups=2, rows=5, columns=12)
        scale = np.full((2, 5, 1), 2.0 ** (2 - width))
        plain = nearest(weights, scale, low, high)
        fed = fed_back(weights, scale, low, high, moments, feedback_factor(moments))
        found = descended(weights, fed, scale, low, high, moments)
        before, after, last = (output_error(weights, c, scale, moments) for c in (plain, fed, found))
        assert (after <= before).all()
        assert (last <= after * (1 + 1e-12)).all()  # sums in another order
        assert (found == np.rint(found)).all()
        assert found.min() >= low
        assert found.max() <= high
        better += int((last < 0.7 * before).sum())
    assert better > 100  # of 200 rows


def test_no_single_change_improves_what_is_found() -> None:
    weights, moments = problem(1, rows=4, columns=8)
    scale = np.full((1, 4, 1), 0.5)
    found = both_passes(weights, moments, scale, -2, 1)
    error = output_error(weights, found, scale, moments)
    for column, code in itertools.product(range(8), range(-2, 2)):
        changed = found.copy()
        changed[:, :, column] = code
        assert (output_error(weights, changed, scale, moments) >= error - 1e-12).all()


def test_near_the_optimum_of_all_combinations() -> None:
    optimal = total = reached = 0.0
    for seed in range(30):
        weights, moments = problem(seed, rows=2, columns=5)
        scale = np.full((1, 2, 1), 0.5)
        every = np.array(list(itertools.product(range(-2, 2), repeat=5)), dtype=float)
        for row in range(2):
            error = weights[0, row] - every * 0.5
            optimal += float(np.einsum("nk,kl,nl->n", error, moments[0], error).min())
        reached += float(
            output_error(weights, both_passes(weights, moments, scale, -2, 1), scale, moments).sum()
        )
        total += float(output_error(weights, nearest(weights, scale, -2, 1), scale, moments).sum())
    assert optimal <= reached < optimal + 0.25 * (total - optimal)


def test_one_column_is_rounded_to_nearest() -> None:
    weights = np.random.default_rng(0).normal(size=(7, 3, 1))
    moments = np.full((7, 1, 1), 0.3)
    scale = np.full((7, 3, 1), 0.25)
    assert np.array_equal(both_passes(weights, moments, scale, -4, 3), nearest(weights, scale, -4, 3))


def test_uncorrelated_inputs_are_rounded_to_nearest() -> None:
    weights = np.random.default_rng(1).normal(size=(1, 6, 40))
    moments = np.diag(np.random.default_rng(2).uniform(0.1, 2, size=40))[None]
    scale = np.full((1, 6, 1), 0.25)
    assert np.array_equal(both_passes(weights, moments, scale, -4, 3), nearest(weights, scale, -4, 3))


def test_groups_and_rows_are_independent() -> None:
    weights, moments = problem(3, groups=3, rows=4, columns=40)
    scale = 2.0 ** np.random.default_rng(0).integers(-3, 0, size=(3, 4, 1))
    whole = both_passes(weights, moments, scale, -4, 3)
    for group in range(3):
        alone = both_passes(weights[[group], :2], moments[[group]], scale[[group], :2], -4, 3)
        assert np.array_equal(whole[[group], :2], alone)


def test_error_is_that_of_the_outputs() -> None:
    rng = np.random.default_rng(5)
    x, weights = rng.normal(size=(50, 6)), rng.normal(size=(1, 3, 6))
    scale = np.full((1, 3, 1), 0.5)
    codes = nearest(weights, scale, -2, 1)
    wanted = np.square(x @ (weights[0] - codes[0] * 0.5).T).mean(axis=0)
    assert np.allclose(output_error(weights, codes, scale, (x.T @ x)[None] / 50), wanted)  # float64 sums
    diagonal = output_error(weights, codes, scale, np.square(x).mean(axis=0)[None])
    only_own = np.diag(np.square(x).mean(axis=0))[None]
    assert np.allclose(diagonal, output_error(weights, codes, scale, only_own))  # float64 sums
