"""Exact integer arithmetic and the accumulator rule against the operators of the Xilinx headers."""

from __future__ import annotations

import functools
import itertools
import operator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from hpq_hls.fixed import FixedType, Interval, Rounding, align, bits_for
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph, prepare
from hpq_hls.simulate import LayerSpec, QuantizedLayer, assemble
from tests.fixed.operands import fixed_operands, words_of, words_of_operands

EXHAUSTIVE_PAIR = 14  # bits of two operands together, up to which every pair of codes is computed with
RANDOM = 10_000

ARITHMETIC = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul}
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.fixture(scope="module")
def oracle(build_oracle):
    return build_oracle("arithmetic")


def entries(oracle: Any, *operations: str) -> list[Any]:
    found = [entry for entry in oracle.table if entry.fields[1] in operations]
    assert found
    return found


def types_of(entry: Any) -> list[FixedType]:
    """The types of the operands and, last, of the result."""
    return [FixedType.parse(text) for text in entry.fields[2:]]


def operands(kinds: list[FixedType], seed: int) -> list[npt.NDArray[Any]]:
    """Raw values for each operand: all combinations of narrow ones, else random ones; object arrays."""
    codes = [fixed_operands(kind.width, kind.signed, RANDOM, seed + i) for i, kind in enumerate(kinds)]
    if sum(kind.width for kind in kinds) <= EXHAUSTIVE_PAIR:
        codes = [grid.ravel() for grid in np.meshgrid(*codes, indexing="ij")]
    else:
        rng = np.random.default_rng(seed)
        codes = [rng.permutation(np.resize(code, max(RANDOM, code.size)))[:RANDOM] for code in codes]
        ends = [[kind.code_interval.lo, kind.code_interval.hi, -1 if kind.signed else 0] for kind in kinds]
        corners = np.array(list(itertools.product(*ends)), dtype=object).T
        codes = [np.concatenate([code, corner]) for code, corner in zip(codes, corners, strict=True)]
    return [code.astype(object) for code in codes]


def numbers(words: npt.NDArray[np.uint64], kind: FixedType) -> list[int]:
    """The raw values that an oracle's words hold."""
    if words.ndim == 1:
        return words.view(np.int64 if kind.signed else np.uint64).tolist()
    high = words[:, 1].view(np.int64) if kind.signed else words[:, 1]
    return [(high << 64) | low for low, high in zip(words[:, 0].tolist(), high.tolist(), strict=True)]


def ask(oracle: Any, entry: Any, raw: list[npt.NDArray[Any]]) -> list[int]:
    """The header's results as raw values."""
    kinds = types_of(entry)
    words = [words_of_operands(r, k.width).reshape(len(r), -1) for r, k in zip(raw, kinds, strict=False)]
    (found,) = oracle([(entry, np.concatenate(words, axis=1))])
    return numbers(found, kinds[-1])


def common(raw: list[npt.NDArray[Any]], kinds: list[FixedType]) -> tuple[list[npt.NDArray[Any]], int]:
    """The same values with one fraction for all, and that fraction."""
    fraction = max(kind.fraction for kind in kinds)
    aligned = [align(r, k.fraction, fraction).astype(object) for r, k in zip(raw, kinds, strict=True)]
    return aligned, fraction


def exact(operation: str, one: Any, other: Any, kinds: list[FixedType]) -> tuple[Any, int]:
    """Raw values of the exact result, and their fraction."""
    if operation == "multiply":
        return one * other, kinds[0].fraction + kinds[1].fraction
    (one, other), fraction = common([one, other], kinds)
    return ARITHMETIC[operation](one, other), fraction


@pytest.mark.parametrize("operation", ARITHMETIC)
def test_sums_and_products_are_exact(oracle, operation):
    for entry in entries(oracle, operation):
        *kinds, result = types_of(entry)
        raw = operands(kinds, entry.index)
        expected, fraction = exact(operation, *raw, kinds)
        assert result.fraction == fraction, entry
        assert ask(oracle, entry, raw) == expected.tolist(), entry


