"""The layer rules of docs/numerics.md, written again with loops and fractions, against the simulator."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.frontends import from_torch
from hpq_hls.ops import Add, AvgPool2d, ChannelAffine, Conv2d, Flatten, Linear, MaxPool2d, Mean, Relu
from hpq_hls.quantize import quantize
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer, reference, simulate
from tests.networks import random_network
from tests.scales import with_shifts


def cast(value: Fraction, to: FixedType) -> Fraction:
    """Value of the cast, from the definitions of the modes."""
    scaled = value * Fraction(2) ** to.fraction
    down = math.floor(scaled)
    rest = scaled - down
    half = Fraction(1, 2)
    up = {
        Rounding.TRN: False,
        Rounding.TRN_ZERO: rest > 0 and scaled < 0,
        Rounding.RND: rest >= half,
        Rounding.RND_ZERO: rest > half or (rest == half and scaled < 0),
        Rounding.RND_INF: rest > half or (rest == half and scaled > 0),
        Rounding.RND_MIN_INF: rest > half,
        Rounding.RND_CONV: rest > half or (rest == half and down % 2 == 1),
    }[to.rounding]
    raw = down + up
    low, high = (-(2 ** (to.width - 1)), 2 ** (to.width - 1) - 1) if to.signed else (0, 2**to.width - 1)
    if to.overflow is Overflow.SAT_SYM and to.signed:
        low = -high
    if not low <= raw <= high:
        if to.overflow in (Overflow.SAT, Overflow.SAT_SYM):
            raw = min(max(raw, low), high)
        elif to.overflow is Overflow.SAT_ZERO:
            raw = 0
        else:
            assert to.overflow is Overflow.WRAP
            raw = (raw - low) % 2**to.width + low
    return raw / Fraction(2) ** to.fraction


def values(raw: np.ndarray, kind: FixedType) -> np.ndarray:
    """Raw integers as Fractions."""
    return np.vectorize(lambda r: Fraction(int(r)) / Fraction(2) ** kind.fraction, otypes=[object])(raw)


def windows(x: np.ndarray, spec, pad):  # type: ignore[no-untyped-def]
    """(C, oh, ow, kh, kw) Fractions, position by position."""
    channels, height, width = x.shape
    oh, ow = spec.output_size(height, width)
    result = np.empty((channels, oh, ow, *spec.kernel), dtype=object)
    for c, oy, ox, ky, kx in np.ndindex(*result.shape):
        y = oy * spec.stride[0] - spec.padding[0] + ky * spec.dilation[0]
        z = ox * spec.stride[1] - spec.padding[2] + kx * spec.dilation[1]
        result[c, oy, ox, ky, kx] = x[c, y, z] if 0 <= y < height and 0 <= z < width else pad
    return result


def layer_rule(layer: QuantizedLayer, inputs: list[np.ndarray]) -> np.ndarray:
    x, op = inputs[0], layer.op
    zero = Fraction(0)
    if isinstance(op, Flatten):
        return x.reshape(-1)
    if isinstance(op, Relu):
        return np.maximum(x, zero)
    if isinstance(op, MaxPool2d):
        return windows(x, op.window, min(x.reshape(-1))).max(axis=(3, 4))
    weight = None if layer.weight_raw is None else values(layer.weight_codes, layer.stored_weight_type)
    if layer.weight_shift is not None:
        for row, shift in zip(
            weight if weight.ndim > 1 else weight[:, None], layer.weight_shift, strict=True
        ):
            row *= 2 ** int(shift)
    if isinstance(op, Linear):
        total = (weight * x).sum(axis=1)
    elif isinstance(op, ChannelAffine):
        total = weight.reshape((-1,) + (1,) * (x.ndim - 1)) * x
    elif isinstance(op, Conv2d):
        seen = windows(x, op.window, zero)
        per_group, rows = weight.shape[1], weight.shape[0] // op.groups
        total = np.stack(
            [
                (seen[(m // rows) * per_group : (m // rows + 1) * per_group] * weight[m][:, None, None]).sum(
                    axis=(0, 3, 4)
                )
                for m in range(weight.shape[0])
            ]
        )
    elif isinstance(op, Add):
        total = inputs[0] + inputs[1]
    else:
        assert isinstance(op, (AvgPool2d, Mean))
        n = op.divisor if isinstance(op, AvgPool2d) else op.length
        k = n.bit_length() - 1
        factor = Fraction(1, n) if n == 1 << k else Fraction(2 ** (19 + k) // n + 1 >> 1, 2 ** (18 + k))
        if isinstance(op, Mean):
            total = x.sum(axis=op.axes, keepdims=op.keep) * factor
        else:
            total = windows(x, op.window, zero).sum(axis=(3, 4)) * factor
    if layer.bias_raw is not None:
        total = total + values(layer.bias_raw, layer.bias_type).reshape((-1,) + (1,) * (total.ndim - 1))
    if layer.activation is not None:
        total = np.maximum(total, zero)
    return np.vectorize(lambda v: cast(v, layer.output_type), otypes=[object])(total)


def network_rule(q: QuantizedGraph, sample: np.ndarray) -> np.ndarray:
    to_input = np.vectorize(lambda v: cast(Fraction(float(v)), q.input_type), otypes=[object])
    edges = {q.graph.input_name: to_input(sample)}
    for name, layer in q.layers.items():
        edges[name] = layer_rule(layer, [edges[given] for given in layer.inputs])
    return edges[q.graph.output]


MODES = [
    ("AP_RND", "AP_SAT"),
    ("AP_TRN", "AP_WRAP"),
    ("AP_TRN_ZERO", "AP_SAT_SYM"),
    ("AP_RND_ZERO", "AP_SAT_ZERO"),
    ("AP_RND_INF", "AP_SAT"),
    ("AP_RND_MIN_INF", "AP_WRAP"),
    ("AP_RND_CONV", "AP_SAT"),
]


@pytest.mark.parametrize("seed", range(28))
def test_simulator_follows_the_documented_rules(seed: int) -> None:
    module, shape = random_network(seed + 1000)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, *shape)) * 2
    rounding, overflow = MODES[seed % len(MODES)]
    widths = {"default": {"weight": int(rng.integers(1, 17)), "activation": int(rng.integers(1, 17))}}
    q = quantize(from_torch(module, torch.zeros(2, *shape)), x, widths, rounding=rounding, overflow=overflow)
    follows(q, x)


@pytest.mark.parametrize("seed", range(14))
def test_scales_of_channels_follow_the_documented_rules(seed: int) -> None:
    module, shape = random_network(seed + 1100)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, *shape)) * 2
    rounding, overflow = MODES[seed % len(MODES)]
    widths = {"default": {"weight": int(rng.integers(2, 9)), "activation": int(rng.integers(2, 9))}}
    q = quantize(from_torch(module, torch.zeros(2, *shape)), x, widths, rounding=rounding, overflow=overflow)
    follows(with_shifts(q, seed), x)


def follows(q: QuantizedGraph, x: np.ndarray) -> None:
    expected = np.stack([network_rule(q, sample) for sample in x])
    raw = q.predict_raw(x)
    assert raw.dtype == np.int64
    assert raw.shape == (len(x), *q.output_shape)
    np.testing.assert_array_equal(values(raw, q.output_type), expected)
    np.testing.assert_array_equal(q.predict(x), expected.astype(np.float64))


@pytest.mark.parametrize("width", [2, 5, 8, 11, 16, 24, 32])
def test_fast_paths_equal_integers(width: int) -> None:
    """float32, float64, int64 and Python integers give the same words."""
    for seed in (1, 2, 3, 4):
        module, shape = random_network(seed)
        x = np.random.default_rng(seed).normal(size=(9, *shape))
        q = quantize(from_torch(module, torch.zeros(2, *shape)), x, width)
        raw = q.quantize_input(x)
        fast, slow = simulate(q, raw), reference(q, raw)
        np.testing.assert_array_equal(fast, slow)
