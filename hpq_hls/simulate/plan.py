"""How a layer runs: the fastest number type that its proved bound allows, parameters ready for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.fixed import Epilogue, FixedType, Interval, Overflow, Rounding
from hpq_hls.ops.base import IntArray, Operator
from hpq_hls.ops.layout import Array, Scratch, batch_last, by_channel
from hpq_hls.simulate import byte_kernels
from hpq_hls.simulate.byte_kernels import ByteKernel, byte_dtype, byte_interval
from hpq_hls.simulate.float_cast import FLOAT32_BOUND, FLOAT64_BOUND, MAX_SHIFT, FloatCast, float_cast
from hpq_hls.simulate.grain import Grains, channel_grains, whole_sums
from hpq_hls.simulate.layer import QuantizedLayer, aligned_parameters
from hpq_hls.simulate.table_plan import TablePlan

INT64_BOUND = 2**62
"""Up to this magnitude int64 holds every integer, with a bit to spare for rounding."""
_ZERO = Interval(0, 0)


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """An operator with its parameters in the number type it runs in.

    It does not refer to the layer, so that plans live no longer than their layers.

    output_type, fraction: of the layer's output, and of its exact sum.
    factors: what each input is multiplied by, so that the sum has one fraction (and, in floats, is in
        units of the output); None where that is 1 or has gone into the weights.
    cast: brings sums in floats into the output type; None: sums are integers and cast as integers.
    offset: what is still to be added before the cast.
    """

    op: Operator
    epilogue: Epilogue
    output_type: FixedType
    fraction: int
    dtype: np.dtype[np.generic]
    weight: Array | None
    bias: Array | None
    factors: tuple[int | float | None, ...]
    cast: FloatCast | None
    offset: float

    def run(self, inputs: Sequence[Array], scratch: Scratch) -> Array:
        """The layer's raw output; raw inputs in any number type; batch last."""
        if not self.op.casts:
            return self.op.compute(inputs, None, None, scratch)
        total = self.sums(inputs, scratch)
        if self.cast is not None:
            if self.offset:
                total += total.dtype.type(self.offset)
            return self.cast.apply(total)
        if total.dtype.kind == "f":
            total = total.astype(np.int64)
        epilogue, slopes = self.epilogue, None
        if len(epilogue.slopes) > 1:
            slopes = by_channel(epilogue.words, total.ndim)
        return self.output_type.from_raw(epilogue.apply(total, slopes), self.fraction + epilogue.fraction)

    def sums(self, inputs: Sequence[Array], scratch: Scratch) -> Array:
        """What is cast, batch last: the exact sums where the plan is in integers."""
        operands = [
            self._operand(raw, factor, f"input {index}", scratch)
            for index, (raw, factor) in enumerate(zip(inputs, self.factors, strict=True))
        ]
        return self.op.compute(operands, self.weight, self.bias, scratch)

    def _operand(self, raw: Array, factor: int | float | None, role: str, scratch: Scratch) -> Array:
        """An input in the number type of the plan, times its factor."""
        if factor is None and raw.dtype == self.dtype:
            return raw
        converted = scratch.array(role, raw.shape, self.dtype)
        if self.dtype == object and raw.dtype.kind == "f":
            raw = raw.astype(np.int64)  # else the Python numbers would be floats
        if factor is None:
            np.copyto(converted, raw, casting="unsafe")
        elif self.dtype == object:
            np.multiply(raw.astype(object), factor, out=converted)
        else:
            np.multiply(raw, self.dtype.type(factor), out=converted, dtype=self.dtype, casting="unsafe")
        return converted


@dataclass(frozen=True, eq=False)
class BytePlan:
    """A layer that multiplies bytes.

    cast: rounds an output in float32; None: the kernel has rounded it.
    """

    kernel: ByteKernel
    cast: FloatCast | None

    def run(self, inputs: Sequence[Array], scratch: Scratch) -> Array:
        """The layer's raw output; raw inputs in any number type; batch last."""
        (x,) = inputs
        total = self.kernel.run(x, scratch)
        return total if self.cast is None else self.cast.apply(total)


