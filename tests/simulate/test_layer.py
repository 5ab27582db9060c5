"""Scales of single output channels: what is stored, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType, Interval, Overflow, Rounding
from hpq_hls.ops import Add, Conv2d, Linear, WindowSpec
from hpq_hls.simulate import QuantizedLayer
from hpq_hls.simulate.layer import Edge, LayerSpec, quantized_layer

KIND = FixedType(8, 8)
OUT = FixedType(16, 16)


def layer_of(weight: np.ndarray, kind: FixedType, shift: np.ndarray | None) -> QuantizedLayer:
    if weight.ndim == 2:
        op: Linear | Conv2d = Linear(np.ones(weight.shape))
    else:
        op = Conv2d(np.ones(weight.shape), WindowSpec((2, 2)), (4, 4))
    spec = LayerSpec(weight, kind, np.arange(len(weight)), FixedType(6, 6), OUT, shift)
    return quantized_layer("fc", op, ("x",), None, [Edge(KIND, KIND.code_interval)], spec)


@pytest.mark.parametrize("shape", [(3, 5), (3, 2, 2, 2)])
def test_codes_and_their_type(shape: tuple[int, ...]) -> None:
    shift = np.array([0, 3, 1])
    codes = np.random.default_rng(0).integers(-8, 8, shape)
    codes.reshape(-1)[:2] = -8, 7
    aligned = codes * np.array([1, 8, 2]).reshape((-1,) + (1,) * (len(shape) - 1))
    kind = FixedType(7, 2, True, Rounding.RND, Overflow.SAT)
    layer = layer_of(aligned, kind, shift)
    assert layer.weight_codes is not None
    np.testing.assert_array_equal(layer.weight_codes, codes)
    assert layer.stored_weight_type == FixedType(4, -1, True, Rounding.RND, Overflow.SAT)
    assert layer.weight_type == kind
    assert layer.weight_bits == codes.size * 4 + 3 * 2 + 3 * 6  # weights, shifts up to 3, biases
    plain = layer_of(aligned, kind, None)
    assert plain.weight_bits == codes.size * 7 + 3 * 6
    for shared in ("accumulator_type", "accumulator_interval", "output_interval", "partial_bound"):
        assert repr(getattr(layer, shared)) == repr(getattr(plain, shared))


def test_shifts_of_nothing_are_none() -> None:
    weight = np.arange(6).reshape(3, 2)
    layer = layer_of(weight, FixedType(4, 4), np.zeros(3, np.int64))
    assert layer.weight_shift is None
    assert layer.weight_codes is layer.weight_raw
    assert layer.stored_weight_type == layer.weight_type == FixedType(4, 4)


@pytest.mark.parametrize(
    ("weight", "width", "shift", "problem"),
    [
        ([[4, 2], [1, 1]], 4, [1, 1], "it runs from 1 to 1"),
        ([[256, 0], [1, 1]], 12, [8, 0], "it runs from 0 to 8, not from 0 to 7 at most"),
        ([[4, 2], [1, 1]], 4, [-1, 0], "it runs from -1 to 0"),
        ([[4, 2], [1, 1]], 4, [2, 0], "no multiples of its power of two"),
        ([[4, 4], [2, 1]], 4, [2, 0], "do not fit ap_fixed<2,2>"),
        ([[0, 0], [0, 0]], 2, [2, 0], "has no more than 2 bits"),
        ([[4, 2], [1, 1]], 4, [1, 0, 0], r"it is int64 \(3,\), not int64 \(2,\)"),
        ([[4, 2], [1, 1]], 4, [1.0, 0.0], r"it is float64 \(2,\), not int64 \(2,\)"),
    ],
)
def test_what_does_not_suit_the_weights_is_refused(
    weight: list[list[int]], width: int, shift: list[int], problem: str
) -> None:
    with pytest.raises(PrecisionError, match=f"weight_shift of layer 'fc' cannot be used: .*{problem}"):
        layer_of(np.array(weight), FixedType(width, width), np.array(shift))


def test_layers_without_weights_have_no_shift() -> None:
    spec = LayerSpec(output_type=OUT, weight_shift=np.array([0, 1]))
    edges = [Edge(KIND, Interval(-4, 4))] * 2
    with pytest.raises(PrecisionError, match="there are no weights"):
        quantized_layer("sum", Add(), ("a", "b"), None, edges, spec)


def signs_of(weight: object, kind: FixedType | None, shift: np.ndarray | None = None) -> QuantizedLayer:
    raw = None if weight is None else np.array(weight)
    spec = LayerSpec(raw, kind, None, None, OUT, shift, weight_signs=True)
    edges = [Edge(KIND, KIND.code_interval)]
    return quantized_layer("fc", Linear(np.ones((2, 3))), ("x",), None, edges, spec)


@pytest.mark.parametrize("shift", [None, [0, 0], [3, 0], [0, 7]])
def test_signs_take_one_bit(shift: list[int] | None) -> None:
    codes = np.array([[1, -1, 1], [-1, -1, 1]])
    shifts = np.zeros(2, np.int64) if shift is None else np.array(shift)
    most = int(shifts.max())
    layer = signs_of(
        codes << shifts[:, None], FixedType(2 + most, 1 + most), None if shift is None else shifts
    )
    assert layer.weight_signs
    assert layer.weight_width == 1
    assert layer.stored_weight_type == FixedType(2, 1)
    assert layer.weight_bits == 6 + 2 * most.bit_length()  # weights, shifts
    np.testing.assert_array_equal(layer.weight_codes, codes)
    highest = np.where(codes > 0, 127, -128) * codes  # of 8-bit inputs
    lowest = np.where(codes > 0, -128, 127) * codes
    ends = [(total.sum(axis=1) << shifts) for total in (lowest, highest)]
    assert layer.accumulator_interval == Interval(int(ends[0].min()), int(ends[1].max()))


@pytest.mark.parametrize(
    ("weight", "kind", "shift", "problem"),
    [
        ([[1, -1, 1], [1, 0, 1]], FixedType(2, 1), None, "not all weights are"),
        ([[1, -1, 1], [1, -2, 1]], FixedType(2, 1), None, "not all weights are"),
        ([[4, -4, 4], [1, 1, -1]], FixedType(4, 3), None, "their type is ap_fixed<4,3>, not"),
        ([[4, -4, 4], [1, 1, -1]], FixedType(5, 3), [2, 0], "their type is ap_fixed<3,1>, not"),
        ([[4, -4, 4], [1, 0, -1]], FixedType(4, 3), [2, 0], "not all weights are"),
        ([[1, 1, 1], [1, 1, 1]], FixedType(2, 1, signed=False), None, "their type is ap_ufixed<2,1>, not"),
        ([[-1, -1, -1], [-1, -1, -1]], FixedType(1, 1), None, "their type is ap_fixed<1,1>, not"),
    ],
)
def test_what_is_no_sign_is_refused(
    weight: list[list[int]], kind: FixedType, shift: list[int] | None, problem: str
) -> None:
    with pytest.raises(PrecisionError, match=f"layer 'fc' cannot be stored as signs: {problem}"):
        signs_of(weight, kind, None if shift is None else np.array(shift))


def test_layers_without_weights_have_no_signs() -> None:
    spec = LayerSpec(output_type=OUT, weight_signs=True)
    edges = [Edge(KIND, Interval(-4, 4))] * 2
    with pytest.raises(PrecisionError, match="stored as signs: there are no weights"):
        quantized_layer("sum", Add(), ("a", "b"), None, edges, spec)
