"""The operators: one with a kernel of its own, two that are made of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from squares import kernels

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.extend import Interval, Lowering, Operator, Part, operator
from hpq_hls.ops import Add, ChannelAffine, Linear

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class SquaredDifference(Operator):
    """``(a - b) ** 2``, element by element."""

    kind: ClassVar[str] = "SquaredDifference"
    arity: ClassVar[int] = 2
    degree: ClassVar[int] = 2
    casts: ClassVar[bool] = True

    def output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        first, second = shapes
        if first != second:
            raise UnsupportedOperatorError(
                f"SquaredDifference of tensors of shapes {first} and {second}; bring both to one shape"
            )
        return first

    def compute(self, inputs: Sequence[Any], weight: Any, bias: Any, scratch: Any) -> Any:
        a, b = inputs
        difference = np.subtract(a, b, out=scratch.result(a.shape, a.dtype))
        return np.multiply(difference, difference, out=difference)

    def differentiable(self, inputs: Sequence[torch.Tensor], weight: Any, bias: Any) -> torch.Tensor:
        return (inputs[0] - inputs[1]) ** 2

    def range(self, inputs: Sequence[Interval], weight: Any, bias: Any) -> tuple[Interval, int]:
        a, b = inputs
        low, high = a.lo - b.hi, a.hi - b.lo
        peak = max(low * low, high * high)
        least = 0 if low <= 0 <= high else min(low * low, high * high)
        return Interval(least, peak), max(peak, *(abs(end) for end in (a.lo, a.hi, b.lo, b.hi)))

    def lower(self, build: Lowering) -> None:
        build.elementwise("square", kernels.SquaredDifference, _told)


def _told(layer: Any) -> dict[str, Any]:
    a, b = (edge.type for edge in layer.input_edges)
    return {
        "difference_type": kernels.difference_type(a, b),
        "accumulator_type": layer.accumulator_type,
        "epilogue": layer.epilogue,
    }


@operator
@dataclass(frozen=True, eq=False)
class SquaredDistance(Operator):
    """``sum_k (a[k] - b[k]) ** 2`` of two vectors: squares, and a layer that adds them up."""

    kind: ClassVar[str] = "SquaredDistance"
    arity: ClassVar[int] = 2

    def parts(self, shapes: Sequence[tuple[int, ...]]) -> tuple[Part, ...]:
        (length,) = shapes[0]
        ones = Linear(weights=np.ones((1, length)))
        return Part("squares", SquaredDifference(), (0, 1)), Part("", ones, ("squares",))

    def output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        if len(shapes[0]) != 1 or shapes[0] != shapes[1]:
            raise UnsupportedOperatorError(
                f"SquaredDistance of tensors of shapes {shapes[0]} and {shapes[1]}; it takes two vectors of "
                "one length"
            )
        return (1,)

    def compute(self, inputs: Sequence[Any], weight: Any, bias: Any, scratch: Any) -> Any:
        return np.square(inputs[0] - inputs[1]).sum(axis=0, keepdims=True)

    def differentiable(self, inputs: Sequence[torch.Tensor], weight: Any, bias: Any) -> torch.Tensor:
        return ((inputs[0] - inputs[1]) ** 2).sum(1, keepdim=True)

    def range(self, inputs: Sequence[Interval], weight: Any, bias: Any) -> tuple[Interval, int]:
        raise TypeError("a SquaredDistance is taken apart before it has a range")

    def lower(self, build: Lowering) -> None:
        raise TypeError("a SquaredDistance is taken apart before it becomes kernels")


@operator
@dataclass(frozen=True, eq=False)
class Blend(Operator):
    """``0.75 * a + b``: made of operators and kernels that there are."""

    kind: ClassVar[str] = "Blend"
    arity: ClassVar[int] = 2

    def parts(self, shapes: Sequence[tuple[int, ...]]) -> tuple[Part, ...]:
        channels = shapes[0][0]
        scale = ChannelAffine(weights=np.full(channels, 0.75), biases=np.zeros(channels))
        return Part("scaled", scale, (0,)), Part("", Add(), ("scaled", 1))

    def output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        return Add().output_shape(shapes)

    def compute(self, inputs: Sequence[Any], weight: Any, bias: Any, scratch: Any) -> Any:
        return 0.75 * inputs[0] + inputs[1]

    def differentiable(self, inputs: Sequence[torch.Tensor], weight: Any, bias: Any) -> torch.Tensor:
        return 0.75 * inputs[0] + inputs[1]

    def range(self, inputs: Sequence[Interval], weight: Any, bias: Any) -> tuple[Interval, int]:
        raise TypeError("a Blend is taken apart before it has a range")

    def lower(self, build: Lowering) -> None:
        raise TypeError("a Blend is taken apart before it becomes kernels")