Plan = LayerPlan | BytePlan | TablePlan

_PLANS: WeakKeyDictionary[QuantizedLayer, Plan] = WeakKeyDictionary()


def plan_layer(layer: QuantizedLayer) -> Plan:
    """The fastest plan of a layer; made once per layer."""
    plan = _PLANS.get(layer)
    if plan is None:
        plan = _PLANS[layer] = byte_plan(layer) or number_plan(layer)
    return plan


def number_plan(layer: QuantizedLayer) -> LayerPlan | TablePlan:
    """A plan in the fastest of float32, float64, int64 and Python integers that is exact."""
    if layer.op.looks_up:
        return TablePlan.of(layer)
    return _float_plan(layer) or integer_plan(layer)


def byte_plan(layer: QuantizedLayer) -> BytePlan | None:
    """A plan in bytes, where inputs and weights fit and torch has the kernel."""
    if layer.op.weight is None or layer.weight_raw is None:
        return None
    codes = layer.weight_codes
    (edge,) = layer.input_edges
    input_dtype = byte_dtype(edge.interval)
    fraction, target = layer.sum_fraction, layer.output_type
    shift = fraction - target.fraction
    weight, bias = aligned_parameters(layer.op, [edge.type], layer, fraction)
    cast = float_cast(layer.accumulator_interval, fraction, target, layer.epilogue)
    if input_dtype is None or cast is None or weight is None or not np.array_equal(weight, layer.weight_raw):
        return None
    if cast.largest > FLOAT32_BOUND or codes is None or Interval.of(codes) not in Interval(-128, 127):
        return None
    unit = 1 << max(shift, 0)
    grains = None if cast.slopes else channel_grains(layer, weight, bias, shift, unit)
    grains = grains or whole_sums(layer, bias, unit)
    if grains.bound > byte_kernels.BOUND:
        return None
    saturated = cast.byte_range()
    output_dtype = None if saturated is None else byte_dtype(saturated)
    if saturated is None or output_dtype is None:
        saturated, output_dtype = None, np.dtype(np.float32)
    elif cast.rounded.clip(byte_interval(output_dtype)) in saturated:
        saturated = None
    kernel = ByteKernel.prepare(
        layer.op,
        input_dtype,
        output_dtype,
        codes,
        _byte_bias(grains, cast, shift, rounded=output_dtype != np.float32),
        np.ldexp(1.0, _exponents(layer) - shift),
        saturated,
    )
    return None if kernel is None else BytePlan(kernel, cast if output_dtype == np.float32 else None)


def _exponents(layer: QuantizedLayer) -> IntArray:
    """By how much the codes of each output channel are to be shifted."""
    assert layer.weight_raw is not None
    return np.zeros(len(layer.weight_raw), np.int64) if layer.weight_shift is None else layer.weight_shift


def _byte_bias(grains: Grains, cast: FloatCast, shift: int, *, rounded: bool) -> Array:
    """The bias of a kernel for bytes, in units of the output; one of them is 2**shift of the sum's.

    rounded: whether the kernel rounds to nearest even; else the cast rounds what is above its offset.
    """
    if not rounded:
        return _float_bias(grains, shift) + cast.offset
    offsets = np.zeros(len(grains.bias))
    for channel, (exponent, between) in enumerate(zip(grains.exponents, grains.between, strict=True)):
        offset = cast.nearest_offset(1 << max(shift - int(exponent), 0), bool(between))
        assert offset is not None  # byte_range has looked
        offsets[channel] = offset
    return np.ldexp(grains.bias.astype(np.float64) + offsets, grains.exponents - shift)


def _float_grains(
    layer: QuantizedLayer, cast: FloatCast | None, weight: Array | None, bias: Array | None
) -> Grains:
    """In what sums in floats are counted: in units of the sum or, if they are too many for float32 and the
    cast is in floats, in larger grains."""
    shift = layer.sum_fraction - layer.output_type.fraction
    half = 1 << (shift - 1) if cast is not None and cast.drops and not cast.slopes else 0
    whole = whole_sums(layer, bias, half)
    if whole.bound <= FLOAT32_BOUND or cast is None or cast.slopes or weight is None:
        return whole
    return channel_grains(layer, weight, bias, shift, half) or whole


