"""Operators that join branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls import kernels
from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import IntArray, Lowering, Operator, Shape
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import Array, Scratch

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Add(Operator):
    """Element-wise sum of two tensors of one shape, the end of a residual branch."""

    kind: ClassVar[str] = "Add"
    arity: ClassVar[int] = 2
    casts: ClassVar[bool] = True

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        first, second = shapes
        if first != second:
            raise UnsupportedOperatorError(
                f"Add of tensors of shapes {first} and {second}; broadcasting is not supported, "
                "so bring both to one shape"
            )
        return first

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        first, second = inputs
        return np.add(first, second, out=scratch.result(first.shape, first.dtype))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] + inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        bound = max(abs(first.lo), abs(first.hi)) + max(abs(second.lo), abs(second.hi))
        return Interval(first.lo + second.lo, first.hi + second.hi), bound

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        return ("add", *inputs)

    def lower(self, build: Lowering) -> None:
        build.elementwise(
            "add",
            kernels.Add,
            lambda layer: {"accumulator_type": layer.accumulator_type, "clip": layer.clip},
        )
