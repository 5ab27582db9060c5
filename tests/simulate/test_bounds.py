"""Intervals and accumulators: nothing reachable leaves them, and their ends are reached.

What a layer sums is computed here in plain integers, from its types, weights and attributes alone.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.fixed import Interval
from hpq_hls.frontends import from_torch
from hpq_hls.ops import (
    Add,
    AvgPool2d,
    ChannelAffine,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Mean,
    Relu,
    WindowSpec,
)
from hpq_hls.quantize import quantize
from hpq_hls.simulate import LayerSpec, QuantizedGraph, QuantizedLayer, assemble, reference, simulate_all
from tests.networks import random_network

SEEDS = range(50, 86)
Arrays = list[np.ndarray[Any, Any]]


@functools.cache
def network(seed: int) -> QuantizedGraph:
    module, shape = random_network(seed)
    x = np.random.default_rng(seed).normal(size=(4, *shape))
    return quantize(from_torch(module, torch.zeros(2, *shape)), x, 4 + seed % 4)


# The meaning of a layer


def positions(spec: WindowSpec, size: tuple[int, int], out: tuple[int, int]) -> Arrays:
    """Row (out, kh) and column (out, kw) that each output reads with each tap, also outside the input."""
    starts = (spec.padding[0], spec.padding[2])
    return [
        np.arange(out[axis])[:, None] * spec.stride[axis]
        - starts[axis]
        + np.arange(spec.kernel[axis]) * spec.dilation[axis]
        for axis in (0, 1)
    ]


def windows(x: np.ndarray, spec: WindowSpec, out: tuple[int, int], pad: int) -> np.ndarray:
    """(N, C, H, W) -> (N, C, *out, kh, kw)."""
    height, width = x.shape[2:]
    rows, columns = positions(spec, (height, width), out)
    inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[
        None, :, None, :
    ]
    picked = x[:, :, rows.clip(0, height - 1)[:, None, :, None], columns.clip(0, width - 1)[None, :, None, :]]
    return np.where(inside, picked, pad)


def exact_sum(q: QuantizedGraph, layer: QuantizedLayer, inputs: Arrays) -> np.ndarray:
    """The layer's result before activation and cast, with the accumulator's fraction where it casts."""
    x, op, shape = inputs[0], layer.op, q.graph.shapes[layer.name]
    if isinstance(op, Flatten):
        return x.reshape(len(x), -1)
    if isinstance(op, Relu):
        return np.maximum(x, 0)
    if isinstance(op, MaxPool2d):
        return windows(x, op.window, shape[1:], x.min()).max(axis=(4, 5))
    assert layer.accumulator_type is not None
    fraction = layer.accumulator_type.fraction
    types = [q.edges[name].type for name in layer.inputs]
    if isinstance(op, Add):
        return sum(a << (fraction - t.fraction) for a, t in zip(inputs, types, strict=True))
    if isinstance(op, AvgPool2d):
        assert op.constant is not None
        assert fraction == types[0].fraction + op.constant.type.fraction
        return windows(x, op.window, shape[1:], 0).sum(axis=(4, 5)) * op.constant.raw
    if isinstance(op, Mean):
        assert op.constant is not None
        return x.sum(axis=tuple(axis + 1 for axis in op.axes)).reshape(-1, *shape) * op.constant.raw
    assert layer.weight_raw is not None
    assert layer.weight_type is not None
    weight = layer.weight_raw << (fraction - layer.weight_type.fraction - types[0].fraction)
    if isinstance(op, Linear):
        total = x @ weight.T
    elif isinstance(op, ChannelAffine):
        total = x * weight.reshape(-1, *[1] * (x.ndim - 2))
    else:
        assert isinstance(op, Conv2d)
        seen = windows(x, op.window, shape[1:], 0)
        seen = seen.reshape(len(x), op.groups, -1, *seen.shape[2:])
        grouped = weight.reshape(op.groups, -1, *weight.shape[1:])
        total = np.einsum("ngcyxij,gocij->ngoyx", seen, grouped).reshape(len(x), *shape)
    if layer.bias_raw is None:
        return total
    assert layer.bias_type is not None
    bias = layer.bias_raw << (fraction - layer.bias_type.fraction)
    return total + bias.reshape(-1, *[1] * (total.ndim - 2))


def output(layer: QuantizedLayer, total: np.ndarray) -> np.ndarray:
    """Raw output of the layer whose exact sums are ``total``."""
    if layer.activation is not None:
        total = np.maximum(total, 0)
    if layer.accumulator_type is None:
        return total
    return layer.output_type.from_raw(total, layer.accumulator_type.fraction)


# Inputs at the ends of their intervals


def every_window(spec: WindowSpec, size: tuple[int, int], out: tuple[int, int]) -> list[tuple[int, int]]:
    """An output (row, column) for every way a window can lie across the border of the input."""
    found = []
    for reads, length in zip(positions(spec, size, out), size, strict=True):
        found.append(np.unique((reads >= 0) & (reads < length), axis=0, return_index=True)[1].tolist())
    return list(itertools.product(*found))


def extremes(q: QuantizedGraph, layer: QuantizedLayer) -> Arrays:
    """Inputs of the layer at which it is largest and smallest.

    For each row of a dot product the sign of every weight picks an end of the input's interval.
    """
    seen = [q.edges[name].interval for name in layer.inputs]
    shapes = [q.graph.shapes[name] for name in layer.inputs]
    op, weight = layer.op, layer.weight_raw
    if not isinstance(op, (Linear, Conv2d)):
        ends = [(i.lo, i.hi) for i in seen]
        return [np.stack([np.full(s, end) for end in pair]) for pair, s in zip(ends, shapes, strict=True)]
    assert weight is not None
    (interval,), (shape,) = seen, shapes
    picks = [np.where(weight > 0, *ends) for ends in ((interval.hi, interval.lo), (interval.lo, interval.hi))]
    if isinstance(op, Linear):
        return [np.concatenate(picks)]
    out = q.graph.shapes[layer.name][1:]
    reads = positions(op.window, shape[1:], out)
    places = every_window(op.window, shape[1:], out)
    samples = np.full((len(places), 2, len(weight), *shape), interval.lo)
    per_group, per_group_in = len(weight) // op.groups, weight.shape[1]
    for (place, (y, x)), side, row in itertools.product(enumerate(places), range(2), range(len(weight))):
        first = row // per_group * per_group_in
        for i, j in np.ndindex(*op.window.kernel):
            r, c = reads[0][y, i], reads[1][x, j]
            if 0 <= r < shape[1] and 0 <= c < shape[2]:
                samples[place, side, row, first : first + per_group_in, r, c] = picks[side][row, :, i, j]
    return [samples.reshape(-1, *shape)]


def random_inputs(q: QuantizedGraph, layer: QuantizedLayer, rng: np.random.Generator) -> Arrays:
    seen = [(q.edges[name].interval, q.graph.shapes[name]) for name in layer.inputs]
    return [
        np.concatenate([rng.integers(i.lo, i.hi + 1, (24, *shape)), rng.choice([i.lo, i.hi], (24, *shape))])
        for i, shape in seen
    ]


def interval_of(values: np.ndarray) -> Interval:
    return Interval(int(values.min()), int(values.max()))


def sees_all(layer: QuantizedLayer) -> bool:
    """Whether some window of a layer lies inside the image with all of its taps; else bounds are of all taps,
    as the kernel behind the window knows nothing of the image."""
    if not isinstance(layer.op, (Conv2d, AvgPool2d)):
        return True
    return any(mask.all() for mask in layer.op.window.visible(*layer.op.input_size))


# The tests


def test_the_networks_have_every_operator() -> None:
    layers = [layer for seed in SEEDS for layer in network(seed).layers.values()]
    assert {type(layer.op) for layer in layers} == {
        *(Add, AvgPool2d, ChannelAffine, Conv2d, Flatten, Linear, MaxPool2d, Mean, Relu)
    }
    convolutions = [layer.op for layer in layers if isinstance(layer.op, Conv2d)]
    assert any(1 < op.groups < len(op.weights) for op in convolutions)
    assert any(1 < op.groups == len(op.weights) for op in convolutions)
    assert any(max(op.window.stride) > 1 for op in convolutions)
    assert any(max(op.window.dilation) > 1 for op in convolutions)
    assert any(max(op.window.padding) > 0 for op in convolutions)
    assert any(op.window.padding[0] != op.window.padding[1] for op in convolutions)
    assert any(layer.activation is not None for layer in layers)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_reachable_value_leaves_its_interval(seed: int) -> None:
    """From the network's input on: random codes, extremes, and what is adversarial for the first layer."""
    q = network(seed)
    rng = np.random.default_rng(seed)
    first = next(iter(q.layers.values()))
    raw = np.concatenate([random_inputs(q, first, rng)[0], extremes(q, first)[0]])
    values = simulate_all(q, raw)
    assert set(values) == set(q.edges)
    for name, found in values.items():
        assert interval_of(found) in q.edges[name].interval, name
    for name, layer in q.layers.items():
        total = exact_sum(q, layer, [values[given] for given in layer.inputs])
        assert interval_of(total) in layer.accumulator_interval, name
        assert np.array_equal(output(layer, total), values[name]), name
    assert np.array_equal(reference(q, raw), values[q.graph.output])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_layer_stays_inside_its_bounds_and_reaches_them(seed: int) -> None:
    """Each layer alone, fed with everything its input's interval allows."""
    q = network(seed)
    rng = np.random.default_rng(seed)
    for name, layer in q.layers.items():
        totals = [exact_sum(q, layer, given) for given in (extremes(q, layer), random_inputs(q, layer, rng))]
        for total in totals:
            assert interval_of(total) in layer.accumulator_interval, name
            assert interval_of(output(layer, total)) in q.edges[name].interval, name
        if sees_all(layer):
            assert interval_of(totals[0]) == layer.accumulator_interval, name
            assert interval_of(output(layer, totals[0])) == q.edges[name].interval, name


