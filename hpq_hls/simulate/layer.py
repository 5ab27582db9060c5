"""One quantized layer: integer parameters, types, and the proved range of everything inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import Epilogue, FixedType, Interval, bits_for, cast_interval
from hpq_hls.ops.base import IntArray, Operator

WideArray = npt.NDArray[Any]
"""Integers of dtype int64, or Python integers (dtype object) where 63 bits do not suffice."""

MAX_WEIGHT_SHIFT = 7
"""Most bits by which the scale of one output channel may exceed that of another of its layer."""


@dataclass(frozen=True, eq=False)
class Edge:
    """What is known of a value between layers: its type and the raw values that can occur."""

    type: FixedType
    interval: Interval


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """What a quantizer decides about a layer.

    weight_raw, bias_raw: int64 in torch layout, or None; batch-norm is already folded in.
    output_type: None for operators that are exact and cast nothing.
    weight_shift: int64 (out_channels,), or None: weights of output channel c are multiples of
        2**weight_shift[c], which need not be stored. The least is 0, the largest MAX_WEIGHT_SHIFT at most.
    weight_signs: every weight is plus or minus 1, times its channel's power of two: a sign, stored in one
        bit. The type has two bits (and those of weight_shift), which is what it takes to hold +1 and -1.
    tables: what the operator's tables hold, where that is known; None: what the operator says.
    """

    weight_raw: IntArray | None = None
    weight_type: FixedType | None = None
    bias_raw: IntArray | None = None
    bias_type: FixedType | None = None
    output_type: FixedType | None = None
    weight_shift: IntArray | None = None
    weight_signs: bool = False
    tables: Mapping[str, IntArray] | None = None


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """A layer in integers.

    weight_raw, bias_raw: int64 in torch layout, batch-norm folded in; None where there are none.
    weight_type, bias_type: their types; raw * 2**-fraction is the value.
    weight_shift: int64 (out_channels,): the zeros at the end of each weight of an output channel, which are
        not stored (see weight_codes); None where there are none.
    weight_signs: weight_codes are all +1 or -1, and stored in one bit each.
    output_type: type after the fused activation.
    accumulator_type: a signed type that holds every exact sum, in or out of the range that an activation
        brings it into; None for exact operators.
    accumulator_interval: raw values the sum can take before the activation.
    partial_bound: bound on the magnitude of the sum of any of the terms, for the simulator's number type.
    output_interval: raw values the output can take.
    input_edges: type and interval of each input.
    tables: the operator's tables by name (``Operator.tables``); there are none for most.
    """

    name: str
    op: Operator
    inputs: tuple[str, ...]
    activation: Operator | None
    weight_raw: IntArray | None
    weight_type: FixedType | None
    bias_raw: IntArray | None
    bias_type: FixedType | None
    output_type: FixedType
    output_interval: Interval
    accumulator_type: FixedType | None
    accumulator_interval: Interval
    partial_bound: int
    input_edges: tuple[Edge, ...]
    weight_shift: IntArray | None = None
    weight_signs: bool = False
    tables: Mapping[str, IntArray] = field(default_factory=dict)

    @property
    def weight_codes(self) -> IntArray | None:
        """The integers to multiply by: ``weight_codes << weight_shift``, by channel, is weight_raw."""
        if self.weight_raw is None or self.weight_shift is None:
            return self.weight_raw
        return self.weight_raw >> per_channel(self.weight_shift, self.weight_raw.ndim)

    @property
    def stored_weight_type(self) -> FixedType | None:
        """Type of weight_codes: what the value would be in a channel that is not shifted."""
        if self.weight_type is None or self.weight_shift is None:
            return self.weight_type
        return _stored_type(self.weight_type, self.weight_shift)

    @property
    def weight_width(self) -> int | None:
        """Bits in which a weight is stored; None where there are none."""
        if self.stored_weight_type is None:
            return None
        return 1 if self.weight_signs else self.stored_weight_type.width

    @property
    def sum_fraction(self) -> int:
        """Fraction bits of the exact sum."""
        return sum_fraction(self.op, [edge.type for edge in self.input_edges], self)

    @property
    def epilogue(self) -> Epilogue:
        """What the fused activation does to the exact sum, in units of the sum."""
        epilogue = epilogue_of(self.activation, self.sum_fraction, self.output_type)
        kind = self.accumulator_type
        return epilogue if kind is None else epilogue.within(kind.interval)

    @property
    def kind(self) -> str:
        """The operator's name."""
        return self.op.kind

    @property
    def weight_bits(self) -> int:
        """Bits of weights, shifts and biases that are stored."""
        total = 0
        if self.weight_raw is not None and self.weight_width is not None:
            total += self.weight_raw.size * self.weight_width
        if self.weight_shift is not None:
            total += self.weight_shift.size * int(self.weight_shift.max()).bit_length()
        if self.bias_raw is not None and self.bias_type is not None:
            total += self.bias_raw.size * self.bias_type.width
        return total