@pytest.mark.parametrize("operation", ARITHMETIC)
def test_interval_arithmetic_fits_the_types_of_the_header(oracle, operation):
    """The types the header derives hold our intervals, which are the narrower or equal ones."""
    for entry in entries(oracle, operation):
        *kinds, result = types_of(entry)
        one, other = (kind.code_interval for kind in kinds)
        if operation == "multiply":
            interval = other.scale(one.lo).hull(other.scale(one.hi))
        else:
            fraction = max(kind.fraction for kind in kinds)
            one, other = (k.code_interval.shift(fraction - k.fraction) for k in kinds)
            interval = one.add(other if operation == "add" else other.scale(-1))
        assert interval in result.code_interval, entry
        assert bits_for(interval)[0] <= result.width
        raw = operands(kinds, entry.index)
        found, _ = exact(operation, *raw, kinds)
        assert Interval(min(found), max(found)) == interval  # the ends are among the corners


# From 32 bits on, the header orders a negative number above any unsigned one of at least its own width, with
# both aligned, and finds some equal. It compares modulo 2^n; the n of order and the n of equality:
NEGATIVE_ABOVE_UNSIGNED = {
    ("ap_fixed<32,16>", "ap_ufixed<32,16>"): (33, 64),
    ("ap_ufixed<40,20>", "ap_fixed<40,10>"): (52, 51),
    ("ap_ufixed<64,30>", "ap_fixed<64,30>"): (65, 64),
}


def test_comparisons(oracle):
    for entry in entries(oracle, "compare"):
        *kinds, _ = types_of(entry)
        raw = operands(kinds, entry.index)
        (one, other), _ = common(raw, kinds)
        order = equality = one, other
        if (modulo := NEGATIVE_ABOVE_UNSIGNED.get(entry.fields[2:4])) is not None:
            assert (one < 0).any() or (other < 0).any()
            order, equality = ([side % (1 << bits) for side in (one, other)] for bits in modulo)
        expected = sum(
            compare(*(equality if compare in (operator.eq, operator.ne) else order)).astype(int) << bit
            for bit, compare in enumerate(COMPARISONS)
        )
        assert ask(oracle, entry, raw) == expected.tolist(), entry


def test_negation(oracle):
    for entry in entries(oracle, "negate"):
        kind, result = types_of(entry)
        assert (result.width, result.fraction, result.signed) == (kind.width + 1, kind.fraction, True)
        (raw,) = operands([kind], entry.index)
        assert ask(oracle, entry, [raw]) == (-raw).tolist()


@pytest.mark.parametrize("operation", ["shift_left", "shift_right"])
def test_shifts_drop_bits_whatever_the_modes_are(oracle, operation):
    """A shift keeps the type and ignores its modes: it is the cast with AP_TRN and AP_WRAP."""
    for entry in entries(oracle, operation):
        kind, result = types_of(entry)
        assert (result.width, result.integer, result.signed) == (kind.width, kind.integer, kind.signed)
        plain = FixedType(kind.width, kind.integer, kind.signed)
        codes = fixed_operands(kind.width, kind.signed, 600, entry.index).astype(object)
        shifts = np.arange(-70, 71)
        raw, by = (grid.ravel() for grid in np.meshgrid(codes, shifts))
        (found,) = oracle([(entry, np.stack([words_of(raw), words_of(by)], axis=1))])
        left = shifts if operation == "shift_left" else -shifts
        expected = [plain.from_raw(codes, kind.fraction - int(step)).tolist() for step in left]
        assert numbers(found, kind) == list(itertools.chain.from_iterable(expected)), entry


def test_assignment_of_an_exact_sum(oracle):
    for entry in entries(oracle, "assign"):
        *kinds, target = types_of(entry)
        raw = operands(kinds, entry.index)
        product, fraction = exact("multiply", raw[0], raw[1], kinds)
        total = align(product, fraction, top := max(fraction, kinds[2].fraction)).astype(object)
        total += align(raw[2], kinds[2].fraction, top).astype(object)
        assert ask(oracle, entry, raw) == target.from_raw(total, top).tolist(), entry
        assert target.rounding is not Rounding.TRN or target.fraction < top


# The accumulator rule

TERMS = 8


@functools.cache
def dot_graph() -> Graph:
    module = nn.Sequential(nn.Linear(TERMS, TERMS), nn.Linear(TERMS, 1))
    return prepare(from_torch(module, torch.zeros(2, TERMS)))


