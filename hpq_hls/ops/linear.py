"""Fully connected layers and per-channel affine maps (batch-norm that could not be folded)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import FloatArray, IntArray, Lowering, Operator, Shape, dot_range
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import IMAGE, Array, Scratch

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Linear(Operator):
    """``y = W x + b``. weights: (out, in); biases: (out,) or None."""

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
        if shape != (self.weights.shape[1],):
            raise UnsupportedOperatorError(
                f"Linear with {self.weights.shape[1]} inputs is applied to a tensor of shape {shape}; "
                "only vectors are supported, so put a Flatten in front of it"
            )
        return (int(self.weights.shape[0]),)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        assert weight is not None
        (x,) = inputs
        total = np.matmul(weight, x, out=scratch.result((weight.shape[0], x.shape[1]), x.dtype))
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
        if len(shape) not in (1, 3) or shape[0] != self.weights.shape[0]:
            raise UnsupportedOperatorError(
                f"batch-norm over {self.weights.shape[0]} channels is applied to a tensor of shape {shape}; "
                "only (C,) and (C, H, W) with the same number of channels are supported"
            )
        return shape

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        assert weight is not None
        (x,) = inputs
        per_channel = (-1, 1, 1) if x.ndim == IMAGE else (-1, 1)
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

    def lower(self, build: Lowering) -> None:
        build.weighted(groups=int(self.weights.shape[0]), window=None)