def quantized_layer(
    name: str,
    op: Operator,
    inputs: tuple[str, ...],
    activation: Operator | None,
    edges: Sequence[Edge],
    spec: LayerSpec,
) -> QuantizedLayer:
    """Derive the accumulator and the value ranges of a layer from its integers and its inputs.

    Raises:
        PrecisionError: an accumulator would be wider than a FixedType can be; weight_shift does not suit
            the weights.
    """
    if op.looks_up:
        return _looked_up(name, op, inputs, edges, spec)
    weight_shift = _checked_shift(name, spec)
    _check_signs(name, spec, weight_shift)
    fraction = sum_fraction(op, [edge.type for edge in edges], spec)
    weight, bias = aligned_parameters(op, [edge.type for edge in edges], spec, fraction)
    common = max(edge.type.fraction for edge in edges)
    seen = (
        [edge.interval.shift(common - edge.type.fraction) for edge in edges]
        if op.arity > 1 and op.aligns
        else [edge.interval for edge in edges]
    )
    interval, bound = op.scaled(fraction).range(seen, weight, bias)
    epilogue = epilogue_of(activation, fraction, spec.output_type)
    after = epilogue.interval(interval)
    if op.casts:
        assert spec.output_type is not None
        accumulator = _accumulator(name, interval if epilogue.slopes else interval.hull(after), fraction)
        _check_slopes(name, epilogue, accumulator)
        output_type = spec.output_type
        output_interval = cast_interval(after, fraction + epilogue.fraction, output_type)
    else:
        accumulator, output_type, output_interval = None, op.exact_type([e.type for e in edges]), after
    return QuantizedLayer(
        name=name,
        op=op,
        inputs=inputs,
        activation=activation,
        weight_raw=spec.weight_raw,
        weight_type=spec.weight_type,
        bias_raw=spec.bias_raw,
        bias_type=spec.bias_type,
        output_type=output_type,
        output_interval=output_interval,
        accumulator_type=accumulator,
        accumulator_interval=interval,
        partial_bound=bound,
        input_edges=tuple(edges),
        weight_shift=weight_shift,
        weight_signs=spec.weight_signs,
    )


def epilogue_of(activation: Operator | None, fraction: int, output_type: FixedType | None) -> Epilogue:
    """What a fused activation does to sums with ``fraction`` fraction bits, in front of a cast to a type."""
    if activation is None or output_type is None:
        return Epilogue()
    if activation.leaks is not None:
        return Epilogue.leaky(activation.leaks, output_type.width)
    low, high = activation.scaled(fraction).clips or (None, None)
    return Epilogue(None if low is None else int(low), None if high is None else int(high))


def _accumulator(name: str, sums: Interval, fraction: int) -> FixedType:
    """A signed type for these sums.

    Raises:
        PrecisionError: it would be wider than a type can be.
    """
    width = max(bits_for(sums.hull(Interval(-1, 0)))[0], 2)
    try:
        return FixedType(width, width - fraction)
    except PrecisionError as error:
        raise PrecisionError(
            f"layer {name!r} needs an accumulator of {width} bits with {fraction} after the point, more "
            "than is supported; choose narrower weights or activations"
        ) from error


def _check_slopes(name: str, epilogue: Epilogue, accumulator: FixedType) -> None:
    """
    Raises:
        PrecisionError: what slopes make of the sums would be wider than a type can be.
    """
    try:
        epilogue.made(accumulator)
    except PrecisionError as error:
        raise PrecisionError(
            f"layer {name!r} has sums of {accumulator.width} bits, which the slopes of its activation, with "
            f"{epilogue.fraction} bits after the point, make wider than is supported; choose narrower "
            "weights or activations"
        ) from error


def _looked_up(
    name: str, op: Operator, inputs: tuple[str, ...], edges: Sequence[Edge], spec: LayerSpec
) -> QuantizedLayer:
    """A layer whose output is the word of its one table at its input's code.

    Raises:
        PrecisionError: the index is too wide, or a table that was given is not of these types.
    """
    assert spec.output_type is not None
    (edge,) = edges
    try:
        tables = spec.tables or op.tables([edge.type], [edge.interval], spec.output_type)
    except PrecisionError as error:
        raise PrecisionError(f"layer {name!r}: {error}") from error
    (words,) = tables.values()
    if words.shape != (edge.interval.hi - edge.interval.lo + 1,) or not _fits(words, spec.output_type):
        raise PrecisionError(f"the table of layer {name!r} has not one {spec.output_type} for each code")
    return QuantizedLayer(
        name=name,
        op=op,
        inputs=inputs,
        activation=None,
        weight_raw=None,
        weight_type=None,
        bias_raw=None,
        bias_type=None,
        output_type=spec.output_type,
        output_interval=Interval.of(words),
        accumulator_type=None,
        accumulator_interval=edge.interval,
        partial_bound=max(abs(edge.interval.lo), abs(edge.interval.hi)),
        input_edges=tuple(edges),
        tables=tables,
    )


