"""Operators that move elements and change none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import FixedType, Interval
from hpq_hls.ops.base import IntArray, Lowering, Operator, Shape
from hpq_hls.ops.layout import IMAGE, Array, Scratch

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Flatten(Operator):
    """All elements as a vector, in torch's order (channels slowest)."""

    kind: ClassVar[str] = "Flatten"

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return (math.prod(shapes[0]),)

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

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].flatten(1)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        return types[0]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return seen, max(abs(seen.lo), abs(seen.hi))

    def lower(self, build: Lowering) -> None:
        build.flatten()
