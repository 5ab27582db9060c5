"""Exact and fast execution of a QuantizedGraph.

Every layer runs in the fastest number type that its proved partial-sum bound allows: float32 BLAS,
float64 BLAS, int64, Python integers. ``reference`` is the plain version in integers only; both give
the same integers, always.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.ops.base import Array, IntArray
from hpq_hls.simulate.layer import QuantizedLayer, aligned_parameters, sum_fraction
from hpq_hls.simulate.quantized_graph import QuantizedGraph

FLOAT32_BOUND = 2**23
FLOAT64_BOUND = 2**52
"""One bit less than the mantissa, so that adding half an LSB before rounding is exact too."""
INT64_BOUND = 2**62

BLOCK_ELEMENTS = 1 << 22
"""Elements of the largest temporary array of a layer, so that it stays near the cache."""


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """A layer with its parameters in the number type it runs in."""

    layer: QuantizedLayer
    dtype: np.dtype[np.generic]
    weight: Array | None
    bias: Array | None
    fraction: int
    input_types: tuple[FixedType, ...]

    def run(self, inputs: list[Array]) -> Array:
        """The layer's raw output; inputs are raw, in any number type."""
        op, layer = self.layer.op, self.layer
        operands = [self._operand(given) for given in inputs]
        if op.arity > 1:
            operands = [
                given * self.dtype.type(1 << (self.fraction - kind.fraction))
                if self.dtype != object
                else given * (1 << (self.fraction - kind.fraction))
                for given, kind in zip(operands, self.input_types, strict=True)
            ]
        result = op.compute(operands, self.weight, self.bias)
        if layer.activation is not None:
            result = layer.activation.compute([result], None, None)
        return self.cast(result) if op.casts else result

    def _operand(self, raw: Array) -> Array:
        if self.dtype == object and raw.dtype.kind == "f":
            raw = raw.astype(np.int64)  # else the Python numbers would be floats
        return raw.astype(self.dtype, copy=False)

    def cast(self, total: Array) -> Array:
        """Exact sums -> raw values of the output type."""
        target = self.layer.output_type
        shift = self.fraction - target.fraction
        simple = target.rounding in (Rounding.TRN, Rounding.RND) and target.overflow is Overflow.SAT
        if total.dtype.kind == "f" and simple and 0 <= shift <= 64 and target.width <= 22:
            scaled = total * total.dtype.type(math.ldexp(1.0, -shift))
            if target.rounding is Rounding.RND and shift > 0:
                scaled += total.dtype.type(0.5)
            return np.asarray(np.clip(np.floor(scaled), target.min_raw, target.max_raw))
        if total.dtype.kind == "f":
            total = total.astype(np.int64)
        return target.from_raw(total, self.fraction)


def plan_layer(layer: QuantizedLayer, types: tuple[FixedType, ...], exact_integers: bool) -> LayerPlan:
    """Choose the number type of a layer from its proved bound."""
    fraction = sum_fraction(layer.op, types, layer)
    weight, bias = aligned_parameters(layer.op, types, layer, fraction)
    bound = max(layer.partial_bound, *(2**kind.width for kind in types))
    dtype = np.dtype(object)
    if bound < INT64_BOUND:
        dtype = np.dtype(np.int64)
    if not exact_integers and bound < FLOAT64_BOUND:
        dtype = np.dtype(np.float32 if bound < FLOAT32_BOUND else np.float64)
    return LayerPlan(
        layer=layer,
        dtype=dtype,
        weight=None if weight is None else weight.astype(dtype),
        bias=None if bias is None else bias.astype(dtype),
        fraction=fraction,
        input_types=types,
    )


def plans(q: QuantizedGraph, exact_integers: bool = False) -> dict[str, LayerPlan]:
    """A plan for every layer."""
    return {
        name: plan_layer(layer, tuple(q.edges[given].type for given in layer.inputs), exact_integers)
        for name, layer in q.layers.items()
    }


def simulate(q: QuantizedGraph, x_raw: IntArray) -> IntArray:
    """Raw outputs (batch, *output_shape) for raw inputs (batch, *input_shape)."""
    return _run_blocks(q, plans(q), x_raw, _block(q))


def reference(q: QuantizedGraph, x_raw: IntArray) -> IntArray:
    """The same as ``simulate`` in int64 and Python integers only, one sample at a time."""
    return _run_blocks(q, plans(q, exact_integers=True), x_raw, 1)


def _run_blocks(q: QuantizedGraph, planned: Mapping[str, LayerPlan], x_raw: IntArray, block: int) -> IntArray:
    results = [
        _run(q, planned, x_raw[start : start + block])[q.graph.output]
        for start in range(0, len(x_raw), block)
    ]
    joined = np.concatenate(results)
    return joined if joined.dtype == object else joined.astype(np.int64)


def simulate_all(q: QuantizedGraph, x_raw: IntArray) -> dict[str, IntArray]:
    """Raw values of every edge by name, int64 (batch, *shape), the input's included."""
    values = _run(q, plans(q), x_raw, keep=True)
    return {name: v if v.dtype == object else v.astype(np.int64) for name, v in values.items()}


def _run(
    q: QuantizedGraph, planned: Mapping[str, LayerPlan], x_raw: Array, keep: bool = False
) -> dict[str, Array]:
    last_use = {name: index for index, layer in enumerate(q.layers.values()) for name in layer.inputs}
    values: dict[str, Array] = {q.graph.input_name: x_raw}
    for index, (name, layer) in enumerate(q.layers.items()):
        values[name] = planned[name].run([values[given] for given in layer.inputs])
        for given in layer.inputs:
            if not keep and last_use[given] == index and given != q.graph.output:
                values.pop(given, None)
    return values


def _block(q: QuantizedGraph) -> int:
    """Samples per block, so that the largest temporary array of a layer stays bounded."""
    shapes = q.graph.shapes
    largest = 1
    for layer in q.layers.values():
        window = getattr(layer.op, "window", None)
        taps = 1 if window is None else window.taps
        positions = math.prod(shapes[layer.name][1:]) if window is not None else 1
        read = sum(math.prod(shapes[name]) for name in layer.inputs)
        patches = shapes[layer.inputs[0]][0] * taps * positions
        largest = max(largest, read, math.prod(shapes[layer.name]), patches)
    return max(1, BLOCK_ELEMENTS // largest)