@pytest.mark.parametrize("seed", SEEDS)
def test_accumulators_are_the_narrowest_signed_types(seed: int) -> None:
    for name, layer in network(seed).layers.items():
        kind, interval = layer.accumulator_type, layer.accumulator_interval
        if kind is None:
            assert not layer.op.casts
            continue
        assert kind.signed
        assert interval in kind.code_interval, name
        if kind.width > 2:  # no narrower one is made
            assert interval not in kind.replace(width=kind.width - 1).code_interval, name


def seen_through(q: QuantizedGraph, narrower: int = 0) -> QuantizedGraph:
    """The same one-layer network whose output is its accumulator, a few bits narrower if asked."""
    ((name, layer),) = q.layers.items()
    kind = layer.accumulator_type
    assert kind is not None
    kind = kind.replace(width=kind.width - narrower, integer=kind.integer - narrower)
    spec = LayerSpec(layer.weight_raw, layer.weight_type, layer.bias_raw, layer.bias_type, kind)
    return assemble(q.graph, q.input_type, {name: spec}, q.example_inputs)


ONE_LAYER = {
    "linear": (nn.Linear(20, 4), (20,)),
    "linear without bias": (nn.Linear(9, 3, bias=False), (9,)),
    "conv": (nn.Conv2d(4, 8, 3), (4, 6, 5)),
    "mostly border": (nn.Conv2d(3, 4, 3, padding=1), (3, 3, 3)),
    "padded": (nn.Conv2d(3, 4, (3, 2), padding=(2, 1)), (3, 5, 6)),
    "strided": (nn.Conv2d(2, 4, (2, 3), stride=(3, 2)), (2, 7, 8)),
    "dilated": (nn.Conv2d(2, 3, 3, dilation=(1, 2), padding=1), (2, 5, 7)),
    "grouped": (nn.Conv2d(4, 6, 3, groups=2, stride=2, padding=1), (4, 6, 6)),
    "depthwise": (nn.Conv2d(4, 8, 3, groups=4, padding=1), (4, 4, 4)),
}


@pytest.mark.parametrize("bits", [1, 3, 8])
@pytest.mark.parametrize("kind", ONE_LAYER)
def test_predict_reaches_both_ends_of_the_accumulator(kind: str, bits: int) -> None:
    """Its whole width is needed: with a bit less, the same inputs give other numbers."""
    module, shape = ONE_LAYER[kind]
    rng = np.random.default_rng(bits)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(size=tuple(parameter.shape))))
    graph = from_torch(nn.Sequential(module), torch.zeros(2, *shape))
    q = quantize(graph, rng.normal(size=(8, *shape)), {"0": {"weight": 5}, "input": bits})
    (layer,) = q.layers.values()
    assert q.input_type.width == bits
    assert layer.accumulator_type is not None
    (raw,) = extremes(q, layer)
    x = q.input_type.to_float(raw)
    found = seen_through(q).predict_raw(x)
    assert interval_of(found) == layer.accumulator_interval
    if layer.accumulator_type.width > 2:
        assert not np.array_equal(seen_through(q, narrower=1).predict_raw(x), found)