def _float_bias(grains: Grains, shift: int) -> Array:
    """The bias in units of the output; half a grain stands for all that lies between two."""
    return np.ldexp(grains.bias.astype(np.float64) + 0.5 * grains.between, grains.exponents - shift)


def integer_plan(layer: QuantizedLayer) -> LayerPlan | TablePlan:
    """The plain plan: int64 or Python integers, each step as docs/numerics.md says."""
    if layer.op.looks_up:
        return TablePlan.of(layer, integers=True)
    weight, bias = _parameters(layer)
    peaks = [_peak(edge.interval.lo, edge.interval.hi) for edge in layer.input_edges]
    bound = max(layer.partial_bound, *peaks)
    dtype = np.dtype(np.int64 if bound < INT64_BOUND else object)
    shifts = _shifts(layer)
    return LayerPlan(
        op=layer.op.scaled(layer.sum_fraction),
        epilogue=layer.epilogue,
        output_type=layer.output_type,
        fraction=layer.sum_fraction,
        dtype=dtype,
        weight=None if weight is None else _arranged(layer, weight).astype(dtype),
        bias=None if bias is None else bias.astype(dtype),
        factors=tuple(1 << shift if shift else None for shift in shifts),
        cast=None,
        offset=0.0,
    )


def _float_plan(layer: QuantizedLayer) -> LayerPlan | None:
    """A plan in floats that the bounds prove exact, if there is one."""
    op, fraction, target = layer.op, layer.sum_fraction, layer.output_type
    shift = fraction - target.fraction
    cast = None
    if op.casts and op.degree == 1:
        cast = float_cast(layer.accumulator_interval, fraction, target, layer.epilogue)
    weight, bias = _parameters(layer)
    grains = _float_grains(layer, cast, weight, bias)
    bound = max(
        grains.bound * (2 if grains.between.any() else 1),
        0 if cast is None else cast.largest,
        *(_peak(edge.interval.lo, edge.interval.hi) for edge in layer.input_edges),
    )
    if bound > FLOAT64_BOUND or layer.output_interval.hi >= 2**63:
        return None
    dtype = np.dtype(np.float32 if bound <= FLOAT32_BOUND else np.float64)
    scale = 1.0 if cast is None else math.ldexp(1.0, -shift)
    if weight is None:
        shifts = _shifts(layer)
        scales = [scale if op.aligns or index == 0 else 1.0 for index in range(len(shifts))]
        aligned = [math.ldexp(own, shift) for own, shift in zip(scales, shifts, strict=True)]
        factors = tuple(None if factor == 1.0 else factor for factor in aligned)
    else:
        factors = (None,)
    offset = 0.0 if cast is None else cast.offset
    if op.weight is not None:
        bias = _float_bias(grains, 0 if cast is None else shift) + offset
        offset = 0.0
        bias = bias if bias.any() else None
    return LayerPlan(
        op=layer.op.scaled(layer.sum_fraction),
        epilogue=layer.epilogue,
        output_type=layer.output_type,
        fraction=layer.sum_fraction,
        dtype=dtype,
        weight=None if weight is None else (_arranged(layer, weight) * scale).astype(dtype),
        bias=None if bias is None else bias.astype(dtype),
        factors=factors,
        cast=cast,
        offset=offset,
    )


def _parameters(layer: QuantizedLayer) -> tuple[Array | None, Array | None]:
    """Weights and biases aligned with the sum. Where the input is always 0 so are the weights: the bound
    says nothing of them then, and they may be larger than any number type holds."""
    types = [edge.type for edge in layer.input_edges]
    weight, bias = aligned_parameters(layer.op, types, layer, layer.sum_fraction)
    if weight is not None and layer.input_edges[0].interval == _ZERO:
        weight = np.zeros(weight.shape, np.int64)
    return weight, bias


