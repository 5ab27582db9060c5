"""Fully connected layers and per-channel affine maps (batch-norm that could not be folded)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import FloatArray, IntArray, Lowering, Operator, Order, Shape, Travel, dot_range
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import IMAGE, Array, Scratch, channels_last, torch_order

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Linear(Operator):
    """``y = W x + b`` over the last axis. weights: (out, in); biases: (out,) or None."""

    kind: ClassVar[str] = "Linear"
    casts: ClassVar[bool] = True

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


@dataclass(frozen=True, eq=False)
class ChannelAffine(Operator):
    """``y[c] = a[c] x[c] + b[c]`` over the channel axis, the first one. weights, biases: (channels,)."""

    kind: ClassVar[str] = "ChannelAffine"
    casts: ClassVar[bool] = True

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

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        if shape[:1] != self.weights.shape:
            raise UnsupportedOperatorError(
                f"batch-norm over {self.weights.shape[0]} channels is applied to a tensor of shape {shape}; "
                "the first axis must have as many channels"
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

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        """Where all channels have one factor and one offset."""
        factor, offset = float(self.weights[0]), float(self.biases[0])
        if (self.weights != factor).any() or (self.biases != offset).any():
            return None
        made: Expression = inputs[0] if factor == 1.0 else ("mul", inputs[0], factor)
        return made if offset == 0.0 else ("add", made, offset)

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        order = made[0] if len(shapes[0]) == 1 else channels_last(shapes[0])
        return Travel((order,), order)

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return order if len(shapes[0]) == 1 else None

    def lower(self, build: Lowering) -> None:
        build.weighted(groups=int(self.weights.shape[0]), window=None)
