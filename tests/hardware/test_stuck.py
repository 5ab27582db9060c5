"""Rows cast to one number whatever comes in, and casts that never overflow, found beside all inputs."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import HardwareConfig, Io, without_dead
from hpq_hls.hardware.stuck import sticks, stuck_rows
from hpq_hls.hardware.wrapping import can_overflow, without_saturation
from hpq_hls.ops import Linear, PRelu, Relu
from hpq_hls.ops.base import Operator
from hpq_hls.ops.layout import Scratch
from hpq_hls.simulate import QuantizedLayer
from hpq_hls.simulate.engine import reference
from hpq_hls.simulate.layer import Edge, LayerSpec, quantized_layer
from hpq_hls.simulate.plan import integer_plan

WIDE = 40


def drawn(draw: random.Random) -> tuple[QuantizedLayer, np.ndarray]:
    """A small layer, widths, modes and activation drawn, and all that it may be given: (samples, columns)."""
    rng = np.random.default_rng(draw.getrandbits(32))
    rows, columns = draw.randint(1, 6), draw.randint(1, 3)
    given = FixedType(draw.randint(1, 3), draw.randint(-1, 3), draw.random() < 0.5)
    weights = FixedType(draw.randint(2, 6), draw.randint(-2, 3))
    offsets = FixedType(draw.randint(2, 12), draw.randint(0, 8))
    overflow = draw.choice([mode for mode in Overflow if mode is not Overflow.WRAP_SM])
    target = FixedType(
        draw.randint(1, 8), draw.randint(-1, 8), draw.random() < 0.6, draw.choice([*Rounding]), overflow
    )
    slopes = np.array([draw.choice([0.0, 0.125, -0.5, -3.0, 1.5]) for _ in range(rows)])
    activation: Operator | None = draw.choice([None, Relu(), PRelu(slopes)])
    spec = LayerSpec(
        rng.integers(weights.min_raw, weights.max_raw + 1, (rows, columns)), weights,
        rng.integers(offsets.min_raw, offsets.max_raw + 1, rows), offsets, target,
    )  # fmt: skip
    edge = Edge(given, given.code_interval)
    layer = quantized_layer("fc", Linear(np.ones((rows, columns))), ("x",), activation, [edge], spec)
    codes = range(edge.interval.lo, edge.interval.hi + 1)
    return layer, np.array([*itertools.product(codes, repeat=columns)])


def outputs(layer: QuantizedLayer, given: np.ndarray) -> np.ndarray:
    """(samples, rows)."""
    return np.asarray(integer_plan(layer).run([np.ascontiguousarray(given.T)], Scratch()).T)


@pytest.mark.parametrize("seed", range(300))
def test_rows_that_are_stuck_are_those_that_never_change(seed: int) -> None:
    """All of them where the larger of two sums never becomes the smaller number."""
    layer, given = drawn(random.Random(seed))
    low, high = given.min(axis=0), given.max(axis=0)
    made, found = outputs(layer, given), stuck_rows(layer, low, high)
    assert found is not None and layer.weight_raw is not None
    still = (made == made[0]).all(axis=0) & (layer.weight_raw != 0).any(axis=1)
    assert not (found.mask & ~still).any()
    assert (made[:, found.mask] == found.raw[found.mask]).all()
    assert found.sums.shape == found.mask.shape and found.sums.dtype == np.int64
    assert sticks(layer) == found.mask.any()
    if layer.output_type.overflow in (Overflow.SAT, Overflow.SAT_SYM) and not isinstance(
        layer.activation, PRelu
    ):
        assert (found.mask == still).all()


@pytest.mark.parametrize("seed", range(300))
def test_casts_that_overflow_saturate(seed: int) -> None:
    """A layer can overflow exactly if some row of it, for some input, is more than a wider type cuts off."""
    layer, given = drawn(random.Random(seed))
    kind = layer.output_type
    wide = FixedType(WIDE, WIDE - kind.fraction, True, kind.rounding, Overflow.WRAP)
    spec = LayerSpec(layer.weight_raw, layer.weight_type, layer.bias_raw, layer.bias_type, output_type=wide)
    slopes = layer.activation if layer.activation is None else layer.activation.rounded(kind)
    whole = outputs(quantized_layer("fc", layer.op, ("x",), slopes, layer.input_edges, spec), given)
    overflown = whole.min() < kind.interval.lo or whole.max() > kind.interval.hi
    assert can_overflow(layer) or not overflown
    if not isinstance(layer.activation, PRelu):
        assert can_overflow(layer) == overflown


@pytest.mark.parametrize("io", [*Io])
def test_hardware_of_sums_that_fit_wraps(io: Io) -> None:
    """Types of widths without integer bits to spare saturate, the others do not; words are the same."""
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 4), nn.ReLU(), nn.Linear(4, 3))
    x = np.random.default_rng(1).normal(size=(300, 5)).astype(np.float32)
    narrow, wide = "ap_ufixed<6,0,AP_RND,AP_SAT>", "ap_ufixed<12,7,AP_RND,AP_SAT>"
    graph = from_torch(net.eval(), torch.tensor(x[:1]))
    first, second, third = hpq.quantize(graph, x, 6).layers
    q = hpq.quantize(
        graph,
        x,
        {
            "input": 6,
            first: {"weight": 6, "activation": narrow},
            second: {"weight": 6, "activation": wide},
            third: 6,
        },
    )
    left = without_dead(q, HardwareConfig(io=io))
    modes = {name: layer.output_type.overflow for name, layer in left.layers.items()}
    assert (modes[first], modes[second]) == (Overflow.SAT, Overflow.WRAP)
    assert left.layers[third].input_edges[0].type == left.layers[second].output_type
    assert without_saturation(left) is left
    raw = q.quantize_input(x)
    assert np.array_equal(reference(left, raw), reference(q, raw))
