"""One quantized layer: integer parameters, types, and the proved range of everything inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType, Interval, bits_for, cast_interval
from hpq_hls.ops.base import IntArray, Operator

WideArray = npt.NDArray[Any]
"""Integers of dtype int64, or Python integers (dtype object) where 63 bits do not suffice."""


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
    """

    weight_raw: IntArray | None = None
    weight_type: FixedType | None = None
    bias_raw: IntArray | None = None
    bias_type: FixedType | None = None
    output_type: FixedType | None = None


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """A layer in integers.

    weight_raw, bias_raw: int64 in torch layout, batch-norm folded in; None where there are none.
    weight_type, bias_type: their types; raw * 2**-fraction is the value.
    output_type: type after the fused activation.
    accumulator_type: a signed type that holds every exact sum; None for exact operators.
    accumulator_interval: raw values the sum can take before the activation.
    partial_bound: bound on the magnitude of the sum of any of the terms, for the simulator's number type.
    output_interval: raw values the output can take.
    input_edges: type and interval of each input.
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

    @property
    def sum_fraction(self) -> int:
        """Fraction bits of the exact sum."""
        return sum_fraction(self.op, [edge.type for edge in self.input_edges], self)

    @property
    def kind(self) -> str:
        """The operator's name."""
        return self.op.kind

    @property
    def weight_bits(self) -> int:
        """Bits of weights and biases that the hardware stores."""
        total = 0
        if self.weight_raw is not None and self.weight_type is not None:
            total += self.weight_raw.size * self.weight_type.width
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
        PrecisionError: an accumulator would be wider than a FixedType can be.
    """
    fraction = sum_fraction(op, [edge.type for edge in edges], spec)
    weight, bias = aligned_parameters(op, [edge.type for edge in edges], spec, fraction)
    seen = (
        [edge.interval.shift(fraction - edge.type.fraction) for edge in edges]
        if op.arity > 1
        else [edges[0].interval]
    )
    interval, bound = op.range(seen, weight, bias)
    after = interval if activation is None else activation.range([interval], None, None)[0]
    if op.casts:
        assert spec.output_type is not None
        width = max(bits_for(interval.hull(Interval(-1, 0)))[0], 2)
        try:
            accumulator = FixedType(width, width - fraction)
        except PrecisionError as error:
            raise PrecisionError(
                f"layer {name!r} needs an accumulator of {width} bits with {fraction} after the point, more "
                "than is supported; choose narrower weights or activations"
            ) from error
        output_type = spec.output_type
        output_interval = cast_interval(after, fraction, output_type)
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
    )


def sum_fraction(op: Operator, types: Sequence[FixedType], spec: LayerSpec | QuantizedLayer) -> int:
    """Fraction bits of the exact sum inside a layer."""
    fraction = max(given.fraction for given in types)
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
    """``raw * 2**left`` exactly, in Python integers where int64 does not suffice."""
    peak = int(np.abs(raw).max(initial=0))
    if (peak << left) < 2**63 and raw.dtype != object:
        return raw << left if left else raw
    return np.asarray(raw.astype(object) * (1 << left), dtype=object)