def dot_layer(
    weight: npt.NDArray[np.int64], bias: int, shift: int, weight_type: FixedType, x: FixedType, b: FixedType
) -> tuple[QuantizedLayer, Interval]:
    """A dot product behind a layer that adds ``shift`` to codes of one bit less, and its input's range.

    The inputs' interval need not contain 0, and then partial sums leave the range of the whole.
    """
    given = FixedType(x.width - 1, x.integer - 1, x.signed)
    one = FixedType(2, 2)
    before = LayerSpec(np.eye(TERMS, dtype=np.int64), one, np.full(TERMS, shift), x.replace(signed=True), x)
    dot = LayerSpec(weight.reshape(1, -1), weight_type, np.array([bias]), b, FixedType(8, 8))
    q = assemble(dot_graph(), given, {"0": before, "1": dot}, np.zeros((1, TERMS), np.int64))
    return q.layers["1"], q.edges["0"].interval


def accumulate(oracle: Any, entry: Any, bias: int, weight: Any, x: Any) -> list[int]:
    """The header's accumulator after ``bias + sum(weight * x)``; weight, x: (samples, TERMS)."""
    pairs = np.stack([weight, x], axis=2).reshape(len(x), -1)
    table = np.concatenate([np.full((len(x), 1), bias), pairs], axis=1).astype(np.int64)
    (found,) = oracle([(entry, table.view(np.uint64))])
    return numbers(found, types_of(entry)[-1])


@pytest.mark.parametrize("case", range(60))
def test_the_derived_accumulator_is_wide_enough_and_not_wider(oracle, case):
    rng = np.random.default_rng(case)
    accumulators: dict[tuple[str, ...], dict[int, Any]] = {}
    for entry in entries(oracle, "accumulate"):
        accumulators.setdefault(entry.fields[2:5], {})[types_of(entry)[-1].width] = entry
    assert len(accumulators) == 3
    wrapped = 0
    for names, widths in accumulators.items():
        weight_type, x_type, bias_type = (FixedType.parse(name) for name in names)
        reach = (weight_type.code_interval.hi + 1) if weight_type.width > 8 else rng.choice([2, 8, 32])
        weight = rng.integers(-reach, reach, TERMS)
        bias = int(rng.integers(-bias_type.max_raw - 1, bias_type.max_raw + 1) >> rng.integers(0, 8))
        shift = int(rng.integers(0, (x_type.max_raw >> 1) + 1))
        if case % 4 == 0:  # a bias that the terms cancel: partial sums beyond the range of the whole
            weight, shift = -abs(weight), (x_type.max_raw >> 1) + 1
            bias = min(int(abs(weight).sum()) * (3 * shift // 2), bias_type.max_raw)
        layer, seen = dot_layer(weight, bias, shift, weight_type, x_type, bias_type)
        assert layer.accumulator_type is not None
        low = np.where(weight > 0, seen.lo, seen.hi)
        x = np.concatenate([[low, seen.lo + seen.hi - low], rng.integers(seen.lo, seen.hi + 1, (100, TERMS))])
        order = np.argsort(rng.random(x.shape), axis=1)  # any order of the terms
        x, weights = np.take_along_axis(x, order, 1), weight[order]
        terms = weights.astype(object) * x.astype(object)
        total = (bias + terms.sum(axis=1)).tolist()
        width = layer.accumulator_type.width
        assert accumulate(oracle, widths[width], bias, weights, x) == total
        assert accumulate(oracle, widths[max(widths)], bias, weights, x) == total
        ends = [layer.accumulator_interval.lo, layer.accumulator_interval.hi]
        assert [min(total), max(total)] == total[:2] == ends
        if width > 2:  # the least there is
            assert accumulate(oracle, widths[width - 1], bias, weights, x)[:2] != total[:2]
        partial = np.concatenate([np.full((len(x), 1), bias), bias + np.cumsum(terms, axis=1)], axis=1)
        inside = layer.accumulator_type.code_interval
        wrapped += int(((partial < inside.lo) | (partial > inside.hi)).sum())
    if case % 4 == 0:
        assert wrapped > 0  # partial sums wrap, and nothing is lost
