"""Fully connected layers and per-channel affine maps (batch-norm that could not be folded)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import (
    FloatArray,
    IntArray,
    Lowering,
    Operator,
    Order,
    Product,
    Shape,
    Travel,
    dot_range,
    operator,
)
from hpq_hls.ops.channels import Channelwise, narrowed_weights, taken
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import IMAGE, Array, Scratch, channels_last, torch_order
from hpq_hls.ops.permute import Permute
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class Linear(Operator):
    """``y = W x + b`` over the last axis. weights: (out, in); biases: (out,) or None."""

    kind: ClassVar[str] = "Linear"
    casts: ClassVar[bool] = True
    leaks_sums: ClassVar[bool] = True

    weights: FloatArray
    biases: FloatArray | None = None

    @property
    def weight(self) -> FloatArray | None:
        return self.weights

    @property
    def bias(self) -> FloatArray | None:
        return self.biases

    def with_parameters(self, weight: FloatArray, bias: FloatArray | None) -> Linear:
        return replace(self, weights=weight, biases=bias)

    @property
    def product(self) -> Product | None:
        return Product()

    def scaled_output(self, scale: FloatArray, offset: FloatArray) -> Linear | None:
        biases = 0 if self.biases is None else self.biases
        return replace(self, weights=self.weights * scale[:, None], biases=biases * scale + offset)

    def scaled_input(self, scale: FloatArray, offset: FloatArray) -> Linear | None:
        biases = self.biases
        if offset.any():
            biases = (0 if biases is None else biases) + self.weights @ offset
        return replace(self, weights=self.weights * scale, biases=biases)

    def narrowed(self, inputs: Sequence[IntArray], output: IntArray) -> Linear:
        weights = narrowed_weights(self.weights, 1, inputs[0], output)
        return replace(self, weights=weights, biases=taken(self.biases, output))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        if shape[-1:] != (self.weights.shape[1],):
            raise UnsupportedOperatorError(
                f"Linear with {self.weights.shape[1]} inputs is applied to a tensor of shape {shape}, "
                "whose last axis has another length; put a Flatten in front of it"
            )
        return (*shape[:-1], int(self.weights.shape[0]))

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        assert weight is not None
        (x,) = inputs
        # In every layout the last axis stands before the batch.
        made = (*x.shape[:-2], weight.shape[0], x.shape[-1])
        total = np.matmul(weight, x, out=scratch.result(made, x.dtype))
        return total if bias is None else np.add(total, bias[:, None], out=total)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        assert weight is not None
        total = inputs[0] @ weight.T
        return total if bias is None else total + bias

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        assert weight is not None
        return dot_range(weight, bias, inputs[0])

    def image(self, shape: Shape) -> Shape:
        return shape if len(shape) == 1 else (shape[-1], 1, math.prod(shape[:-1]))

    def channel_axis(self, shape: Shape) -> int:
        return len(shape) - 1

    def as_image(self, x: Array) -> Array:
        return x if x.ndim == 2 else np.moveaxis(x.reshape(len(x), 1, -1, x.shape[-1]), -1, 1)

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        """Columns of the weights follow the order of a vector, rows that which is wished for."""
        size = math.prod(self.output_shape(shapes))
        if len(shapes[0]) == 1:
            return Travel((made[0],), torch_order(size) if wish is None else wish)
        return Travel((torch_order(math.prod(shapes[0])),), torch_order(size))

    def any_order(self, shapes: Sequence[Shape]) -> bool:
        return len(shapes[0]) == 1

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.weighted(groups=1, window=None)


@operator
@dataclass(frozen=True, eq=False)
class ChannelAffine(Channelwise, Operator):
    """``y[c] = a[c] x[c] + b[c]`` over the channel axis, the first one. weights, biases: (channels,)."""

    kind: ClassVar[str] = "ChannelAffine"
    casts: ClassVar[bool] = True
    leaks_sums: ClassVar[bool] = True

    weights: FloatArray
    biases: FloatArray

    @property
    def weight(self) -> FloatArray | None:
        return self.weights

    @property
    def bias(self) -> FloatArray | None:
        return self.biases

    def with_parameters(self, weight: FloatArray, bias: FloatArray | None) -> ChannelAffine:
        return replace(self, weights=weight, biases=np.zeros_like(weight) if bias is None else bias)

    def affine(self) -> ChannelAffine:
        return self

    def narrowed(self, inputs: Sequence[IntArray], output: IntArray) -> ChannelAffine:
        return ChannelAffine(taken(self.weights, output), taken(self.biases, output))

    def scaled_output(self, scale: FloatArray, offset: FloatArray) -> ChannelAffine | None:
        return ChannelAffine(self.weights * scale, self.biases * scale + offset)

    def scaled_input(self, scale: FloatArray, offset: FloatArray) -> ChannelAffine | None:
        return ChannelAffine(self.weights * scale, self.biases + self.weights * offset)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        if shape[:1] != self.weights.shape:
            raise UnsupportedOperatorError(
                f"a factor and an offset for each of {self.weights.shape[0]} channels are applied to a "
                f"tensor of shape {shape}; the first axis must have as many channels"
            )
        return shape

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        assert weight is not None
        (x,) = inputs
        per_channel = (-1, 1, 1) if x.ndim == IMAGE else (-1, *(1,) * (x.ndim - 1))
        total = np.multiply(x, weight.reshape(per_channel), out=scratch.result(x.shape, x.dtype))
        return total if bias is None else np.add(total, bias.reshape(per_channel), out=total)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        assert weight is not None
        per_channel = (-1,) + (1,) * (inputs[0].ndim - 2)
        total = inputs[0] * weight.reshape(per_channel)
        return total if bias is None else total + bias.reshape(per_channel)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        assert weight is not None
        return dot_range(weight.reshape(-1, 1), bias, inputs[0])

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        order = made[0] if len(shapes[0]) == 1 else channels_last(shapes[0])
        return Travel((order,), order)

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return order if len(shapes[0]) == 1 else None

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        """Where all channels have one factor and one offset."""
        factor, offset = float(self.weights[0]), float(self.biases[0])
        if (self.weights != factor).any() or (self.biases != offset).any():
            return None
        made: Expression = inputs[0] if factor == 1.0 else ("mul", inputs[0], factor)
        return made if offset == 0.0 else ("add", made, offset)

    def lower(self, build: Lowering) -> None:
        build.weighted(groups=int(self.weights.shape[0]), window=None)


@spelled_in_torch("Linear", "linear")
def _linear(call: TorchCall) -> Value:
    return _product(call, call.value("input"), call.constant("weight"), call.optional("bias"))


@spelled_in_torch("Linear", "mm", "matmul")
def _matmul(call: TorchCall) -> Value:
    first, second = call.arguments
    if call.is_value(first) == call.is_value(second):
        call.refuse("only the product of a value and a constant matrix is supported")
    if call.is_value(first):
        return _matrix_product(call, call.value(first), call.constant(second))
    return _matrix_first(call, call.constant(first), call.value(second))


@spelled_in_torch("Linear", "addmm")
def _addmm(call: TorchCall) -> Value:
    if call.arguments["alpha"] != 1 or call.arguments["beta"] != 1:
        call.refuse("its alpha and beta are not 1")
    weights, bias = call.constant("mat2"), call.constant("self")
    biases = np.array(np.broadcast_to(bias, (1, weights.shape[1]))[0])
    return _product(call, call.value("mat1"), weights.T, biases)


@spelled_in_onnx("Gemm")
def _gemm(call: OnnxCall) -> Value:
    given = call.attributes
    if given.get("transA"):
        call.refuse("it transposes its input")
    weights = call.constant(1) * given.get("alpha", 1.0)
    weights = weights if given.get("transB") else weights.T
    biases = call.optional(2)
    if biases is not None:
        if biases.ndim > 1 and biases.shape[0] != 1:
            call.refuse(f"its bias has shape {biases.shape}, which depends on the sample")
        biases = np.array(np.broadcast_to(biases * given.get("beta", 1.0), (1, len(weights)))[0])
    return _product(call, call.value(), weights, biases)


@spelled_in_onnx("MatMul")
def _onnx_matmul(call: OnnxCall) -> Value:
    if call.is_value(0) and call.is_value(1):
        call.refuse("only the product of a value and a constant matrix is supported")
    if call.is_value(0):
        return _matrix_product(call, call.value(), call.constant(1))
    return _matrix_first(call, call.constant(0), call.value(1))


def _matrix_product(call: TorchCall | OnnxCall, x: Value, matrix: FloatArray) -> Value:
    """``x @ matrix``."""
    return _product(call, x, _one_for_all(call, matrix).T, None)


def _matrix_first(call: TorchCall | OnnxCall, matrix: FloatArray, x: Value) -> Value:
    """``matrix @ x``: of each sample's columns."""
    if len(x.shape) < 2:
        call.refuse("a constant matrix times a batch of vectors adds up samples; put the batch first")
    turned = (*range(len(x.shape) - 2), len(x.shape) - 1, len(x.shape) - 2)
    columns = call.emit(Permute(turned), x, suffix="columns")
    linear = Linear(np.ascontiguousarray(_one_for_all(call, matrix)), None)
    product = call.emit(linear, columns, suffix="product")
    return call.emit(Permute(turned), product)


def _one_for_all(call: TorchCall | OnnxCall, matrix: FloatArray) -> FloatArray:
    """A matrix that may have axes of size 1 in front."""
    if matrix.ndim < 2 or any(size != 1 for size in matrix.shape[:-2]):
        call.refuse(f"its matrix has shape {matrix.shape}, not (inputs, outputs)")
    return matrix.reshape(matrix.shape[-2:])


def _product(call: TorchCall | OnnxCall, x: Value, weights: FloatArray, biases: FloatArray | None) -> Value:
    if weights.ndim != 2:
        call.refuse(f"its weights have shape {weights.shape}, not (outputs, inputs)")
    return call.emit(Linear(np.ascontiguousarray(weights), biases), x)
