"""Batch normalisation as it was trained; the graph passes fold it or turn it into a ChannelAffine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import Interval
from hpq_hls.ops.base import FloatArray, IntArray, Lowering, Operator, Shape
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.linear import ChannelAffine

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class BatchNorm(Operator):
    """``y = gamma (x - mean) / sqrt(variance + epsilon) + beta`` per channel, arrays of (channels,)."""

    kind: ClassVar[str] = "BatchNorm"
    casts: ClassVar[bool] = True

    gamma: FloatArray
    beta: FloatArray
    mean: FloatArray
    variance: FloatArray
    epsilon: float

    def affine(self) -> ChannelAffine:
        """The same map as one multiplication and one addition per channel."""
        scale = self.gamma / np.sqrt(self.variance + self.epsilon)
        return ChannelAffine(weights=scale, biases=self.beta - self.mean * scale)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.affine().output_shape(shapes)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        affine = self.affine()
        return affine.compute(inputs, affine.weight, affine.bias, scratch)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        affine = self.affine()
        weight, bias = (inputs[0].new_tensor(array) for array in (affine.weights, affine.biases))
        return affine.differentiable(inputs, weight, bias)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError("batch-norm has no integer meaning before it is folded")

    def lower(self, build: Lowering) -> None:
        raise TypeError("batch-norm becomes no kernel before it is folded")
