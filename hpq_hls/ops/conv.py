"""Two-dimensional convolution: any stride, padding, dilation and number of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import Array, FloatArray, IntArray, Lowering, Operator, Shape, dot_range
from hpq_hls.ops.window import WindowSpec


@dataclass(frozen=True, eq=False)
class Conv2d(Operator):
    """Cross-correlation with zero padding, as torch defines it.

    weights: (out_channels, in_channels / groups, kh, kw); biases: (out_channels,) or None.
    input_size: (height, width) of the input, for the value range at the border.
    """

    kind: ClassVar[str] = "Conv2d"
    casts: ClassVar[bool] = True

    weights: FloatArray
    window: WindowSpec
    input_size: tuple[int, int]
    groups: int = 1
    biases: FloatArray | None = None

    @property
    def weight(self) -> FloatArray | None:
        return self.weights

    @property
    def bias(self) -> FloatArray | None:
        return self.biases

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        channels = int(self.weights.shape[1]) * self.groups
        if len(shape) != 3 or shape[0] != channels:
            raise UnsupportedOperatorError(
                f"Conv2d with {channels} input channels is applied to a tensor of shape {shape}; "
                "only (C, H, W) with the same number of channels is supported"
            )
        size = self.window.output_size(shape[1], shape[2])
        if min(size) < 1:
            raise UnsupportedOperatorError(
                f"Conv2d with kernel {self.window.kernel} does not fit into its input of shape {shape}; "
                "add padding or use a smaller kernel"
            )
        return (int(self.weights.shape[0]), *size)

    def compute(self, inputs: Sequence[Array], weight: Array | None, bias: Array | None) -> Array:
        assert weight is not None
        patches = self.window.patches(inputs[0])
        batch, channels, height, width, kh, kw = patches.shape
        per_group = channels // self.groups
        columns = (
            patches.reshape(batch, self.groups, per_group, height, width, kh, kw)
            .transpose(0, 1, 3, 4, 2, 5, 6)
            .reshape(batch, self.groups, height * width, per_group * kh * kw)
        )
        rows = weight.reshape(self.groups, -1, per_group * kh * kw).transpose(0, 2, 1)
        product = np.matmul(columns, rows).transpose(0, 1, 3, 2).reshape(batch, -1, height, width)
        return np.asarray(product if bias is None else product + bias.reshape(-1, 1, 1))

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        assert weight is not None
        seen = inputs[0]
        if self.window.touches_padding(*self.input_size):
            seen = seen.hull(Interval(0, 0))
        return dot_range(weight.reshape(weight.shape[0], -1), bias, seen)

    def lower(self, build: Lowering) -> None:
        build.weighted(groups=self.groups, window=self.window)
