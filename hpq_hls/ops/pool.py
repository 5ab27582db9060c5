"""Max and average pooling, adaptive average pooling to one pixel included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.ops.base import Constant, IntArray, Lowering, Operator, Order, Shape, Travel
from hpq_hls.ops.layout import Array, Scratch, channels_last
from hpq_hls.ops.reciprocal import reciprocal
from hpq_hls.ops.window import WindowSpec

if TYPE_CHECKING:
    import torch


def _pooled_shape(kind: str, window: WindowSpec, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise UnsupportedOperatorError(
            f"{kind} is applied to a tensor of shape {shape}; only (C, H, W) is supported"
        )
    size = window.output_size(shape[1], shape[2])
    if min(size) < 1:
        raise UnsupportedOperatorError(
            f"{kind} with kernel {window.kernel} does not fit into its input of shape {shape}; "
            "add padding or use a smaller kernel"
        )
    return (shape[0], *size)


@dataclass(frozen=True, eq=False)
class MaxPool2d(Operator):
    """The largest value of each window; padding never wins. Exact: the type passes through."""

    kind: ClassVar[str] = "MaxPool2d"

    window: WindowSpec

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return _pooled_shape(self.kind, self.window, shapes[0])

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        lowest = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else -math.inf
        return self.window.reduce(np.maximum, x, lowest, scratch)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        from torch.nn import functional

        window = self.window
        height, width = window.output_size(*inputs[0].shape[2:])
        padded = window.padded_tensor(inputs[0], -math.inf)
        largest = functional.max_pool2d(padded, window.kernel, window.stride, 0, window.dilation)
        return largest[:, :, :height, :width]

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        return types[0]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return seen, max(abs(seen.lo), abs(seen.hi))

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((channels_last(shapes[0]),), channels_last(self.output_shape(shapes)))

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.pool(self.window, average=False)


@dataclass(frozen=True, eq=False)
class AvgPool2d(Operator):
    """The sum of each window times ``1 / divisor``; padding counts as zeros.

    input_size: (height, width) of the input, for the value range at the border.
    """

    kind: ClassVar[str] = "AvgPool2d"
    casts: ClassVar[bool] = True

    window: WindowSpec
    divisor: int
    input_size: tuple[int, int]

    @property
    def constant(self) -> Constant | None:
        """See ``hpq_hls.ops.reciprocal``."""
        return reciprocal(self.divisor)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return _pooled_shape(self.kind, self.window, shapes[0])

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        total = self.window.reduce(np.add, inputs[0], 0, scratch)
        result = scratch.result(total.shape, total.dtype)
        if weight is None:
            return np.divide(total, self.divisor, out=result)
        return np.multiply(total, weight, out=result)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        total = self.window.sum_tensor(inputs[0])
        return total / self.divisor if weight is None else total * weight

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        assert weight is not None
        (seen,) = inputs
        masks = self.window.visible(*self.input_size)
        most, least = (seen.scale(int(weight) * int(mask.sum())) for mask in (masks[0], masks[-1]))
        interval = most.hull(least)
        return interval, max(abs(interval.lo), abs(interval.hi))

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((channels_last(shapes[0]),), channels_last(self.output_shape(shapes)))

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.pool(self.window, average=True)


def reciprocal_error(pool: AvgPool2d) -> float:
    """Relative error of the reciprocal constant: 0 for a power of two, else below 2**-18."""
    constant = pool.constant
    assert constant is not None
    return abs(math.ldexp(constant.raw, -constant.type.fraction) * pool.divisor - 1.0)
