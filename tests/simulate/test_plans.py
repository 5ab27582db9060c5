"""Plans: whatever a layer runs in, bytes, floats or integers, it gives the same integers.

The sums that plans are compared with are products of a matrix that torch derives, in int64 or Python
integers; casts are ``FixedType.from_raw``, which is tested against the Xilinx headers.
"""

from __future__ import annotations

import functools
import itertools
import math
import multiprocessing
import os
import platform
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType, Interval, Overflow, Rounding
from hpq_hls.frontends import from_torch
from hpq_hls.ops import Add, AvgPool2d, ChannelAffine, Conv2d, Linear, Operator, Relu, WindowSpec
from hpq_hls.ops.layout import Scratch, batch_first, batch_last
from hpq_hls.quantize import quantize
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer, byte_kernels, engine, plan, reference, simulate
from hpq_hls.simulate.byte_kernels import BOUND, ByteKernel, byte_dtype
from hpq_hls.simulate.layer import Edge, LayerSpec, quantized_layer
from hpq_hls.simulate.plan import (
    BytePlan,
    LayerPlan,
    Plan,
    byte_plan,
    integer_plan,
    number_plan,
    plan_input,
)

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
OVERFLOWS = list(Overflow)
MODES = list(itertools.product(Rounding, Overflow, (False, True)))
"""Rounding, overflow, whether a ReLU is fused."""
MAKERS = (byte_plan, number_plan, integer_plan)


pytestmark = pytest.mark.usefixtures("one_torch_thread")


# Random layers


class Case(NamedTuple):
    """A layer, the shapes of its inputs, and for each input what it adds to the sums.

    matrices: (elements of the input, elements of the output), integers. bias: the same for every sample,
    aligned. shift: by how much products are shifted to be aligned.
    """

    layer: QuantizedLayer
    shapes: list[Shape]
    matrices: list[Array]
    bias: Array
    shifts: list[int]