def _shifts(layer: QuantizedLayer) -> list[int]:
    """By how much each input is shifted, so that the sum has one fraction; an input always 0 need not be."""
    edges = layer.input_edges
    if layer.op.arity == 1 or not layer.op.aligns:
        return [0] * len(edges)
    common = max(edge.type.fraction for edge in edges)
    return [0 if edge.interval == _ZERO else common - edge.type.fraction for edge in edges]


def _arranged(layer: QuantizedLayer, weight: Array) -> Array:
    return weight if layer.op.weight is None else layer.op.arrange(weight)


def _peak(lo: int, hi: int) -> int:
    return max(abs(lo), abs(hi))


_DIRECT_MODES = (Rounding.TRN, Rounding.TRN_ZERO, Rounding.RND, Rounding.RND_CONV)
"""Modes in which ``InputPlan`` can round data in the number type in which it comes."""


@dataclass(frozen=True)
class InputPlan:
    """How the network's input becomes raw values.

    dtype: the number type of the raw values. cast: rounds data that was scaled, in its own number type or,
    float32 data, in float64; None: data goes through ``FixedType.from_float``.
    """

    type: FixedType
    dtype: np.dtype[np.generic]
    cast: FloatCast | None

    def run(self, x: Array, scratch: Scratch) -> Array:
        """Real numbers (batch, *shape) -> raw values, batch last."""
        largest = FLOAT32_BOUND if x.dtype == np.float32 else FLOAT64_BOUND
        direct = 0 <= self.type.fraction <= MAX_SHIFT and self.type.rounding in _DIRECT_MODES
        direct = direct and self.type.max_raw < largest
        if self.cast is None or not (direct or x.dtype == np.float32):
            return self.copy(self.type.from_float(x), scratch)
        given = batch_last(x)
        dtype = x.dtype if direct else np.dtype(np.float64)
        scaled = scratch.array("scaled input", given.shape, dtype)
        with np.errstate(over="ignore"):  # infinity saturates like what it stands for
            np.multiply(given, dtype.type(self.type.scale**-1), out=scaled, dtype=dtype)
        if not direct:
            scaled += self.cast.offset
        elif self.cast.offset:
            _add_half(scaled)
        self.cast.apply(scaled)
        raw = scratch.result(given.shape, self.dtype)
        np.copyto(raw, scaled, casting="unsafe")
        return raw

    def copy(self, raw: Array, scratch: Scratch) -> Array:
        """Raw integers (batch, *shape) -> the same in the number type of the plan, batch last."""
        given = batch_last(raw)
        result = scratch.result(given.shape, self.dtype)
        np.copyto(result, given, casting="unsafe")
        return result


def _add_half(u: Array) -> None:
    """Add to floats, in place, what makes ``floor`` round them to nearest, ties upwards.

    1/2 itself would not do: in float32 0.49999997 + 0.5 rounds to 1. The number below 1/2 does, because a
    sum that should reach an integer and misses it by 2**-25 (in float64 2**-54) is rounded to it; all but
    for -1/2, which would be left just below 0.
    """
    ties = u == -0.5
    if ties.any():
        u[ties] = 0.0
    number = u.dtype.type
    u += np.nextafter(number(0.5), number(0.0))


def plan_input(kind: FixedType, as_bytes: bool = False) -> InputPlan:
    """The plan of an input of a type; as_bytes: in bytes where they hold it.

    Data times a power of two is exact in its own number type where it does not become smaller, and
    float32 data always in float64. In float64 adding half to float32 data is exact or rounds to something
    that lies between the same two multiples of 1/2.
    """
    codes = kind.code_interval
    peak = _peak(codes.lo, codes.hi)
    floats = np.float32 if peak <= FLOAT32_BOUND else np.float64
    dtype = np.dtype(floats if peak <= FLOAT64_BOUND else np.int64)
    if kind.width == 64 and not kind.signed:
        dtype = np.dtype(object)
    saturates = kind.overflow in (Overflow.SAT, Overflow.SAT_SYM) and kind.width <= 48
    everything = Interval(-(2**63), 2**63)
    cast = FloatCast(kind, drops=True, low=None, high=None, rounded=everything) if saturates else None
    return InputPlan(kind, (byte_dtype(codes) or dtype) if as_bytes else dtype, cast)
