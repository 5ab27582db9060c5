"""Operators that are made of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpq_hls.fixed import Interval
from hpq_hls.ops.base import IntArray, Lowering, Operator, Shape
from hpq_hls.ops.layout import Array, Scratch, batch_first

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Composite(Operator):
    """Base of operators that say all there is to say of them by their ``parts``."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        shape: Shape = shapes[0]
        known: dict[int | str, Shape] = dict(enumerate(shapes))
        for part in self.parts(shapes):
            shape = known[part.name] = part.op.output_shape([known[given] for given in part.inputs])
        return shape

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        known: dict[int | str, Array] = dict(enumerate(inputs))
        result = inputs[0]
        for part in self.parts([batch_first(x).shape[1:] for x in inputs]):
            given = [known[name] for name in part.inputs]
            weights = None if part.op.weight is None else part.op.arrange(part.op.weight)
            result = known[part.name] = part.op.compute(given, weights, part.op.bias, Scratch())
        return np.ascontiguousarray(result)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        known: dict[int | str, Any] = dict(enumerate(inputs))
        result = inputs[0]
        for part in self.parts([tuple(x.shape[1:]) for x in inputs]):
            tensors = [
                None if array is None else result.new_tensor(array)
                for array in (part.op.weight, part.op.bias)
            ]
            result = known[part.name] = part.op.differentiable(
                [known[name] for name in part.inputs], tensors[0], tensors[1]
            )
        return result

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError(f"{self.kind} has no integer meaning before it is taken apart")

    def lower(self, build: Lowering) -> None:
        raise TypeError(f"{self.kind} becomes no kernel before it is taken apart")
