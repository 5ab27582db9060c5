"""Operators that give a value another shape: no element changes its flat index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.base import IntArray, Order, Shape, Travel
from hpq_hls.ops.layout import IMAGE, Array, Scratch
from hpq_hls.ops.rearrange import Rearrange, placed


@dataclass(frozen=True, eq=False)
class Reshape(Rearrange):
    """The same elements in torch's order in another shape, the batch left alone."""

    kind: ClassVar[str] = "Reshape"

    shape: Shape

    def index(self, shape: Shape) -> IntArray:
        if math.prod(shape) != math.prod(self.shape):
            raise UnsupportedOperatorError(
                f"{self.kind} to {self.shape} is applied to a tensor of shape {shape}, which has "
                f"{math.prod(shape)} elements and not {math.prod(self.shape)}"
            )
        return placed(self.shape)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        if x.ndim != IMAGE and len(self.shape) != IMAGE - 1:
            return x.reshape(*self.shape, x.shape[-1])
        return super().compute(inputs, weight, bias, scratch)

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((made[0],), made[0])

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return order


@dataclass(frozen=True, eq=False)
class Flatten(Rearrange):
    """All elements as a vector, in torch's order (channels slowest)."""

    kind: ClassVar[str] = "Flatten"

    def index(self, shape: Shape) -> IntArray:
        return placed(shape).reshape(-1)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        if x.ndim != IMAGE:
            return x.reshape(-1, x.shape[-1])
        height, channels, width, batch = x.shape
        result = scratch.result((channels * height * width, batch), x.dtype)
        np.copyto(result.reshape(channels, height, width, batch), x.transpose(1, 0, 2, 3))
        return result

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((made[0],), made[0])

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return order
