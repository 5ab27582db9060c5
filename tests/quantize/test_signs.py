"""Weights of one bit: plus or minus one power of two."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.fixed import FixedType
from hpq_hls.quantize import Quantizer, QuantizerOptions
from hpq_hls.quantize.compensate import feedback_factor
from hpq_hls.quantize.weights import WeightCodes, WeightMoments, round_weights


def problem(seed: int, rows: int, columns: int, spread: float = 0.0) -> tuple[np.ndarray, WeightMoments]:
    """Weights (1, rows, columns), of rows of different size, and moments of correlated inputs."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, columns)) @ (rng.normal(size=(columns, columns)) + 1.5)
    moments = (x.T @ x / len(x) + 1e-3 * np.eye(columns))[None]
    size = 2.0 ** rng.uniform(-spread, spread, (1, rows, 1))
    return rng.normal(size=(1, rows, columns)) * size, WeightMoments(moments, feedback_factor(moments))


def errors(weights: np.ndarray, values: np.ndarray, moments: WeightMoments) -> np.ndarray:
    """Of each row's output, mean square."""
    off = (weights - values)[0]
    return np.einsum("ri,ij,rj->r", off, moments.matrix[0], off)


def signs_of(weights: np.ndarray, moments: WeightMoments, **settings: object) -> WeightCodes:
    found = round_weights(weights, 1, QuantizerOptions().changed(**settings), lambda: moments)
    assert found.signs
    assert found.type.signed
    shift = np.zeros(weights.shape[1], np.int64) if found.shift is None else found.shift
    assert found.type.width == 2 + shift.max()
    assert (np.abs(found.raw[0] >> shift[:, None]) == 1).all()
    return found


@pytest.mark.parametrize("per_channel", [False, True])
def test_compensated_signs_are_never_worse_and_mostly_better(per_channel: bool) -> None:
    better = 0
    for seed in range(20):
        weights, moments = problem(seed, rows=6, columns=12, spread=2.0 if per_channel else 0.0)
        plain, found = (
            errors(
                weights,
                signs_of(weights, moments, weight_rounding=how, per_channel=per_channel).values(),
                moments,
            ).sum()
            for how in ("nearest", "compensated")
        )
        assert found <= plain * (1 + 1e-12)  # sums in another order
        better += found < 0.7 * plain
    assert better >= 10


@pytest.mark.parametrize("per_channel", [False, True])
def test_close_to_the_best_of_all(per_channel: bool) -> None:
    """Against every combination of signs and scales; descent finds local optima."""
    columns = 7
    every = np.array(list(itertools.product((-1.0, 1.0), repeat=columns)))
    found = best = 0.0
    for seed in range(10):
        weights, moments = problem(seed, rows=4, columns=columns, spread=2.0 if per_channel else 0.0)
        least = []  # (scales, rows)
        for exponent in range(-8, 5):
            off = weights[0][:, None, :] - every[None] * 2.0**exponent
            least.append(np.einsum("rci,ij,rcj->rc", off, moments.matrix[0], off).min(axis=1))
        best += np.min(least, axis=0).sum() if per_channel else np.sum(least, axis=1).min()
        values = signs_of(weights, moments, per_channel=per_channel).values()
        error = errors(weights, values, moments).sum()
        found += error
    assert best <= found < 1.5 * best


@pytest.mark.parametrize("scaling", ["range", "error", "output"])
def test_what_signs_can_hold_they_hold(scaling: str) -> None:
    rng = np.random.default_rng(0)
    _, moments = problem(0, 3, 8)
    weights = rng.choice([-0.25, 0.25], (1, 3, 8))
    if scaling != "range":
        assert np.array_equal(signs_of(weights, moments, scaling=scaling).values(), weights)
    rows = weights * np.array([1.0, 8.0, 0.5])[:, None]
    found = signs_of(rows, moments, scaling=scaling, per_channel=True, weight_rounding="nearest")
    assert np.array_equal(np.sign(found.values()), np.sign(rows))
    if scaling != "range":
        assert np.array_equal(found.values(), rows)
        assert found.shift is not None and found.shift.tolist() == [1, 4, 0]


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.abs(np.random.default_rng(0).normal(size=(300, 1, 6, 6)))


@pytest.fixture(scope="module")
def graph() -> hpq.Graph:
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 2, groups=4), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3)),
    )
    return hpq.from_torch(net.eval(), torch.zeros(1, 1, 6, 6))


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_width_of_one_is_a_sign(graph: hpq.Graph, x: np.ndarray, per_channel: bool) -> None:
    widths = {"default": {"weight": 1, "activation": 8}}
    q = hpq.quantize(graph, x, widths, per_channel=per_channel)
    for layer in q.layers.values():
        if layer.weight_raw is None:
            continue
        assert layer.weight_signs
        assert layer.weight_width == 1
        assert (np.abs(layer.weight_codes) == 1).all()
        assert (layer.weight_shift is None) or per_channel
    off = hpq.quantize(graph, x, widths, per_channel=per_channel, bias_correction=False)
    assert q.weight_bits <= off.weight_bits * 1.2
    mean = graph.predict(x).mean(axis=0)
    corrected, plain = (np.abs(network.predict(x).mean(axis=0) - mean).max() for network in (q, off))
    assert corrected < 0.5 * plain


def test_a_whole_type_of_one_bit_is_no_sign(graph: hpq.Graph, x: np.ndarray) -> None:
    quantizer = Quantizer(graph, x)
    for text in ("ap_fixed<1,1>", "ap_fixed<1,1,AP_RND,AP_SAT>"):
        layer = quantizer.quantize({"5": {"weight": text}}).layers["5"]
        assert not layer.weight_signs
        assert layer.weight_type == FixedType.parse(text)
        assert layer.weight_raw is not None
        assert set(np.unique(layer.weight_raw)) <= {-1, 0}
        assert layer.weight_width == 1
    assert quantizer.quantize({"5": {"weight": 1}}).layers["5"].weight_signs
