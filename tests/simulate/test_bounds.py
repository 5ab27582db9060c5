"""Intervals and accumulators: nothing reachable leaves them, and their ends are reached."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.fixed import Interval, bits_for
from hpq_hls.frontends import from_torch
from hpq_hls.quantize import quantize
from hpq_hls.simulate import simulate, simulate_all
from hpq_hls.simulate.engine import plans
from tests.networks import random_network


@pytest.mark.parametrize("seed", range(12))
def test_no_reachable_value_leaves_its_interval(seed: int) -> None:
    module, shape = random_network(seed + 50)
    rng = np.random.default_rng(seed)
    q = quantize(from_torch(module, torch.zeros(2, *shape)), rng.normal(size=(4, *shape)), 5)
    low, high = q.edges[q.graph.input_name].interval.lo, q.edges[q.graph.input_name].interval.hi
    raw = rng.integers(low, high + 1, size=(64, *shape))
    raw[:16] = rng.choice([low, high], size=(16, *shape))
    for name, found in simulate_all(q, raw).items():
        interval = q.edges[name].interval
        assert interval.lo <= found.min(), name
        assert found.max() <= interval.hi, name


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["linear", "conv", "depthwise"])
def test_accumulators_are_tight(kind: str, seed: int) -> None:
    """Each weight's sign picks its input's extreme; the last bit of the accumulator is then needed."""
    torch.manual_seed(seed)
    module: nn.Module = nn.Linear(20, 4)
    shape: tuple[int, ...] = (20,)
    if kind != "linear":
        groups = 4 if kind == "depthwise" else 1
        module, shape = nn.Conv2d(4, 8, 3, groups=groups), (4, 3, 3)
    x = np.random.default_rng(seed).normal(size=(8, *shape))
    q = quantize(from_torch(nn.Sequential(module), torch.zeros(2, *shape)), x, 6)
    layer = q.layers["0"]
    assert layer.weight_raw is not None
    assert layer.accumulator_type is not None
    interval = q.edges[q.graph.input_name].interval
    reached = []
    for row in range(layer.weight_raw.shape[0]):
        weight = layer.weight_raw[row]
        if kind == "depthwise":
            weight = np.repeat(weight, 4, axis=0)
        for positive, negative in ((interval.hi, interval.lo), (interval.lo, interval.hi)):
            sample = np.where(weight > 0, positive, negative).reshape(1, *shape)
            plan = plans(q, exact_integers=True)["0"]
            total = layer.op.compute([sample.astype(np.int64)], plan.weight, plan.bias)
            reached.append(int(total.reshape(-1)[row]))
            simulate(q, sample)
    found = Interval(min(reached), max(reached))
    assert found == layer.accumulator_interval
    assert layer.accumulator_type.width == max(bits_for(found.hull(Interval(-1, 0)))[0], 2)