def draw_window(rng: np.random.Generator, size: tuple[int, int], kind: str) -> WindowSpec:
    def pair(*values: int) -> tuple[int, int]:
        return int(rng.choice(values)), int(rng.choice(values))

    while True:
        kernel = (1, 1) if kind == "pointwise" else pair(1, 2, 3, 3)
        padding = pair(0, 0, 1, 2, 3) + pair(0, 0, 1, 2, 3)
        if rng.random() < 0.5:
            padding = (padding[0], padding[0], padding[2], padding[2])
        if kind == "average":
            padding = tuple(min(pad, kernel[axis // 2] // 2) for axis, pad in enumerate(padding))  # type: ignore[assignment]
        dilation = (1, 1) if kind == "average" else pair(1, 1, 2, 3)
        spec = WindowSpec(kernel, pair(1, 1, 2, 3), padding, dilation)
        if min(spec.output_size(*size)) >= 1:
            return spec


def draw_operator(rng: np.random.Generator, kind: str) -> tuple[Operator, Shape]:
    """An operator and the shape of its inputs."""
    if kind == "linear":
        inputs = int(rng.integers(1, 40))
        return Linear(np.ones((int(rng.integers(1, 9)), inputs))), (inputs,)
    size = (int(rng.integers(1, 7)), int(rng.integers(1, 7)))
    if kind == "narrow":
        size = (size[0], 1) if rng.random() < 0.5 else (1, size[1])
    channels = int(rng.integers(1, 6))
    if kind in ("add", "affine"):
        shape = (channels,) if rng.random() < 0.3 else (channels, *size)
        return Add() if kind == "add" else ChannelAffine(np.ones(channels), np.ones(channels)), shape
    window = draw_window(rng, size, kind)
    if kind == "average":
        divisor = int(rng.choice([1, 2, 3, 4, 6, 7, 9, window.taps]))
        return AvgPool2d(window, divisor, size), (channels, *size)
    groups = channels if kind == "depthwise" else int(rng.choice([1, 1, 1, 2, 3]))
    per_group = 1 if kind == "depthwise" else channels
    weights = np.ones((groups * int(rng.integers(1, 4)), per_group, *window.kernel))
    return Conv2d(weights, window, size, groups), (groups * per_group, *size)


def draw_edge(rng: np.random.Generator, size: str) -> Edge:
    width = int(rng.integers(*{"small": (1, 9), "medium": (7, 17), "large": (20, 41)}[size]))
    kind = FixedType(width, int(rng.integers(-3, width + 4)), bool(rng.random() < 0.5))
    codes = kind.code_interval
    if rng.random() < 0.7:
        return Edge(kind, codes)
    ends = sorted(int(end) for end in rng.integers(codes.lo, codes.hi + 1, 2))
    return Edge(kind, Interval(*ends))


def draw_output(rng: np.random.Generator, total: Interval, fraction: int, index: int) -> FixedType:
    """A type that drops bits of the sums, or none, or has finer ones; that overflows, or not."""
    rounding, overflow, _ = MODES[index % len(MODES)]
    width = (
        int(rng.integers(1, 17)) if rng.random() < 0.6 else int(rng.choice([7, 8, 8, 8, 24, 25, 31, 54, 64]))
    )
    bits = max(abs(total.lo), abs(total.hi)).bit_length()
    drop = int(
        rng.choice([bits - width + int(rng.integers(-2, 4)), int(rng.integers(-9, 10)), 0, -width, -40, -65])
    )
    signed = overflow is Overflow.WRAP_SM or bool(rng.random() < 0.5)
    return FixedType(width, width - fraction + drop, signed, rounding, overflow)


def taps_matrix(op: Operator, shape: Shape, weight: Array | None) -> Array:
    """What every element of the input adds to every element of the output, int64; from torch, in float64."""
    elements = math.prod(shape)
    if isinstance(op, Linear):
        assert weight is not None
        return weight.T
    if isinstance(op, Add):
        return np.eye(elements, dtype=np.int64)
    if isinstance(op, ChannelAffine):
        assert weight is not None
        return np.diag(np.repeat(weight, elements // len(weight)))
    assert isinstance(op, (AvgPool2d, Conv2d))
    if isinstance(op, Conv2d):
        assert weight is not None
        groups, filters = op.groups, torch.from_numpy(weight.astype(np.float64))
    else:
        assert op.constant is not None
        groups = shape[0]
        filters = torch.full((groups, 1, *op.window.kernel), float(op.constant.raw), dtype=torch.float64)
    top, bottom, left, right = op.window.padding
    each = torch.eye(elements, dtype=torch.float64).reshape(elements, *shape)
    result = functional.conv2d(
        functional.pad(each, (left, right, top, bottom)),
        filters,
        stride=op.window.stride,
        dilation=op.window.dilation,
        groups=groups,
    )
    return result.reshape(elements, -1).numpy().astype(np.int64)


OPERATORS = ["linear", "conv", "depthwise", "pointwise", "narrow", "average", "add", "affine"]
SHIFTED = ("linear", "conv", "depthwise", "pointwise", "affine")
"""Operators with weights, of which there are also cases whose channels have scales of their own."""


def draw_shift(rng: np.random.Generator, channels: int) -> Array:
    """Some channels by 0, most by less than the most."""
    shift = rng.integers(0, 1 + int(rng.choice([1, 2, 3, 5, 7])), channels)
    return shift - shift.min()


@functools.cache
def case(kind: str, index: int, shifted: bool = False, signs: bool = False) -> Case:
    """signs: of the weights, in place of other integers."""
    rng = np.random.default_rng([OPERATORS.index(kind), index, int(shifted)][: 3 if shifted else 2])
    op, shape = draw_operator(rng, kind)
    size = str(rng.choice(["small"] * 5 + ["medium"] * 3 + ["large"]))
    edges = [draw_edge(rng, size) for _ in range(op.arity)]
    weight = weight_type = bias = bias_type = shift = None
    products = edges[0].type.fraction
    if op.weight is not None:
        width = int(rng.integers(2, 9) if size == "small" else rng.integers(5, 17))
        weight_type = FixedType(width, int(rng.integers(-2, width + 2)))
        codes = weight_type.interval
        weight = rng.integers(codes.lo, codes.hi + 1, op.weight.shape)
        if rng.random() < 0.3:
            weight = rng.choice([codes.lo, codes.hi], op.weight.shape)
        if signs:
            width, weight = 2, rng.choice([-1, 1], op.weight.shape)
            weight_type = FixedType(width, weight_type.integer)
        if shifted:
            shift = draw_shift(rng, len(weight))
            weight <<= shift.reshape((-1,) + (1,) * (weight.ndim - 1))
            most = int(shift.max())
            weight_type = FixedType(width + most, weight_type.integer + most)
        products += weight_type.fraction
        if rng.random() < 0.7:
            finer = int(rng.choice([-4, -1, 0, 0, 0, 1, 3])) + (30 if size == "large" else 0)
            bias_type = FixedType(12, 12 - products - finer)
            bias = rng.integers(-2048, 2048, len(weight))
    relu = Relu() if MODES[index % len(MODES)][2] else None
    names = ("a", "b")[: op.arity]

    def make(output: FixedType) -> QuantizedLayer:
        return quantized_layer(
            "layer",
            op,
            names,
            relu,
            edges,
            LayerSpec(weight, weight_type, bias, bias_type, output, shift, weight_signs=signs),
        )

    draft = make(FixedType(8, 8))
    layer = make(draw_output(rng, draft.accumulator_interval, draft.sum_fraction, index))
    fraction = layer.sum_fraction
    matrix = taps_matrix(op, shape, weight)
    offsets = np.zeros(matrix.shape[1], object)
    if bias is not None:
        assert bias_type is not None
        offsets = np.repeat(
            bias.astype(object) * 2 ** (fraction - bias_type.fraction), len(offsets) // len(bias)
        )
    if op.arity > 1:
        shifts = [fraction - edge.type.fraction for edge in edges]
    else:
        shifts = [fraction - products if op.constant is None else 0]
    return Case(layer, [shape] * op.arity, [matrix] * op.arity, offsets, shifts)


@functools.cache
def plans(kind: str, index: int, shifted: bool = False, signs: bool = False) -> dict[str, Plan]:
    """Every plan of a random layer, by the kind of its numbers."""
    found = {}
    for make in MAKERS:
        made = make(case(kind, index, shifted, signs).layer)
        if isinstance(made, BytePlan):
            found["bytes" if made.cast is None else "bytes to float32"] = made
        elif made is not None:
            found[str(made.dtype)] = made
    return found


def inputs(of: Case, rng: np.random.Generator) -> list[Array]:
    """Random samples, samples of extremes, and those that drive some outputs to each of their ends; flat."""
    rows = rng.choice(of.matrices[0].shape[1], 8)
    given = []
    for edge, matrix in zip(of.layer.input_edges, of.matrices, strict=True):
        lo, hi = edge.interval.lo, edge.interval.hi
        positive = matrix[:, rows].T > 0
        parts = [
            np.where(positive, hi, lo),
            np.where(positive, lo, hi),
            rng.integers(lo, hi + 1, (9, len(matrix))),
            rng.choice([lo, hi], (4, len(matrix))),
        ]
        given.append(np.concatenate(parts).astype(np.int64))
    return given


def expected(of: Case, given: list[Array]) -> Array:
    """Raw outputs (batch, elements) in Python integers."""
    total = np.zeros((len(given[0]), of.matrices[0].shape[1]), object) + of.bias
    for x, matrix, shift in zip(given, of.matrices, of.shifts, strict=True):
        largest = int(np.abs(x).max()) * max(int(sum(abs(column))) for column in matrix.T.astype(object))
        wide = np.int64 if largest < 2**62 else object
        total = total + (x.astype(wide) @ matrix.astype(wide)).astype(object) * 2**shift
    if of.layer.activation is not None:
        total = np.maximum(total, 0)
    return of.layer.output_type.from_raw(total, of.layer.sum_fraction)


def as_given(x: Array, shape: Shape, interval: Interval, rng: np.random.Generator, last: bool) -> Array:
    """Samples (batch, elements), batch last, in one of the number types that layers hand on."""
    peak = max(abs(interval.lo), abs(interval.hi))
    dtypes = [np.dtype(np.int64), np.dtype(object)]
    dtypes += [np.dtype(np.float32)] * (peak <= 2**24) + [np.dtype(np.float64)] * (peak <= 2**53)
    narrow = byte_dtype(interval)
    dtypes += [narrow] * 3 if narrow is not None else []
    dtype = dtypes[int(rng.integers(len(dtypes)))]
    values = batch_last(x.reshape(len(x), *shape))
    result = Scratch(channels_last=last).array("", values.shape, dtype)
    np.copyto(result, values, casting="unsafe")
    return result


def outputs(run: Plan, given: list[Array], scratch: Scratch) -> Array:
    """(batch, elements) as Python integers."""
    found = batch_first(run.run(given, scratch))
    return found.reshape(len(found), -1).astype(object)


BYTES = {"bytes", "bytes to float32"}


def has_kernels() -> bool:
    """Whether there are kernels for bytes; for a processor with instructions for them there must be."""
    exact = byte_kernels._processor_is_exact()
    assert exact or not torch.cpu._is_vnni_supported() or "ONEDNN_MAX_CPU_ISA" in os.environ
    return exact


ROUNDS = 5
EACH = ROUNDS * len(MODES)
CHUNKS = [(kind, start) for kind in OPERATORS for start in range(0, EACH, len(MODES))]


@pytest.mark.parametrize(("kind", "start"), CHUNKS)
def test_every_plan_gives_the_same_integers(kind: str, start: int) -> None:
    same_integers(kind, start, shifted=False)


@pytest.mark.parametrize(("kind", "start"), [(kind, start) for kind, start in CHUNKS if kind in SHIFTED])
def test_every_plan_gives_the_same_integers_with_scales_of_channels(kind: str, start: int) -> None:
    same_integers(kind, start, shifted=True)


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("kind", SHIFTED)
def test_every_plan_gives_the_same_integers_with_signs(kind: str, shifted: bool) -> None:
    same_integers(kind, 0, shifted=shifted, signs=True)


def same_integers(kind: str, start: int, *, shifted: bool, signs: bool = False) -> None:
    """Work arrays are shared by the layers, and differ in nothing that shows."""
    work: dict[bool, dict[object, Array]] = {False: {}, True: {}}
    for index in range(start, start + len(MODES)):
        of, rng = case(kind, index, shifted, signs), np.random.default_rng(index)
        raw = inputs(of, rng)
        want = expected(of, raw)
        assert want.min() >= of.layer.output_interval.lo
        assert want.max() <= of.layer.output_interval.hi
        for numbers, run in plans(kind, index, shifted, signs).items():
            for last in (False, True):
                given = [
                    as_given(x, shape, edge.interval, rng, last)
                    for x, shape, edge in zip(raw, of.shapes, of.layer.input_edges, strict=True)
                ]
                before = [x.copy() for x in given]
                found = outputs(run, given, Scratch(work[last], "layer", last))
                assert np.array_equal(found, want), (kind, index, numbers, last)
                assert all(map(np.array_equal, given, before)), (kind, index, numbers, last)
                one = outputs(
                    run, [np.ascontiguousarray(x[..., -1:]) for x in given], Scratch({}, "one", last)
                )
                assert np.array_equal(one, want[-1:]), (kind, index, numbers, last)


def test_the_random_layers_have_every_kind_of_plan() -> None:
    count: Counter[str] = Counter()
    seen: dict[str, set[tuple[Rounding, Overflow]]] = {}
    finer = overflows = 0
    for kind, index in itertools.product(OPERATORS, range(EACH)):
        layer = case(kind, index).layer
        target = layer.output_type
        for numbers, run in plans(kind, index).items():
            count[numbers] += 1
            seen.setdefault(numbers, set()).add((target.rounding, target.overflow))
            if isinstance(run, BytePlan) or (run.cast is not None and run.dtype == np.float32):
                finer += target.fraction > layer.sum_fraction
                overflows += layer.output_interval != layer.accumulator_interval
    assert set(count) - BYTES == {"float32", "float64", "int64", "object"}
    assert min(count.values()) >= 100, count
    floats = set(itertools.product(Rounding, set(Overflow) - {Overflow.WRAP_SM}))
    assert seen["float32"] >= set(itertools.product(Rounding, Overflow))
    assert seen["int64"] >= set(itertools.product(Rounding, Overflow))
    assert seen["float64"] >= floats
    assert finer > 100
    assert overflows > 500
    if has_kernels():
        assert set(count) >= BYTES
        # behind a ReLU the kernel can also round what depends on the sign
        assert {rounding for rounding, _ in seen["bytes"]} == set(Rounding)
        assert len(seen["bytes"]) >= 20
        assert seen["bytes to float32"] >= floats


def scaled_layer(
    codes: Array, shift: Array, bias: Array, edge: Edge, output: FixedType, relu: bool = False
) -> QuantizedLayer:
    """A Linear whose weights are ``codes << shift``; sums have no fraction."""
    width = 20 + int(shift.max())
    spec = LayerSpec(codes << shift[:, None], FixedType(width, width), bias, FixedType(60, 60), output, shift)
    op = Linear(np.ones(codes.shape), np.ones(len(codes)))
    return quantized_layer("layer", op, ("x",), Relu() if relu else None, [edge], spec)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("width", [8, 20])
def test_every_rest_of_a_bias_under_every_scale(rounding: Rounding, width: int) -> None:
    """Weights of ±1, so that sums are every multiple of a channel's power of two, ties among them, and
    biases on and between these; for outputs of bytes and for wider ones."""
    shift = np.repeat(np.arange(8), 2 * 16)
    bias = np.concatenate([np.arange(-8, 8), np.random.default_rng(width).integers(-256, 256, 16)] * 8)
    codes = np.resize([[1], [-1], [1]], (len(shift), 1))
    kind = FixedType(8, 8)
    x = np.arange(-128, 128)[None]
    made: Counter[type] = Counter()
    for drop, relu in itertools.product((-1, 0, 1, 2, 3, 5, 7, 8, 9), (False, True)):
        output = FixedType(width, width + drop, not relu, rounding, Overflow.SAT)
        layer = scaled_layer(codes, shift, bias, Edge(kind, kind.code_interval), output, relu)
        total = ((codes << shift[:, None]) @ x + bias[:, None]).T
        want = output.from_raw(np.maximum(total, 0) if relu else total, 0)
        for make in MAKERS:
            run = make(layer)
            if run is not None:
                made[type(run)] += 1
                assert np.array_equal(outputs(run, [x], Scratch()), want), (drop, relu, run)
    assert (made[BytePlan] == 18) == has_kernels()


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("taps", [1, 7])
def test_scaled_channels_in_floats_up_to_the_last_bit(taps: int, between: bool) -> None:
    """At the limit, counted in grains, float32 is taken and exact; not beyond."""
    shift, drop, peak = np.array([0, 5]), 9, 1023
    edge = Edge(FixedType(11, 11), Interval(-peak, peak))
    limit = (2**24 >> between) - (1 << (drop - 1 - 5))
    for grains, dtype in ((limit, "float32"), (limit + 1, "float64")):
        codes = np.array([[3] * taps, [grains // (peak * taps) - 1] * taps])
        rest = (grains - int(codes[1].sum()) * peak) << 5
        bias = np.array([0, rest - 31 if between else rest])
        for rounding in Rounding:
            output = FixedType(40, 40 + drop, True, rounding, Overflow.SAT)
            layer = scaled_layer(codes, shift, bias, edge, output)
            run = number_plan(layer)
            assert run.dtype == dtype
            ends = [[peak] * taps, [-peak] * taps, [peak - 1] * taps, [1] + [0] * (taps - 1)]
            x = np.array(ends + [[peak - i] + [peak] * (taps - 1) for i in range(16)]).T
            total = (codes << shift[:, None]) @ x + bias[:, None]
            assert np.array_equal(
                outputs(run, [np.ascontiguousarray(x)], Scratch()), output.from_raw(total.T, 0)
            )


def test_scaled_channels_in_bytes_up_to_their_limit() -> None:
    shift, drop = np.array([0, 6]), 8
    edge = Edge(FixedType(8, 8), Interval(-127, 127))
    for grains, is_bytes in ((BOUND - 4, True), (BOUND - 3, False)):
        codes = np.array([[1] * 500, [127] * 500])
        bias = np.array([0, (grains - 127 * 127 * 500) << 6])
        output = FixedType(24, 24 + drop, True, Rounding.RND, Overflow.SAT)
        layer = scaled_layer(codes, shift, bias, edge, output)
        run = byte_plan(layer)
        assert (run is not None) == (is_bytes and has_kernels())
        if run is not None:
            x = np.stack([np.full(500, 127), np.full(500, -127), *np.full((16, 500), 127)]).T
            x[0, 2:] -= np.arange(16)
            total = (codes << shift[:, None]) @ x + bias[:, None]
            assert np.array_equal(outputs(run, [x], Scratch()), output.from_raw(total.T, 0))


def test_the_random_layers_with_scales_of_channels_have_every_kind_of_plan() -> None:
    """Bytes where aligned weights are none, float32 where aligned sums do not fit it."""
    count: Counter[str] = Counter()
    for kind, index in itertools.product(SHIFTED, range(EACH)):
        layer = case(kind, index, True).layer
        assert layer.weight_raw is not None
        for numbers in plans(kind, index, True):
            if numbers in BYTES:
                count[numbers] += int(np.abs(layer.weight_raw).max() > 128)
            else:
                count[numbers] += numbers != "float32" or layer.partial_bound > 2**24
    assert min(count[numbers] for numbers in ("float32", "float64", "int64", "object")) >= 5, count
    if has_kernels():
        assert min(count[numbers] for numbers in BYTES) >= 30, count


# Bounds


def summing(peak: int, weight: int, bound: int, drop: int = 0, taps: int = 1) -> QuantizedLayer:
    """A Linear of taps equal weights and inputs within ±peak whose partial sums are bounded by exactly
    ``bound``; its output is wide enough for them."""
    width = peak.bit_length() + 1
    kind = FixedType(width, width)
    bias = bound - peak * abs(weight) * taps
    assert bias >= 0
    rows = np.full((2, taps), weight)
    rows[1] *= -1
    spec = LayerSpec(
        rows,
        FixedType(20, 20),
        np.array([bias, bias]),
        FixedType(63, 63),
        FixedType(63, 63 + drop, True, Rounding.RND, Overflow.SAT),
    )
    op = Linear(np.ones((2, taps)), np.ones(2))
    layer = quantized_layer("layer", op, ("x",), None, [Edge(kind, Interval(-peak, peak))], spec)
    assert layer.partial_bound == bound
    return layer


def check_at_its_ends(layer: QuantizedLayer, run: Plan, peak: int) -> None:
    """Inputs at which sums reach the bound, and the odd ones beside them."""
    taps = layer.op.weight.shape[1] if layer.op.weight is not None else 1
    x = np.array(
        [[peak] * taps, [-peak] * taps, [peak - 1] * taps, [1] + [0] * (taps - 1), [peak] + [0] * (taps - 1)]
    )
    assert layer.weight_raw is not None
    assert layer.bias_raw is not None
    total = x.astype(object) @ layer.weight_raw.T.astype(object) + layer.bias_raw.astype(object)
    assert total.max() == layer.partial_bound
    want = layer.output_type.from_raw(total, 0)
    for last in (False, True):
        assert np.array_equal(outputs(run, [np.ascontiguousarray(x.T)], Scratch(channels_last=last)), want)


@pytest.mark.parametrize("drop", [0, 1, 5])
@pytest.mark.parametrize("taps", [1, 7])
@pytest.mark.parametrize(
    ("limit", "below", "above", "peak", "weight"),
    [
        (2**24, "float32", "float64", 1023, 999),
        (2**53, "float64", "int64", 2**30 - 1, 2**19 - 1),
    ],
)
def test_floats_up_to_the_last_bit(
    limit: int, below: str, above: str, peak: int, weight: int, taps: int, drop: int
) -> None:
    """At the limit, half a unit of the output included, the narrow type is taken and exact; not beyond."""
    limit -= 1 << (drop - 1) if drop else 0
    for bound, dtype in ((limit, below), (limit + 1, above)):
        layer = summing(peak, weight, bound, drop, taps)
        run = number_plan(layer)
        assert run.dtype == dtype
        check_at_its_ends(layer, run, peak)


@pytest.mark.parametrize("width", [8, 24, 28, 32])
def test_words_of_tables_that_float32_does_not_hold(width: int) -> None:
    x = np.random.default_rng(width).normal(0, 3, (200, 5)).astype(np.float32)
    network = from_torch(nn.Sequential(nn.Linear(5, 4), nn.Sigmoid()).eval(), torch.zeros(1, 5))
    q = quantize(network, x, {"default": 9, "layers": {"1": {"activation": width}}})
    layer, (kind,) = q.layers["1"], {edge.type for edge in q.layers["1"].input_edges}
    codes = q.trace(x)["0"].raw
    right = layer.output_type.from_float(1 / (1 + np.exp(-kind.to_float(codes))))
    made = q.predict_raw(x)
    assert width < 28 or ((made > 1 << 24) & (made % 2 == 1)).any()
    assert np.array_equal(made, right)


def test_int64_up_to_its_limit() -> None:
    for bound, dtype in ((2**62 - 1, "int64"), (2**62, "object")):
        layer = summing(2**40 - 1, 2**19 - 1, bound)
        run = integer_plan(layer)
        assert run.dtype == dtype
        check_at_its_ends(layer, run, 2**40 - 1)


@pytest.mark.parametrize("drop", [0, 1, 6])
@pytest.mark.parametrize("taps", [1, 65])
def test_bytes_up_to_their_limit(taps: int, drop: int) -> None:
    assert float(np.float32(BOUND + 0.5)) == BOUND + 0.5
    for bound, is_bytes in ((BOUND - (1 << drop), True), (BOUND - (1 << drop) + 1, False)):
        layer = summing(127, 126, bound, drop, taps)
        run = byte_plan(layer)
        assert (run is not None) == (is_bytes and has_kernels())
        if run is not None:
            check_at_its_ends(layer, run, 127)


def byte_layer(output: FixedType, relu: bool = False) -> QuantizedLayer:
    rng = np.random.default_rng(3)
    op = Linear(np.ones((8, 16)))
    kind = FixedType(8, 8)
    spec = LayerSpec(rng.integers(-128, 128, (8, 16)), FixedType(8, 8), output_type=output)
    return quantized_layer(
        "layer", op, ("x",), Relu() if relu else None, [Edge(kind, kind.code_interval)], spec
    )


@pytest.mark.parametrize("overflow", [o for o in Overflow if o is not Overflow.WRAP_SM])
@pytest.mark.parametrize("width", [23, 24, 25, 26, 30, 53, 54, 55, 62, 63, 64])
@pytest.mark.parametrize("signed", [True, False])
def test_outputs_finer_than_sums_saturate_and_wrap_exactly(
    width: int, overflow: Overflow, signed: bool
) -> None:
    """Scaled up, sums leave what floats hold, and the ends of the range have more bits than the sums."""
    rng = np.random.default_rng(width)
    x = np.concatenate([rng.integers(-128, 128, (16, 20)), rng.choice([-128, 127, 1], (16, 20))], axis=1)
    for finer in (width - 20, width - 4, 64, 70):
        target = FixedType(width, width - finer, signed, Rounding.RND, overflow)
        layer = byte_layer(target)
        assert layer.weight_raw is not None
        want = target.from_raw((layer.weight_raw @ x).T, 0)
        for made in (make(layer) for make in MAKERS):
            if made is not None:
                assert np.array_equal(outputs(made, [x], Scratch()), want), (made, finer)


@pytest.mark.parametrize("fractions", [(0, 70), (0, 200), (-240, 60), (60, -240)])
def test_what_is_always_zero_may_have_any_fraction(fractions: tuple[int, int]) -> None:
    kinds = [FixedType(8, 8 - fraction) for fraction in fractions]
    edges = [Edge(kinds[0], Interval(0, 0)), Edge(kinds[1], kinds[1].code_interval)]
    spec = LayerSpec(output_type=kinds[1])
    x = [np.zeros((3, 5), np.int64), np.arange(-7, 8).reshape(3, 5)]
    if fractions[0] > fractions[1]:  # then the other is shifted, out of what an accumulator can be
        with pytest.raises(PrecisionError):
            quantized_layer("layer", Add(), ("a", "b"), None, edges, spec)
        return
    layer = quantized_layer("layer", Add(), ("a", "b"), None, edges, spec)
    for make in (number_plan, integer_plan):
        assert np.array_equal(outputs(make(layer), x, Scratch()), x[1].T)
    spec = LayerSpec(
        np.full((2, 3), 100), FixedType(8, 8), np.array([5, -6]), FixedType(8, -292), FixedType(8, -292)
    )
    layer = quantized_layer("layer", Linear(np.ones((2, 3))), ("x",), None, edges[:1], spec)
    for make in (number_plan, integer_plan):
        assert outputs(make(layer), x[:1], Scratch()).tolist() == [[5, -6]] * 5


# Inputs


def awkward(kind: FixedType, rng: np.random.Generator) -> Array:
    """Quarters, also about the ends of the range, and numbers within and beyond it, in units of the type."""
    ends = np.array([kind.min_raw, kind.max_raw, 2 * kind.min_raw, 2**kind.width, -(2**kind.width)], float)
    near = (ends[:, None] + np.arange(-8, 9) / 4).ravel()
    return np.concatenate(
        [np.arange(-40, 41) / 4, near, rng.uniform(-3, 3, 60), rng.uniform(-2, 2, 60) * 2.0**kind.width]
    )


def neighbours(x: Array) -> Array:
    with np.errstate(over="ignore"):
        found = np.concatenate(
            [x, np.nextafter(x, x.dtype.type(np.inf)), np.nextafter(x, x.dtype.type(-np.inf))]
        )
    return found[np.isfinite(found)]


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_are_cast_like_from_float(rounding: Rounding, dtype: type) -> None:
    info = np.finfo(dtype)
    rng = np.random.default_rng(0)
    extremes = np.array(
        [info.max, info.min, info.tiny, -info.tiny, info.smallest_subnormal, 0.0, -0.0], dtype
    )
    for width, signed, overflow in itertools.product(
        (1, 2, 7, 8, 12, 23, 24, 25, 30), (True, False), Overflow
    ):
        if overflow is Overflow.WRAP_SM and not signed:
            continue
        for integer in (width - 5, width, width + 3, 1, width - 70, width - 130, width + 150):
            kind = FixedType(width, integer, signed, rounding, overflow)
            with np.errstate(over="ignore", under="ignore"):
                x = np.ldexp(awkward(kind, rng), -kind.fraction).astype(dtype)
            x = np.concatenate([neighbours(x[np.isfinite(x)]), extremes, neighbours(extremes[2:])])
            want = kind.from_float(x)
            for as_bytes in (False, True):
                run = plan_input(kind, as_bytes)
                found = run.run(x.reshape(-1, 1), Scratch(channels_last=as_bytes))
                assert found.dtype == run.dtype
                assert np.array_equal(batch_first(found).ravel(), want), (kind, as_bytes)
                assert np.array_equal(batch_first(run.copy(want.reshape(-1, 1), Scratch())).ravel(), want)


@pytest.mark.parametrize(("width", "signed"), [(48, True), (49, True), (54, False), (64, True), (64, False)])
def test_wide_inputs_are_cast_like_from_float(width: int, signed: bool) -> None:
    rng = np.random.default_rng(width)
    for rounding, overflow, fraction in itertools.product(Rounding, (Overflow.SAT, Overflow.WRAP), (0, 30)):
        kind = FixedType(width, width - fraction, signed, rounding, overflow)
        x = np.ldexp(awkward(kind, rng), -fraction)
        for given in (x, x.astype(np.float32)):
            run = plan_input(kind)
            found = batch_first(run.run(given.reshape(-1, 1), Scratch())).ravel()
            assert np.array_equal(found.astype(object), kind.from_float(given).astype(object)), kind


# Kernels


TROUBLESOME = {
    "padding beyond the window's reach": ((3, 2, 1, 1), (3, 3), (0, 0, 2, 2), (2, 2), 3, (2, 1)),
    "the input between two taps": ((8, 5, 2, 2), (1, 1), (2, 2, 1, 1), (3, 1), 1, (1, 6)),
    "the input between two taps, grouped": ((64, 8, 2, 2), (1, 3), (2, 2, 2, 2), (3, 2), 16, (1, 16)),
    "the input between two taps, strided": ((8, 2, 2, 3), (2, 2), (1, 1, 0, 0), (3, 1), 1, (2, 11)),
    "one column, strided across": ((3, 3, 2, 4), (1, 3), (0, 0, 1, 2), (2, 2), 1, (8, 5)),
    "one column, strided across, unpadded": ((3, 1, 1, 3), (2, 2), (2, 2, 0, 0), (1, 1), 1, (8, 4)),
    "one column, one tap": ((2, 3, 1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1, (5, 1)),
}
"""Weights, stride, padding, dilation, groups and input size on which torch's kernels crash or go astray."""


def run_troublesome(name: str) -> None:
    shape, stride, padding, dilation, groups, size = TROUBLESOME[name]
    rng = np.random.default_rng(0)
    op = Conv2d(np.ones(shape), WindowSpec(shape[2:], stride, padding, dilation), size, groups)
    weight = rng.integers(-128, 128, shape)
    kind = FixedType(8, 8)
    spec = LayerSpec(weight, kind, output_type=FixedType(24, 24))
    layer = quantized_layer("layer", op, ("x",), None, [Edge(kind, kind.code_interval)], spec)
    run = plan.plan_layer(layer)
    assert "column" in name or not byte_kernels._pads_itself(op)
    assert isinstance(run, LayerPlan if "column" in name or not has_kernels() else BytePlan)
    for batch in (1, 2, 3, 5, 8, 16, 33, 64):
        x = rng.integers(-128, 128, (batch, shape[1] * groups, *size))
        given = np.ascontiguousarray(batch_last(x))
        want = integer_plan(layer).run([given], Scratch())
        assert np.array_equal(run.run([given], Scratch()), want)


def in_a_process(code: str, **environment: str) -> str:
    """Standard output of Python code; fails with what it says if it fails, also by a signal."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


def test_geometries_that_kernels_stumble_over() -> None:
    """In a process of their own, because they crashed it."""
    code = (
        "from tests.simulate.test_plans import *\nfor name in TROUBLESOME: print(name); run_troublesome(name)"
    )
    assert in_a_process(code).splitlines() == list(TROUBLESOME)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors have no such")
@pytest.mark.parametrize("isa", ["AVX512_CORE", "AVX2"])
def test_processors_whose_kernels_saturate_have_none(isa: str) -> None:
    """oneDNN is told to do without instructions that sum products of bytes in 32 bits. Which of its kernels
    runs depends on the batch also; for this layer the one for small batches would still be exact."""
    code = (
        "from tests.simulate.test_plans import *\n"
        "print(byte_kernels._processor_is_exact(), byte_plan(byte_layer(FixedType(8, 16))))\n"
        "q, x = network('conv')\n"
        "assert np.array_equal(simulate(q, q.quantize_input(x)), reference(q, q.quantize_input(x)))"
    )
    assert in_a_process(code, ONEDNN_MAX_CPU_ISA=isa) == "False None\n"


class PairKernel:
    """A kernel for Linear in numpy that can saturate sums of two products to 16 bits."""

    def __init__(self, weight: Array, bias: Array, scale: Array, output: Any, saturates: bool) -> None:
        self.weight, self.bias, self.scale, self.output = weight.astype(np.int64), bias, scale, output
        self.saturates = saturates

    def run(self, x: Array, scratch: Scratch) -> Array:
        zero = 0 if x.min() >= 0 else 128
        products = self.weight[:, :, None] * (x.astype(np.int64) + zero)
        if products.shape[1] % 2:
            products = np.concatenate([products, np.zeros_like(products[:, :1])], axis=1)
        pairs = products[:, ::2] + products[:, 1::2]
        if self.saturates:
            pairs = pairs.clip(-(2**15), 2**15 - 1)
        total = pairs.sum(axis=1) - zero * self.weight.sum(axis=1)[:, None]
        result = total * self.scale[:, None] + self.bias[:, None]
        if self.output == np.float32:
            return result
        return np.rint(result).clip(np.iinfo(self.output).min, np.iinfo(self.output).max)


@pytest.mark.parametrize("saturates", [False, True])
def test_kernels_that_saturate_are_noticed(monkeypatch: pytest.MonkeyPatch, saturates: bool) -> None:
    def packed(op, given, output, weight, bias, scale):
        return PairKernel(weight, bias, scale, output, saturates)

    monkeypatch.setattr(ByteKernel, "_packed", packed)
    for taps, given, output in itertools.product(
        (2, 3, 9, 64, 400), (np.uint8, np.int8), (np.uint8, np.int8, np.float32)
    ):
        op = Linear(np.ones((5, taps)))
        agrees = byte_kernels._agrees(op, np.dtype(given), np.dtype(output))
        assert agrees != saturates, (taps, given, output)


# Networks


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Shape, int]] = {
    "conv": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1, groups=8),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * 4, 5),
        ),
        (3, 8, 8),
        8,
    ),
    "mlp": (lambda: nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5)), (16,), 6),
    "wide": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3)),
        (2, 7, 7),
        14,
    ),
}


@functools.cache
def network(name: str) -> tuple[QuantizedGraph, Array]:
    """A quantized network and samples for it."""
    make, shape, bits = NETWORKS[name]
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(301, *shape)).astype(np.float32)
    return quantize(from_torch(make().eval(), torch.zeros(2, *shape)), x[:40], bits), x


@functools.cache
def answers(name: str) -> Array:
    q, x = network(name)
    return reference(q, q.quantize_input(x))


def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget plans and what is known of kernels."""
    monkeypatch.setattr(plan, "_PLANS", type(plan._PLANS)())
    monkeypatch.setattr(byte_kernels, "_EXACT", type(byte_kernels._EXACT)())


def kinds_of_plan(name: str) -> set[type]:
    return {type(run) for run in engine.Schedule.of(network(name)[0]).plans.values()}


def test_the_networks_run_in_bytes_and_in_floats() -> None:
    assert (BytePlan in kinds_of_plan("conv")) == has_kernels()
    assert (BytePlan in kinds_of_plan("mlp")) == has_kernels()
    assert kinds_of_plan("wide") == {LayerPlan}


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_and_threads_make_no_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    q, x = network(name)
    raw = q.quantize_input(x)
    lengths = set()
    for threads, memory, block in itertools.product((1, 2, 3), (1, 1 << 14, 1 << 22), (1, 8, 1 << 12)):
        monkeypatch.setattr("hpq_hls.simulate.threads.thread_count", lambda threads=threads: threads)
        monkeypatch.setattr(engine, "thread_count", lambda threads=threads: threads)
        for constant in ("BLOCK_BYTES", "BYTE_BLOCK_BYTES"):
            monkeypatch.setattr(engine, constant, memory)
        monkeypatch.setattr(engine, "MIN_BLOCK", min(block, 8))
        for constant in ("MAX_BLOCK", "MAX_BYTE_BLOCK"):
            monkeypatch.setattr(engine, constant, block)
        for count in (1, 2, 9, 301):
            lengths.add(len(engine.Schedule.of(q).blocks(count)))
            assert np.array_equal(q.predict_raw(x[:count]), answers(name)[:count])
        assert np.array_equal(simulate(q, raw), answers(name))
    assert {1, 2, 3} <= lengths
    assert max(lengths) > 30


@pytest.mark.parametrize("name", NETWORKS)
def test_calls_from_several_threads_at_once(name: str) -> None:
    q, x = network(name)
    want, counts = answers(name), (301, 1, 64, 200)
    found: list[bool] = []
    start = threading.Barrier(4)

    def work(first: int) -> None:
        start.wait()
        found.extend(np.array_equal(q.predict_raw(x[first:][:n]), want[first:][:n]) for n in counts)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 16


def _answers_of_a_child(name: str, fresh_plans: bool, queue: Any) -> None:
    q, x = network(name)
    if fresh_plans:
        plan._PLANS.clear()
        byte_kernels._EXACT.clear()
    queue.put([np.array_equal(q.predict_raw(x[:count]), answers(name)[:count]) for count in (1, 5, 301)])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize("fresh_plans", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_forked_process_gives_the_same_and_does_not_hang(name: str, fresh_plans: bool) -> None:
    """Torch has used its threads before, and they are not there after the fork."""
    torch.set_num_threads(2)
    q, x = network(name)
    q.predict_raw(x)
    answers(name)
    torch.ones(600, 600) @ torch.ones(600, 600)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_answers_of_a_child, args=(name, fresh_plans, queue))
    child.start()
    try:
        assert queue.get(timeout=60) == [True] * 3
    finally:
        child.kill()
        child.join()


def no_kernel(*args: object) -> object:
    raise RuntimeError("no such kernel")


@pytest.mark.parametrize("name", ["conv", "mlp"])
@pytest.mark.parametrize("how", ["inexact", "missing", "raising", "old processor"])
def test_without_kernels_for_bytes_floats_give_the_same(
    name: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    q, x = network(name)
    fresh(monkeypatch)
    if how == "inexact":
        monkeypatch.setattr(byte_kernels, "_agrees", lambda *_: False)
    elif how == "missing":
        monkeypatch.setattr(torch.ops, "onednn", object())
    elif how == "old processor":
        monkeypatch.setattr(byte_kernels, "_processor_is_exact", lambda: False)
    else:
        for operator in ("qlinear_prepack", "qconv_prepack"):
            monkeypatch.setattr(torch.ops.onednn, operator, no_kernel)
    assert kinds_of_plan(name) == {LayerPlan}
    assert np.array_equal(q.predict_raw(x), answers(name))
    assert np.array_equal(simulate(q, q.quantize_input(x)), answers(name))