def _checked_shift(name: str, spec: LayerSpec) -> IntArray | None:
    """The layer's weight_shift; None if it shifts nothing.

    Raises:
        PrecisionError: the weights are not what it says.
    """
    shift, raw, kind = spec.weight_shift, spec.weight_raw, spec.weight_type
    if shift is None:
        return None
    problem = ""
    if raw is None or kind is None:
        problem = "there are no weights"
    elif shift.shape != raw.shape[:1] or shift.dtype != np.int64:
        problem = f"it is {shift.dtype} {shift.shape}, not int64 {raw.shape[:1]}"
    elif shift.min() != 0 or shift.max() > MAX_WEIGHT_SHIFT:
        problem = f"it runs from {shift.min()} to {shift.max()}, not from 0 to {MAX_WEIGHT_SHIFT} at most"
    elif shift.max() >= kind.width:
        problem = f"{kind} has no more than {kind.width} bits"
    elif (raw & ((1 << per_channel(shift, raw.ndim)) - 1)).any():
        problem = "weights of a channel are no multiples of its power of two"
    elif not _fits(raw >> per_channel(shift, raw.ndim), _stored_type(kind, shift)):
        problem = f"shifted weights do not fit {_stored_type(kind, shift)}"
    if problem:
        raise PrecisionError(f"weight_shift of layer {name!r} cannot be used: {problem}")
    return shift if shift.any() else None


def _check_signs(name: str, spec: LayerSpec, shift: IntArray | None) -> None:
    """
    Raises:
        PrecisionError: weights that are said to be signs are not.
    """
    raw, kind = spec.weight_raw, spec.weight_type
    if not spec.weight_signs:
        return
    problem = "there are no weights"
    if raw is not None and kind is not None:
        stored = kind if shift is None else _stored_type(kind, shift)
        codes = raw if shift is None else raw >> per_channel(shift, raw.ndim)
        problem = "" if (np.abs(codes) == 1).all() else "not all weights are +1 or -1"
        if (stored.width, stored.signed) != (2, True):
            problem = f"their type is {stored}, not a signed one of two bits"
    if problem:
        raise PrecisionError(f"the weights of layer {name!r} cannot be stored as signs: {problem}")


def _stored_type(kind: FixedType, shift: IntArray) -> FixedType:
    """The type of weights of ``kind`` without the bits that ``shift`` makes room for; the same fraction."""
    most = int(shift.max())
    return replace(kind, width=kind.width - most, integer=kind.integer - most)


def _fits(raw: IntArray, kind: FixedType) -> bool:
    interval = kind.code_interval
    return raw.size == 0 or (interval.lo <= raw.min() and raw.max() <= interval.hi)


def per_channel(values: IntArray, ndim: int) -> IntArray:
    """``values`` (out_channels,) with the axes that go with weights of ``ndim`` axes in torch layout."""
    return values.reshape((-1,) + (1,) * (ndim - 1))


def sum_fraction(op: Operator, types: Sequence[FixedType], spec: LayerSpec | QuantizedLayer) -> int:
    """Fraction bits of the exact sum inside a layer."""
    fractions = [given.fraction for given in types]
    fraction = op.degree * max(fractions) if op.aligns else sum(fractions)
    if spec.weight_type is not None:
        fraction += spec.weight_type.fraction
    elif op.constant is not None:
        fraction += op.constant.type.fraction
    if spec.bias_type is not None:
        fraction = max(fraction, spec.bias_type.fraction)
    return fraction


def aligned_parameters(
    op: Operator, types: Sequence[FixedType], spec: LayerSpec | QuantizedLayer, fraction: int
) -> tuple[WideArray | None, WideArray | None]:
    """Weights and biases shifted so that products and biases have ``fraction`` fraction bits."""
    weight: WideArray | None = None
    bias: WideArray | None = None
    if spec.weight_raw is not None and spec.weight_type is not None:
        weight = shifted(spec.weight_raw, fraction - types[0].fraction - spec.weight_type.fraction)
    elif op.constant is not None:
        weight = np.asarray(op.constant.raw, dtype=np.int64)
    if spec.bias_raw is not None and spec.bias_type is not None:
        bias = shifted(spec.bias_raw, fraction - spec.bias_type.fraction)
    return weight, bias


def shifted(raw: WideArray, left: int) -> WideArray:
    """``raw * 2**left`` exactly, in Python integers where int64 does not suffice; ``raw`` itself where that
    is the same."""
    if not left:
        return raw
    peak = int(np.abs(raw).max(initial=0))
    if (peak << left) < 2**63 and raw.dtype != object:
        return raw << left
    return np.asarray(raw.astype(object) * (1 << left), dtype=object)
