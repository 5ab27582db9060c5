"""A change of type and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import Interval
from hpq_hls.kernels import Cast
from hpq_hls.ops.base import IntArray, Lowering, Operator, Shape, operator
from hpq_hls.ops.channels import Channelwise
from hpq_hls.ops.layout import Array, Scratch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class Recast(Channelwise, Operator):
    """The same values in a type of their own: the index of a table whose input others read too, or what
    slopes by channel are fused into where no layer in front takes them."""

    kind: ClassVar[str] = "Cast"
    casts: ClassVar[bool] = True
    leaks_sums: ClassVar[bool] = True

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return shapes[0]

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        result = scratch.result(x.shape, x.dtype)
        np.copyto(result, x)
        return result

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return seen, max(abs(seen.lo), abs(seen.hi))

    def lower(self, build: Lowering) -> None:
        build.elementwise("cast", Cast, lambda layer: {"epilogue": layer.epilogue})
